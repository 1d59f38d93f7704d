"""Damage as calendars and events, with the newest snapshot that has a good copy of each."""

from __future__ import annotations

from collections.abc import Mapping

from caldav_backup.inspection.damage import DamageReport, DamageTally
from caldav_backup.kloset import Repository, SnapshotBuilder
from caldav_backup.kloset.check import Finding, Severity, check, readable_store
from caldav_backup.kloset.directory_writer import File
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.snapshot import Snapshot
from caldav_backup.kloset.storage import Kind, MemoryStorage
from tests.kloset.stores import build, damage, make_repository


def event(name: str, summary: str) -> bytes:
    lines = ("BEGIN:VCALENDAR", "BEGIN:VEVENT", f"UID:{name}", f"SUMMARY:{summary}", "END:VEVENT", "END:VCALENDAR")
    return "".join(f"{line}\r\n" for line in lines).encode()


def store_events(repository: Repository, time_ns: int, **summaries: str) -> Snapshot:
    """A snapshot of one calendar with these events, made at that time."""

    def fill(builder: SnapshotBuilder) -> None:
        work = builder.open_directory("/work")
        work.add([File(f"{name}.ics", event(name, summary), 5) for name, summary in summaries.items()])
        work.close({})

    return build(repository, fill, timestamp_ns=time_ns)


def spoil(storage: MemoryStorage, repository: Repository, content: bytes) -> None:
    """Change a byte of a content where it is stored."""
    place = repository.index.find_location(ResourceType.CHUNK, repository.keyed.mac(content))
    assert place is not None
    damage(storage, Kind.PACKFILE, place.packfile, 16 + place.offset + place.length // 2)


def report_of(storage: MemoryStorage) -> DamageReport:
    repository, tally = Repository.open(storage), DamageTally()
    for finding in check(repository, read_data=True):
        tally.add(finding)
    return tally.report(readable_store(repository))


def good_copies(report: DamageReport) -> Mapping[str, tuple[int, bytes | None]]:
    return {
        event.path: (event.snapshots, event.good.snapshot if event.good else None)
        for calendar in report.calendars
        for event in calendar.events
    }


def test_nothing_is_reported_of_a_store_that_is_whole() -> None:
    storage, repository = make_repository()
    store_events(repository, 1, a="one")
    assert report_of(storage) == DamageReport()


def test_events_are_named_with_the_newest_snapshot_that_has_a_good_copy() -> None:
    storage, repository = make_repository()
    older = store_events(repository, 1, a="first a", b="b", c="c")
    newer = store_events(repository, 2, a="second a", b="b", c="c")
    newest = store_events(repository, 3, a="third a", b="b", c="c", d="d")
    spoil(storage, repository, event("a", "third a"))
    spoil(storage, repository, event("b", "b"))
    report = report_of(storage)
    (calendar,) = report.calendars
    assert (calendar.source, calendar.path) == ("@home", "/work")
    assert calendar.snapshots == tuple(each.header.identifier for each in (newest, newer, older))
    assert good_copies(report) == {
        "/work/a.ics": (1, newer.header.identifier),
        "/work/b.ics": (3, None),
    }
    good = calendar.events[0].good
    assert good is not None
    assert (good.summary, good.uid) == ("second a", "a")


def test_the_same_damage_in_many_snapshots_is_found_once_and_counted_in_all() -> None:
    storage, repository = make_repository()
    for time_ns in range(1, 6):
        store_events(repository, time_ns, a="a", b="b")
    spoil(storage, repository, event("a", "a"))
    assert good_copies(report_of(storage)) == {"/work/a.ics": (5, None)}
    findings = [each for each in check(Repository.open(storage), read_data=True) if each.what != "packfile"]
    assert [bool(each.like) for each in findings] == [False, True, True, True, True]


def test_a_listing_that_cannot_be_read_is_told_as_such() -> None:
    storage, repository = make_repository()
    snapshot = store_events(repository, 1, a="a", b="b")
    frames = b"".join(frame.to_bytes() for frame in snapshot.directory_frames("/work"))
    listing = next(
        mac
        for mac in (
            name[1:] for packfile in repository.index.packfiles for name in repository.index.locations_in(packfile)
        )
        if repository.index.contains(ResourceType.CHUNK, mac)
        and repository.get_blob(ResourceType.CHUNK, mac) in frames
        and b"a.ics" in repository.get_blob(ResourceType.CHUNK, mac)
    )
    spoil(storage, repository, repository.get_blob(ResourceType.CHUNK, listing))
    (calendar,) = report_of(storage).calendars
    assert calendar.is_unlisted


def test_a_snapshot_that_cannot_be_read_is_named_by_its_id() -> None:
    storage, repository = make_repository()
    snapshot = store_events(repository, 1, a="a")
    identifier = snapshot.header.identifier
    place = repository.index.find_location(ResourceType.SNAPSHOT, identifier)
    assert place is not None
    damage(storage, Kind.PACKFILE, place.packfile, 16 + place.offset + 50)
    assert report_of(storage).snapshots == (identifier,)


def test_damage_is_reported_although_a_state_cannot_be_read() -> None:
    storage, repository = make_repository()
    store_events(repository, 1, a="a")
    spoil(storage, repository, event("a", "a"))
    repository.put_state(b"x" * 32, [])
    damage(storage, Kind.STATE, b"x" * 32, 60)
    assert good_copies(report_of(storage)) == {"/work/a.ics": (1, None)}


def test_too_many_events_to_name_are_counted() -> None:
    _, repository = make_repository()
    snapshot = store_events(repository, 1, a="a")
    where = snapshot.header.identifier.hex()
    tally = DamageTally()
    tally.add(Finding(Severity.DAMAGE, "content", where, "…", "/work", more=7))
    tally.add(Finding(Severity.WARNING, "content", where, "…", "/work/a.ics"))
    (calendar,) = tally.report(repository).calendars
    assert (calendar.more, calendar.events) == (7, ())


def test_the_entry_of_a_calendar_is_no_event() -> None:
    _, repository = make_repository()
    where = store_events(repository, 1, a="a").header.identifier.hex()
    tally = DamageTally()
    tally.add(Finding(Severity.DAMAGE, "entry", where, "spoilt", "/work"))
    (calendar,) = tally.report(repository).calendars
    assert (calendar.path, calendar.events, calendar.is_unlisted) == ("/work", (), False)
