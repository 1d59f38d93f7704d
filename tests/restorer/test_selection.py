"""What counts as a calendar in a snapshot, whoever made it."""

from __future__ import annotations

import pytest

from caldav_backup.kloset import Repository, SnapshotBuilder
from caldav_backup.kloset.configuration import Configuration
from caldav_backup.kloset.directory_writer import File
from caldav_backup.kloset.header import Importer
from caldav_backup.kloset.snapshot import Snapshot
from caldav_backup.kloset.storage.memory import MemoryStorage
from caldav_backup.restorer.contents import MAX_RECORD_SIZE, iter_records
from caldav_backup.restorer.errors import NoSuchCalendar
from caldav_backup.restorer.selection import select_calendars
from tests.ics.corpus import vevent
from tests.restorer.snapshots import prefixed, snapshot_of


@pytest.fixture
def deep() -> Snapshot:
    """A tree as plakar's own file importer makes it, without any of our attributes."""
    repository = Repository.create(MemoryStorage(), Configuration.new(encrypted=False))
    builder = SnapshotBuilder(repository, importer=Importer("fs", "host", "/home/alice"))
    for path, names in (("/home/alice/cal/work", ["A.ICS", "color", "b.ics"]), ("/home/alice/mail", ["x.txt"])):
        directory = builder.open_directory(path)
        directory.add([File(name, vevent(name), 0) for name in sorted(names)])
        directory.close({})
    return repository.snapshot(builder.finish().identifier)


def test_a_directory_of_events_is_a_calendar_at_any_depth(deep: Snapshot) -> None:
    (calendar,) = select_calendars(deep, "/", [])
    assert (calendar.path, calendar.name, calendar.displayname) == ("/home/alice/cal/work", "work", "work")
    names = [record.name for batch in iter_records(deep, calendar) for record in batch]
    assert names == ["A.ICS", "b.ics"]


def test_a_path_may_lead_above_to_or_into_a_calendar(deep: Snapshot) -> None:
    assert [one.path for one in select_calendars(deep, "/home/alice", [])] == ["/home/alice/cal/work"]
    assert [one.path for one in select_calendars(deep, "/home/alice/cal/work", [])] == ["/home/alice/cal/work"]
    (calendar,) = select_calendars(deep, "/home/alice/cal/work/b.ics", [])
    assert [record.name for batch in iter_records(deep, calendar) for record in batch] == ["b.ics"]
    with pytest.raises(NoSuchCalendar, match="/home/alice/mail"):
        select_calendars(deep, "/home/alice/mail", [])


def test_an_empty_calendar_is_one_by_its_attributes_and_its_state_is_not_read() -> None:
    snapshot = snapshot_of({"new": ({"displayname": b"New", "resources": b"\1", "ctag": b"7"}, {})})
    (calendar,) = select_calendars(snapshot, "/", ["N?w"])
    assert calendar.attributes == {"displayname": b"New"}
    assert list(iter_records(snapshot, calendar)) == []


def test_an_attribute_that_is_no_text_does_no_harm() -> None:
    snapshot = snapshot_of({"a": ({"displayname": b"\xff\xfe", "href": b"/\xff/"}, {"a.ics": vevent("a")})})
    (calendar,) = select_calendars(snapshot, "/", [])
    assert calendar.displayname == "\ufffd\ufffd"
    assert calendar.href == "/\udcff/"


def test_batches_are_small_and_in_order() -> None:
    contents = {f"{number:04}.ics": vevent(str(number)) for number in range(250)}
    snapshot = snapshot_of({"a": ({}, contents)})
    (calendar,) = select_calendars(snapshot, "/", [])
    batches = list(iter_records(snapshot, calendar))
    assert [len(batch) for batch in batches] == [100, 100, 50]
    assert {record.name: record.content for batch in batches for record in batch} == contents
    assert MAX_RECORD_SIZE > 10_000_000


def test_the_prefix_of_attributes_is_the_documented_one() -> None:
    assert prefixed({"color": b"red"}) == {"user.caldav.color": b"red"}
