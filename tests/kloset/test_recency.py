"""The newest snapshots are found without reading the headers of all."""

from __future__ import annotations

from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from caldav_backup.kloset.header import Header
from caldav_backup.kloset.index import Index
from caldav_backup.kloset.recency import SLACK_NS, newest_first
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.state import LocationEntry, PackfileEntry, State, make_run
from tests.inspection.headers import header
from tests.kloset.builds import make_store
from tests.kloset.stores import build, two_calendars

DAY_NS = 86_400_000_000_000


def committed(snapshots: list[tuple[Header, int]]) -> Index:
    """An index as states make it that were each written at a time, in nanoseconds, with one snapshot's header."""
    index = Index()
    packfile = bytes(32)
    index.apply(b"p" * 32, State((make_run([PackfileEntry(packfile, bytes(32), 0)]),), 0))
    for each, at_ns in snapshots:
        entry = LocationEntry(ResourceType.SNAPSHOT, 0, each.identifier, packfile, 0, 1)
        index.apply(each.identifier, State((make_run([entry]),), at_ns))
    return index


def numbered(number: int, timestamp_ns: int) -> Header:
    made = header(number)
    return Header(made.identifier, timestamp_ns, made.source)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(-1, 50)), max_size=30))
def test_the_order_is_that_of_all_headers_unless_one_claims_a_time_after_its_commit(
    times: list[tuple[int, int]],
) -> None:
    numbers = enumerate(times)
    snapshots = [(numbered(place, time * SLACK_NS), (time + late) * SLACK_NS) for place, (time, late) in numbers]
    index = committed(snapshots)
    headers = {each.identifier: each for each, _ in snapshots}
    expected = sorted(headers.values(), key=lambda each: (each.timestamp_ns, each.identifier), reverse=True)
    assert list(newest_first(index, headers.get)) == expected


def test_of_nightly_snapshots_only_those_asked_for_are_read() -> None:
    snapshots = [(numbered(night, night * DAY_NS), night * DAY_NS + 10**9) for night in range(200)]
    headers = {each.identifier: each for each, _ in snapshots}
    read: list[bytes] = []

    def find(identifier: bytes) -> Header:
        read.append(identifier)
        return headers[identifier]

    newest = list(islice(newest_first(committed(snapshots), find), 3))
    assert [each.timestamp_ns // DAY_NS for each in newest] == [199, 198, 197]
    assert len(read) == 3


def test_an_old_snapshot_that_was_copied_here_lately_keeps_its_place() -> None:
    snapshots = [(numbered(night, night * DAY_NS), night * DAY_NS) for night in range(1, 20)]
    snapshots.append((numbered(0, 0), 30 * DAY_NS))
    headers = {each.identifier: each for each, _ in snapshots}
    order = [each.timestamp_ns // DAY_NS for each in newest_first(committed(snapshots), headers.get)]
    assert order == list(range(19, -1, -1))


def test_a_header_that_cannot_be_read_is_left_out() -> None:
    snapshots = [(numbered(night, night * DAY_NS), night * DAY_NS) for night in range(3)]
    headers = {each.identifier: each for each, _ in snapshots[:2]}
    assert [each.timestamp_ns for each in newest_first(committed(snapshots), headers.get)] == [DAY_NS, 0]


def test_a_repository_lists_both_ways_the_same_without_what_was_removed() -> None:
    storage, repository = make_store()
    made = [build(repository, two_calendars).header for _ in range(4)]
    repository.remove_snapshots([made[1].identifier])
    for seen in (repository, Repository.open(storage)):
        assert list(seen.snapshots_newest_first()) == seen.snapshots()[::-1] == [made[3], made[2], made[0]]
