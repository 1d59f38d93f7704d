from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from caldav_backup.archiver.plan import BATCH, BATCH_BYTES, LARGE_BATCH, CalendarPlan, plan_changes, plan_listing
from caldav_backup.connectors import incremental, naming
from caldav_backup.connectors.base import Changes, Collection, Listing, Version
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
    state = incremental.encode([incremental.encode_record(item.name, item.wanted) for item in plan.items])
    return list(zip([item.name for item in plan.items], incremental.decode(state), strict=True))


def listed(
    path: str,
    collection: Collection,
    versions: list[Version],
    *parents: list[tuple[str, KnownResource]],
    full: bool = False,
) -> CalendarPlan:
    return plan_listing(path, collection, Listing(versions), parents, full=full)


def test_a_first_run_fetches_everything_in_order_of_names() -> None:
    plan = listed("/cal", CALENDAR, [version(2), version(1)])
    assert [item.name for item in plan.items] == ["00001.ics", "00002.ics"]
    assert plan.to_fetch == 2 and plan.whole is None


def test_a_second_run_fetches_what_changed_and_counts_what_vanished() -> None:
    first = listed("/cal", CALENDAR, [version(1), version(2), version(3)])
    second = listed("/cal", CALENDAR, [version(2), version(3, "2"), version(4)], known(first))
    assert [(item.name, item.keep) for item in second.items] == [
        ("00002.ics", True),
        ("00003.ics", False),
        ("00004.ics", False),
    ]
    assert second.to_fetch == 2 and second.deleted == 1


def test_an_emptied_calendar_is_a_change() -> None:
    first = listed("/cal", CALENDAR, [version(1)])
    assert listed("/cal", CALENDAR, [], known(first)).whole is None
    assert listed("/cal", CALENDAR, [], known(first), full=True).whole is None


def test_a_full_run_keeps_nothing() -> None:
    first = listed("/cal", CALENDAR, [version(1)])
    assert listed("/cal", CALENDAR, [version(1)], known(first), full=True).to_fetch == 1


@given(LISTINGS, st.randoms(use_true_random=False))
def test_names_differ_and_do_not_move_when_the_order_of_the_listing_does(listing: list[Version], random) -> None:  # type: ignore[no-untyped-def]
    first = listed("/cal", CALENDAR, listing)
    assert len({item.name for item in first.items}) == len(listing)
    shuffled = list(listing)
    random.shuffle(shuffled)
    second = listed("/cal", CALENDAR, shuffled, known(first))
    assert [(item.name, item.wanted.key) for item in second.items] == [
        (item.name, item.wanted.key) for item in first.items
    ]
    assert second.deleted == 0


@given(LISTINGS, LISTINGS)
def test_a_record_keeps_its_name_when_others_come_and_go(before: list[Version], after: list[Version]) -> None:
    first = listed("/cal", CALENDAR, before)
    second = listed("/cal", CALENDAR, after, known(first))
    names = {item.wanted.key: item.name for item in first.items}
    for item in second.items:
        assert item.name == names.get(item.wanted.key, item.name)
    assert len({naming.fold(item.name) for item in second.items}) == len(after)


def test_spans_hold_one_request_each_and_cover_everything_in_order() -> None:
    listing = [version(number) for number in range(1_000)]
    first = listed("/cal", CALENDAR, listing)
    changed = [version(number, "2" if number % 3 == 0 else "1") for number in range(1_000)]
    plan = listed("/cal", CALENDAR, changed, known(first))
    spans = list(plan.spans())
    assert [item for span in spans for item in span] == list(plan.items)
    fetches = [sum(not item.keep for item in span) for span in spans]
    assert max(fetches) == BATCH and len(spans) == 4


def test_many_small_records_come_in_large_batches() -> None:
    def fetches(records: int, length: int) -> list[int]:
        listing = [version(number)._replace(length=length) for number in range(records)]
        return [len(span) for span in listed("/cal", CALENDAR, listing).spans()]

    assert fetches(1_000, 600) == [LARGE_BATCH] * 5
    assert fetches(1_000, 20_000) == [BATCH] * 10
    assert fetches(999, 600) == [BATCH] * 9 + [99]


