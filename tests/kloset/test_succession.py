"""Snapshots in the order of their commits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from caldav_backup.kloset.header import Header
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.succession import LATE_NS, latest_first
from tests.kloset.builds import make_store
from tests.kloset.stores import build, two_calendars
from tests.kloset.test_recency import DAY_NS, committed, numbered

HOUR_NS = 3600 * 10**9


def order_of(snapshots: list[tuple[Header, int]]) -> list[Header]:
    headers = {each.identifier: each for each, _ in snapshots}
    return list(latest_first(committed(snapshots), headers.get))


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, LATE_NS)), max_size=20))
def test_what_was_made_here_comes_by_its_commit_whatever_the_clock_said(times: list[tuple[int, int]]) -> None:
    snapshots = [(numbered(place, day * DAY_NS), day * DAY_NS + lasted) for place, (day, lasted) in enumerate(times)]
    assert order_of(snapshots) == [header for header, _ in snapshots][::-1]


def test_what_was_copied_here_comes_where_its_time_puts_it() -> None:
    own = [(numbered(night, night * DAY_NS), night * DAY_NS + 1) for night in (2, 4, 6)]
    copied = [(numbered(night, night * DAY_NS), 7 * DAY_NS) for night in (5, 1, 3)]
    assert [each.timestamp_ns // DAY_NS for each in order_of([*own, *copied])] == [6, 5, 4, 3, 2, 1]


def test_a_long_run_is_no_copy() -> None:
    first, second = numbered(0, 0), numbered(1, HOUR_NS)
    long = Header(first.identifier, 0, first.source, duration_ns=9 * HOUR_NS)
    assert order_of([(second, 2 * HOUR_NS), (long, 9 * HOUR_NS)]) == [long, second]


def test_a_header_that_cannot_be_read_is_left_out() -> None:
    snapshots = [(numbered(night, night * DAY_NS), night * DAY_NS) for night in range(3)]
    headers = {each.identifier: each for each, _ in snapshots[:2]}
    assert [each.timestamp_ns for each in latest_first(committed(snapshots), headers.get)] == [DAY_NS, 0]


def test_a_repository_lists_what_was_not_removed_the_last_committed_first() -> None:
    storage, repository = make_store()
    made = [build(repository, two_calendars).header for _ in range(3)]
    repository.remove_snapshots([made[1].identifier])
    assert list(Repository.open(storage).snapshots_latest_first()) == [made[2], made[0]]


def test_headers_are_read_ahead_the_more_the_longer_it_goes_on() -> None:
    snapshots = [(numbered(night, night * DAY_NS), night * DAY_NS) for night in range(20)]
    headers = {each.identifier: each for each, _ in snapshots}
    read: list[int] = []
    order = latest_first(committed(snapshots), headers.get, lambda ahead: read.append(len(ahead)))
    next(order)
    assert read == [1]
    assert len(list(order)) == 19
    assert read == [1, 2, 4, 8, 5]
