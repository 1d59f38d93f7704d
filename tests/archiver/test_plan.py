from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from caldav_backup.archiver.plan import BATCH, BATCH_BYTES, CalendarPlan, plan_calendar
from caldav_backup.connectors import incremental, naming
from caldav_backup.connectors.base import Collection, Version
from caldav_backup.connectors.incremental import KnownResource

CALENDAR = Collection("/cal/", "cal")
LEAVES = st.sampled_from(["a.ics", "A.ics", "b", "b.ics", "ü.ics", "u\u0308.ics", "~.ics", ".x"])
LISTINGS = st.lists(
    st.builds(
        lambda leaf, n, etag: Version(f"/cal/{n}/{leaf}", leaf, etag, 0, 1),
        LEAVES,
        st.integers(0, 3),
        st.sampled_from(["1", "2", ""]),
    ),
    unique_by=lambda v: v.leaf,
)


def version(number: int, etag: str = "1") -> Version:
    return Version(f"/cal/{number:05}.ics", f"{number:05}.ics", etag, 0, 1)


def known(plan: CalendarPlan) -> list[tuple[str, KnownResource]]:
    state = incremental.encode([incremental.encode_record(item.name, item.version) for item in plan.items])
    return list(zip([item.name for item in plan.items], incremental.decode(state), strict=True))


def test_a_first_run_fetches_everything_in_order_of_names() -> None:
    plan = plan_calendar("/cal", CALENDAR, [version(2), version(1)], [])
    assert [item.name for item in plan.items] == ["00001.ics", "00002.ics"]
    assert plan.to_fetch == 2 and not plan.is_unchanged


def test_a_second_run_fetches_what_changed_and_counts_what_vanished() -> None:
    first = plan_calendar("/cal", CALENDAR, [version(1), version(2), version(3)], [])
    second = plan_calendar("/cal", CALENDAR, [version(2), version(3, "2"), version(4)], known(first))
    assert [(item.name, item.keep) for item in second.items] == [
        ("00002.ics", True),
        ("00003.ics", False),
        ("00004.ics", False),
    ]
    assert second.to_fetch == 2 and second.deleted == 1


def test_an_emptied_calendar_is_a_change() -> None:
    first = plan_calendar("/cal", CALENDAR, [version(1)], [])
    assert not plan_calendar("/cal", CALENDAR, [], known(first)).is_unchanged
    assert not plan_calendar("/cal", CALENDAR, [], known(first), full=True).is_unchanged


def test_a_full_run_keeps_nothing() -> None:
    first = plan_calendar("/cal", CALENDAR, [version(1)], [])
    assert plan_calendar("/cal", CALENDAR, [version(1)], known(first), full=True).to_fetch == 1


@given(LISTINGS, st.randoms(use_true_random=False))
def test_names_differ_and_do_not_move_when_the_order_of_the_listing_does(listing: list[Version], random) -> None:  # type: ignore[no-untyped-def]
    first = plan_calendar("/cal", CALENDAR, listing, [])
    assert len({item.name for item in first.items}) == len(listing)
    shuffled = list(listing)
    random.shuffle(shuffled)
    second = plan_calendar("/cal", CALENDAR, shuffled, known(first))
    assert [(item.name, item.version.key) for item in second.items] == [
        (item.name, item.version.key) for item in first.items
    ]
    assert second.deleted == 0


@given(LISTINGS, LISTINGS)
def test_a_record_keeps_its_name_when_others_come_and_go(before: list[Version], after: list[Version]) -> None:
    first = plan_calendar("/cal", CALENDAR, before, [])
    second = plan_calendar("/cal", CALENDAR, after, known(first))
    names = {item.version.key: item.name for item in first.items}
    for item in second.items:
        assert item.name == names.get(item.version.key, item.name)
    assert len({naming.fold(item.name) for item in second.items}) == len(after)


def test_spans_hold_one_request_each_and_cover_everything_in_order() -> None:
    listing = [version(number) for number in range(1_000)]
    first = plan_calendar("/cal", CALENDAR, listing, [])
    changed = [version(number, "2" if number % 3 == 0 else "1") for number in range(1_000)]
    plan = plan_calendar("/cal", CALENDAR, changed, known(first))
    spans = list(plan.spans())
    assert [item for span in spans for item in span] == list(plan.items)
    fetches = [sum(not item.keep for item in span) for span in spans]
    assert max(fetches) == BATCH and len(spans) == 4


def test_spans_of_large_records_are_short() -> None:
    quarter = BATCH_BYTES // 4
    lengths = [1, quarter, quarter, 2 * quarter, quarter, 8 * quarter, 1, 1]
    listing = [version(number)._replace(length=length) for number, length in enumerate(lengths)]
    spans = list(plan_calendar("/cal", CALENDAR, listing, []).spans())
    assert [[item.version.length for item in span] for span in spans] == [
        [1, quarter, quarter],
        [2 * quarter, quarter],
        [8 * quarter],
        [1, 1],
    ]