def test_spans_of_large_records_are_short() -> None:
    quarter = BATCH_BYTES // 4
    lengths = [1, quarter, quarter, 2 * quarter, quarter, 8 * quarter, 1, 1]
    listing = [version(number)._replace(length=length) for number, length in enumerate(lengths)]
    spans = list(listed("/cal", CALENDAR, listing).spans())
    assert [[item.wanted.length for item in span] for span in spans] == [
        [1, quarter, quarter],
        [2 * quarter, quarter],
        [8 * quarter],
        [1, 1],
    ]


def test_what_the_newest_parent_has_not_is_taken_from_an_older_one() -> None:
    complete = listed("/cal", CALENDAR, [version(1), version(2), version(3), version(4)])
    stopped = listed("/cal", CALENDAR, [version(1), version(2, "2")])
    plan = listed(
        "/cal", CALENDAR, [version(1), version(2, "2"), version(3), version(5)], known(stopped), known(complete)
    )
    assert [(item.name, item.keep, item.source) for item in plan.items] == [
        ("00001.ics", True, 0),
        ("00002.ics", True, 0),
        ("00003.ics", True, 1),
        ("00005.ics", False, 0),
    ]
    assert plan.deleted == 1 and plan.whole is None


def test_a_directory_that_one_parent_holds_as_it_is_is_taken_whole() -> None:
    complete = listed("/cal", CALENDAR, [version(1), version(2)])
    stopped = listed("/cal", CALENDAR, [version(1)])
    assert listed("/cal", CALENDAR, [version(1)], known(stopped), known(complete)).whole == 0
    assert listed("/cal", CALENDAR, [version(1), version(2)], known(complete)).whole == 0
    assert listed("/cal", CALENDAR, [], []).whole == 0
    assert listed("/cal", CALENDAR, []).whole is None


def test_a_changed_record_has_the_older_copy_at_hand() -> None:
    first = listed("/cal", CALENDAR, [version(1)])
    (item,) = listed("/cal", CALENDAR, [version(1, "2")], known(first)).items
    assert item.before is not None and not item.keep
    (new,) = listed("/cal", CALENDAR, [version(2)], known(first)).items
    assert new.before is None


#: In one calendar no two records share their last segment.
CALENDARS = LISTINGS.map(lambda listing: [version._replace(key=f"/cal/{version.leaf}") for version in listing])


@given(CALENDARS, CALENDARS)
def test_changes_lead_where_a_listing_leads(before: list[Version], after: list[Version]) -> None:
    first = listed("/cal", CALENDAR, before)
    stay = {version.key for version in after}
    changes = Changes(after, [each._replace(etag="", mtime_ns=0, length=-1) for each in before if each.key not in stay])
    by_changes = plan_changes("/cal", CALENDAR, changes, known(first))
    by_listing = listed("/cal", CALENDAR, after, known(first))
    assert [(item.name, item.keep, item.wanted.key) for item in by_changes.items] == [
        (item.name, item.keep, item.wanted.key) for item in by_listing.items
    ]
    assert (by_changes.to_fetch, by_changes.deleted) == (by_listing.to_fetch, by_listing.deleted)


@given(CALENDARS, st.integers(0, 3), CALENDARS)
def test_what_changes_do_not_name_is_kept(before: list[Version], removed: int, more: list[Version]) -> None:
    first = listed("/cal", CALENDAR, before)
    gone = before[:removed]
    added = [each for each in more if each.key not in {version.key for version in before}]
    plan = plan_changes("/cal", CALENDAR, Changes(added, gone), known(first))
    names = {item.wanted.key: item.name for item in first.items}
    kept = [names[each.key] for each in before[removed:]]
    assert {item.name for item in plan.items if item.version is None} == set(kept)
    assert len(plan.items) == len(kept) + len(added) == len({naming.fold(item.name) for item in plan.items})


def test_removed_records_that_nobody_knew_change_nothing() -> None:
    first = listed("/cal", CALENDAR, [version(1), version(2)])
    plan = plan_changes("/cal", CALENDAR, Changes([version(1)], [version(9)]), known(first))
    assert plan.whole == 0 and plan.to_fetch == plan.deleted == 0
