"""Which earlier snapshot a calendar is compared with."""

from __future__ import annotations

from caldav_backup.archiver.parents import History
from caldav_backup.kloset import Importer, Repository, Snapshot, SnapshotBuilder
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.storage import Kind
from caldav_backup.marks import IMPORTER_TYPE
from tests.kloset.stores import damage, make_repository, some_files


def store(repository: Repository, timestamp_ns: int) -> Snapshot:
    importer = Importer(IMPORTER_TYPE, "https://example.org", "/")
    builder = SnapshotBuilder(repository, importer=importer, timestamp_ns=timestamp_ns)
    work = builder.open_directory("/work")
    work.add(some_files(3, str(timestamp_ns)))
    work.close({"user.caldav.href": b"/dav/work/", "user.caldav.ctag": str(timestamp_ns).encode()})
    return repository.snapshot(builder.finish().identifier)


def test_a_damaged_snapshot_is_no_parent_and_does_not_end_the_run() -> None:
    storage, repository = make_repository()
    older, newest = store(repository, 1), store(repository, 2)
    found = History(repository, "", "https://example.org").parents(["/dav/work/"])
    assert found.calendars["/dav/work/"][0].snapshot.header == newest.header
    place = repository.index.find_location(ResourceType.XATTR_BTREE, newest.header.xattrs)
    assert place is not None
    damage(storage, Kind.PACKFILE, place.packfile, 16 + place.offset + place.length // 2)
    found = History(Repository.open(storage), "", "https://example.org").parents(["/dav/work/"])
    assert found.calendars["/dav/work/"][0].snapshot.header == older.header
    assert found.newest is not None
    assert found.newest.header == older.header
