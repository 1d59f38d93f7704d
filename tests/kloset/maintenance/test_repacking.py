"""Packfiles are rewritten, and every snapshot reads the same as before, also when the old ones are gone."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from caldav_backup.kloset import Configuration, Locked, Repository, SnapshotBuilder
from caldav_backup.kloset.configuration import ChunkSizes, PackfileSizes
from caldav_backup.kloset.directory_writer import File
from caldav_backup.kloset.liveness import find_live_blobs, live_headers
from caldav_backup.kloset.maintenance.merging import apply_merging
from caldav_backup.kloset.maintenance.repacking import Repacked, apply_repack
from caldav_backup.kloset.maintenance.repacking_plan import Reason, RepackPlan, plan_repack
from caldav_backup.kloset.reissue import Reissue, reissue
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.snapshot import Snapshot
from caldav_backup.kloset.state import DeleteEntry, EntryType, make_run
from caldav_backup.kloset.storage import Kind, MemoryStorage
from tests.kloset.builds import assert_sound
from tests.kloset.stores import body, build, damage

State = tuple[MemoryStorage, Repository]


def held() -> None:
    """The lock is held."""


def make(packfile_size: int = 1 << 20) -> State:
    storage = MemoryStorage()
    configuration = Configuration.new(
        encrypted=False, chunking=ChunkSizes(64, 128, 512), packfile=PackfileSizes(max_size=packfile_size)
    )
    return storage, Repository.create(storage, configuration)


def night(repository: Repository, number: int, events: int = 8) -> Snapshot:
    """A calendar of which one event changes each night, with attributes of which one changes too."""
    parents = [repository.snapshot(header.identifier) for header in repository.snapshots()[-1:]]

    def fill(builder: SnapshotBuilder) -> None:
        directory = builder.open_directory("/work", parents=parents)
        for place in range(events):
            name = f"event-{place:04}.ics"
            if parents and place != number % events:
                directory.keep([name])
            else:
                directory.add([File(name, body(place, f"in night {number}"), (number + 1) * 10**9)])
        directory.close(
            {
                "user.caldav.displayname": b"Work",
                "user.caldav.resources": b"".join(body(place) for place in range(9)) + bytes([number]),
            }
        )

    return build(repository, fill, timestamp_ns=number * 10**9)


def contents(snapshot: Snapshot) -> object:
    return (
        {entry.path: snapshot.read(entry) for entry in snapshot.walk() if entry.is_file},
        snapshot.attributes_by_path(),
        list(snapshot.errors()),
    )


def everything(repository: Repository) -> list[object]:
    return [
        (replace(header, identifier=b""), contents(repository.snapshot(header.identifier)))
        for header in repository.snapshots()
    ]


def repack(repository: Repository, **options: float) -> tuple[RepackPlan, Repacked]:
    repository.refresh()
    plan = plan_repack(repository, **options)  # type: ignore[arg-type]
    return plan, apply_repack(repository, plan, confirm=held)


def sweep(storage: MemoryStorage, repository: Repository) -> None:
    """What a maintenance does once the grace period is over."""
    coloured = [each.identifier for each in repository.index.colours if each.resource_type == ResourceType.PACKFILE]
    entries = [DeleteEntry(EntryType.PACKFILE, packfile=packfile) for packfile in coloured]
    marks = [DeleteEntry(EntryType.COLOURED, ResourceType.PACKFILE, packfile) for packfile in coloured]
    repository.put_state(b"w" * 32, [make_run(entries), make_run(marks)])
    for packfile in coloured:
        storage.delete(Kind.PACKFILE, packfile)


def packfiles(storage: MemoryStorage) -> int:
    return len(list(storage.ids(Kind.PACKFILE)))


@pytest.mark.full
def test_many_small_packfiles_become_few_and_nothing_else_changes() -> None:
    storage, repository = make()
    for number in range(10):
        night(repository, number)
    before = everything(repository)
    plan, done = repack(repository)
    assert len(plan.packfiles) == 10 and {each.reason for each in plan.packfiles} == {Reason.SMALL}
    assert len(done.coloured) == 10 and not done.left and len(done.snapshots) == len(plan.headers) == 10
    assert packfiles(storage) == 12
    for reader in (repository, Repository.open(storage)):
        assert everything(reader) == before
        assert_sound(reader)
    sweep(storage, repository)
    for reader in (repository, Repository.open(storage)):
        assert everything(reader) == before
        assert_sound(reader)
    assert packfiles(storage) == 2
    apply_merging(repository, confirm=held)
    assert everything(Repository.open(storage)) == before


@pytest.mark.full
def test_headers_lie_together_in_the_order_of_commits() -> None:
    _, repository = make()
    for number in range(9):
        night(repository, number)
    repack(repository)
    places = [
        repository.index.find_locations(ResourceType.SNAPSHOT, identifier)[0]
        for identifier in repository.index.snapshot_ids()
    ]
    assert len({place.packfile for place in places}) == 1
    assert all(one.offset + one.length == next_one.offset for one, next_one in pairwise(places))


@pytest.mark.full
def test_attribute_values_lie_in_the_packfile_of_the_header() -> None:
    _, repository = make(packfile_size=3000)
    for number in range(12):
        night(repository, number)
    repack(repository, small_share=10.0)
    index = repository.index
    for header in repository.snapshots():
        (home,) = (place.packfile for place in index.find_locations(ResourceType.SNAPSHOT, header.identifier))
        only = find_live_blobs(repository, [header])
        snapshot = repository.snapshot(header.identifier)
        assert len(snapshot.attributes_by_path()["/work"]) == 2
        inside = index.locations_in(home)
        records = [mac for kind, mac in only if kind == ResourceType.XATTR_ENTRY]
        assert records and all(bytes([ResourceType.XATTR_ENTRY]) + mac in inside for mac in records)
        for values in snapshot.attributes_by_path().values():
            chunks = {bytes([ResourceType.CHUNK]) + repository.keyed.mac(value) for value in values.values()}
            assert any(chunk in inside for chunk in chunks)


@pytest.mark.full
def test_mostly_dead_packfiles_are_rewritten() -> None:
    storage, repository = make()
    first = night(repository, 0, events=60)
    for number in range(1, 4):
        night(repository, number, events=6)
    before = everything(repository)[1:]
    repository.remove_snapshot(first.header.identifier)
    size = sum(map(len, storage.files.values()))
    plan, done = repack(repository)
    assert [each.reason for each in plan.packfiles] == [Reason.MOSTLY_DEAD]
    assert plan.bytes_moved < plan.bytes_before / 2 and plan.bytes_saved > 0
    assert len(done.coloured) == 1
    sweep(storage, repository)
    assert sum(map(len, storage.files.values())) < size
    assert everything(Repository.open(storage)) == before
    assert_sound(Repository.open(storage))


def test_a_store_in_good_order_is_left_alone() -> None:
    storage, repository = make()
    for number in range(3):
        night(repository, number)
    before = dict(storage.files)
    plan, done = repack(repository)
    assert plan.is_empty and not plan.headers and not done.snapshots
    assert storage.files == before


@pytest.mark.full
def test_snapshots_that_use_nothing_of_it_keep_their_ids() -> None:
    _, repository = make()
    for number in range(8):
        night(repository, number, events=100 if number else 101)
    repack(repository)
    old = repository.index.snapshot_ids()
    named = set(repository.index.packfiles)
    for number in range(8, 16):
        night(repository, number)
    later = repository.index.packfiles.keys() - named
    share = (max(repository.storage.size(Kind.PACKFILE, each) for each in later) + 1) / (1 << 20)
    plan, done = repack(repository, small_share=share)
    assert {each.identifier for each in plan.packfiles} == later
    assert len(done.snapshots) == 8 and set(done.snapshots).isdisjoint(old)
    assert repository.index.snapshot_ids()[:8] == old
    assert_sound(repository)


@pytest.mark.full
def test_an_older_snapshot_that_uses_it_after_all_gets_a_new_id() -> None:
    """Its blobs were stored a second time, in a later packfile: plakar may remember that one."""
    _, repository = make()
    first = night(repository, 0)
    for packfile in list(repository.index.packfiles):
        repository.index.mark_damaged(packfile)
    for number in range(9):
        night(repository, number)
    live = find_live_blobs(repository, live_headers(repository))
    later = [packfile for packfile, entry in repository.index.packfiles.items()][1:]
    assert later
    plan = plan_repack(repository, live)
    assert first.header.identifier in {header.identifier for header in plan.headers}


@pytest.mark.full
def test_damage_is_not_spread_and_its_packfile_stays() -> None:
    storage, repository = make()
    for number in range(9):
        night(repository, number)
    victim = list(repository.index.packfiles)[4]
    live = find_live_blobs(repository, live_headers(repository))
    place = next(
        offset
        for name, (offset, _) in repository.index.locations_in(victim).items()
        if name[0] == ResourceType.CHUNK and live.contains(name[0], name[1:])
    )
    plan = plan_repack(repository, live)
    damage(storage, Kind.PACKFILE, victim, 16 + place + 2)
    done = apply_repack(repository, plan, confirm=held)
    assert list(done.left) == [victim] and victim not in done.coloured
    assert repository.index.find_colour(ResourceType.PACKFILE, victim) is None
    assert len(done.coloured) == 8


@pytest.mark.full
def test_tags_and_the_order_of_commits_stay() -> None:
    storage, repository = make()
    for number in range(9):
        night(repository, number)
    header = repository.snapshots()[3]
    reissue(repository, [Reissue(header, ["pinned"])])
    times = [repository.index.committed_ns(each) for each in repository.index.snapshot_ids()]
    repack(repository)
    apply_merging(repository, confirm=held)
    fresh = Repository.open(storage)
    assert [header.tags for header in fresh.snapshots()] == [("pinned",) if n == 3 else () for n in range(9)]
    assert [fresh.header(each).timestamp_ns for each in fresh.index.snapshot_ids()] == [n * 10**9 for n in range(9)]
    assert [fresh.index.committed_ns(each) for each in fresh.index.snapshot_ids()] == times
    newest = next(iter(fresh.snapshots_newest_first()))
    assert newest.timestamp_ns == 8 * 10**9


@pytest.mark.full
def test_what_is_removed_meanwhile_does_not_come_back() -> None:
    storage, repository = make()
    for number in range(9):
        night(repository, number)
    plan = plan_repack(repository)
    other = Repository.open(storage)
    other.remove_snapshot(plan.headers[2].identifier)
    done = apply_repack(repository, plan, confirm=held)
    assert len(done.snapshots) == 8
    assert [header.timestamp_ns // 10**9 for header in Repository.open(storage).snapshots()] == [0, 1, 3, 4, 5, 6, 7, 8]
    assert_sound(Repository.open(storage))


@pytest.mark.full
def test_a_snapshot_written_in_spite_of_the_lock_stops_it() -> None:
    storage, repository = make()
    for number in range(9):
        night(repository, number)
    plan = plan_repack(repository)
    night(Repository.open(storage), 9)
    known = len(list(storage.ids(Kind.STATE)))
    with pytest.raises(Locked):
        apply_repack(repository, plan, confirm=held)
    assert len(list(storage.ids(Kind.STATE))) == known
    assert len(Repository.open(storage).snapshots()) == 10


class LockGone(Exception):
    """Somebody removed the lock."""


def test_nothing_is_committed_when_the_lock_was_lost() -> None:
    storage, repository = make()
    for number in range(9):
        night(repository, number)
    before = everything(repository)
    ids = repository.index.snapshot_ids()
    plan = plan_repack(repository)

    def lost() -> None:
        raise LockGone

    files = set(storage.files)
    with pytest.raises(LockGone):
        apply_repack(repository, plan, confirm=lost)
    assert set(storage.files) == files
    fresh = Repository.open(storage)
    assert fresh.index.snapshot_ids() == ids
    assert everything(fresh) == before


@pytest.mark.full
def test_backups_go_on_and_store_nothing_twice() -> None:
    storage, repository = make()
    for number in range(9):
        night(repository, number)
    repack(repository)
    before = sum(len(content) for (kind, _), content in storage.files.items() if kind is Kind.PACKFILE)
    night(Repository.open(storage), 8)
    after = sum(len(content) for (kind, _), content in storage.files.items() if kind is Kind.PACKFILE)
    assert after - before < 9000
    assert_sound(Repository.open(storage))
