"""A check overlooks nothing: every byte of a packfile, and every part of a snapshot that does not fit the others."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from caldav_backup.kloset.builder import SnapshotBuilder
from caldav_backup.kloset.check import Step, check
from caldav_backup.kloset.checking.parts import numbered_part
from caldav_backup.kloset.directory_writer import File
from caldav_backup.kloset.errors import SnapshotNotFound, StorageUnavailable
from caldav_backup.kloset.packer import Packer
from caldav_backup.kloset.repository import Repository, read_configuration
from caldav_backup.kloset.resources import VERSION_1_0_0, VERSION_1_1_0, ZERO_MAC, ResourceType
from caldav_backup.kloset.state import LocationEntry, PackfileEntry, State, make_run
from caldav_backup.kloset.storage import Kind, MemoryStorage
from caldav_backup.kloset.unlocking import Unlocked
from tests.kloset.checked import DAMAGE, WARNING, findings, told
from tests.kloset.conftest import load_golden
from tests.kloset.stores import build, damage, make_repository, packfiles, put_blobs, some_files, two_calendars
from tests.kloset.test_golden import NAMES


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("read_data", [False, True])
def test_stores_of_plakar_are_sound(name: str, read_data: bool) -> None:
    storage, facts = load_golden(name)
    key = bytes.fromhex(facts["key"]) if facts["key"] else None
    repository = Repository(storage, Unlocked(read_configuration(storage), key))
    assert findings(repository, read_data=read_data) == []


@pytest.mark.parametrize("encrypted", [False, True])
def test_stores_written_here_are_sound(encrypted: bool) -> None:
    _, repository = make_repository(encrypted=encrypted)
    for _ in range(2):
        build(repository, two_calendars)
    assert findings(repository) == []


@pytest.mark.parametrize("encrypted", [False, True])
def test_any_changed_byte_of_a_packfile_or_state_is_found(encrypted: bool, chance: random.Random) -> None:
    storage, repository = make_repository(encrypted=encrypted)
    build(repository, two_calendars)
    files = list(storage.files)
    for _ in range(40):
        kind, identifier = chance.choice(files)
        before = storage.files[kind, identifier]
        damage(storage, kind, identifier, chance.randrange(len(before)), chance.randrange(1, 256))
        assert any(finding.severity is DAMAGE for finding in findings(repository))
        storage.files[kind, identifier] = before
    assert findings(repository) == []


def test_any_changed_byte_of_structure_is_found_without_reading_contents(chance: random.Random) -> None:
    # Encrypted, for a changed byte of an LZ4 stream may stand for the same content.
    storage, repository = make_repository(encrypted=True)
    build(repository, two_calendars)
    (packfile,) = packfiles(storage)
    chunks = {place for name, place in repository.index.locations_in(packfile).items() if name[0] in (9, 255)}
    contents = {at for offset, length in chunks for at in range(16 + offset, 16 + offset + length)}
    # The trailer and the name depend on contents too.
    end = len(storage.files[Kind.PACKFILE, packfile]) - 32
    for place in chance.sample(sorted(set(range(end)) - contents), 40):
        damage(storage, Kind.PACKFILE, packfile, place)
        assert any(finding.severity is DAMAGE for finding in findings(repository, read_data=False)), place
        damage(storage, Kind.PACKFILE, packfile, place)


@pytest.mark.full
def test_every_changed_byte_of_a_small_packfile_is_found() -> None:
    def one_event(builder: SnapshotBuilder) -> None:
        work = builder.open_directory("/work")
        work.add(some_files(1))
        work.close({})

    storage, repository = make_repository()
    build(repository, one_event)
    (packfile,) = packfiles(storage)
    for place in range(len(storage.files[Kind.PACKFILE, packfile])):
        damage(storage, Kind.PACKFILE, packfile, place, 0x80)
        assert any(finding.severity is DAMAGE for finding in findings(repository)), place
        damage(storage, Kind.PACKFILE, packfile, place, 0x80)


def test_damaged_contents_are_told_by_their_paths() -> None:
    storage, repository = make_repository()
    snapshot = build(repository, two_calendars)
    chunk = repository.keyed.mac(snapshot.read("/work/event-0003.ics"))
    place = repository.index.find_location(ResourceType.CHUNK, chunk)
    assert place is not None
    damage(storage, Kind.PACKFILE, place.packfile, 16 + place.offset + place.length // 2)
    found = findings(repository)
    assert [(finding.what, "event-0003.ics" in finding.message) for finding in found] == [
        ("packfile", False),
        ("content", True),
    ]
    assert found[1].where == snapshot.header.identifier.hex()
    assert findings(repository, read_data=False) == []


def test_damaged_content_is_told_in_every_snapshot_that_holds_it() -> None:
    storage, repository = make_repository()
    build(repository, two_calendars)

    def more(builder: SnapshotBuilder) -> None:
        two_calendars(builder)
        other = builder.open_directory("/other")
        other.close({})

    snapshot = build(repository, more)
    chunk = repository.keyed.mac(snapshot.read("/work/event-0003.ics"))
    place = repository.index.find_location(ResourceType.CHUNK, chunk)
    assert place is not None
    damage(storage, Kind.PACKFILE, place.packfile, 16 + place.offset + place.length // 2)
    told_of = {finding.where: finding for finding in findings(repository) if finding.what in ("content", "directory")}
    assert told_of.keys() == {header.identifier.hex() for header in repository.snapshots()}
    first, second = told_of.values()
    assert (first.what, first.path) == ("content", "/work/event-0003.ics")
    assert (second.what, second.path, second.like) == ("directory", "/work", first.where)


# States


def test_damaged_state_is_told_and_the_others_are_checked() -> None:
    storage, repository = make_repository()
    one, two = (build(repository, two_calendars) for _ in range(2))
    storage.files[Kind.STATE, one.header.identifier] = b""
    found = findings(Repository.open(storage))
    assert ("state", one.header.identifier.hex()) in {(finding.what, finding.where) for finding in found}
    # What the first packfile held is missing in the second snapshot.
    assert two.header.identifier.hex() in {finding.where for finding in found}


def test_missing_state_is_told_by_the_one_behind_it() -> None:
    storage, repository = make_repository()
    one = build(repository, two_calendars)
    repository.put_state(b"2" * 32, [])
    del storage.files[Kind.STATE, one.header.identifier]
    found = findings(Repository.open(storage))
    assert [(finding.severity, finding.what, finding.where) for finding in found] == [
        (DAMAGE, "state", one.header.identifier.hex()),
        *[(WARNING, "packfile", packfile.hex()) for packfile in packfiles(storage)],
        (DAMAGE, "lost snapshot", one.header.identifier.hex()),
    ]
    assert "that no state names; 'caldav-backup repair' brings it back" in found[-1].message


def test_lost_state_behind_which_there_is_no_other_is_told_by_its_packfiles() -> None:
    storage, repository = make_repository()
    build(repository, two_calendars)
    one = build(repository, lambda builder: builder.fail("/home", "410 Gone"), timestamp_ns=0)
    del storage.files[Kind.STATE, one.header.identifier]
    found = findings(Repository.open(storage))
    assert [(finding.severity, finding.what) for finding in found] == [
        (WARNING, "packfile"),
        (WARNING, "lost snapshot"),
    ]
    name = one.header.identifier.hex()[:8]
    assert found[-1].message == (
        f"packfiles holding snapshot {name} (home, 1970-01-01 00:00 UTC) that no state names; "
        "'caldav-backup repair' brings it back"
    )


def test_circle_of_states_is_told() -> None:
    storage, repository = make_repository()
    for own, parent in ((b"1" * 32, b"2" * 32), (b"2" * 32, b"1" * 32)):
        stream = State((), 5, parent).to_bytes()
        storage.files[Kind.STATE, own] = repository.seal_file(ResourceType.STATE, VERSION_1_1_0, stream)
    assert [finding.where for finding in findings(repository)] == [(b"1" * 32).hex(), (b"2" * 32).hex()]


def test_failing_storage_is_no_finding() -> None:
    class Failing(MemoryStorage):
        def read(self, kind: Kind, identifier: bytes) -> bytes:
            raise StorageUnavailable(f"no reading {kind.noun} {identifier.hex()} now")

    storage, repository = make_repository(storage=Failing())
    storage.files[Kind.STATE, b"1" * 32] = b""
    with pytest.raises(StorageUnavailable):
        findings(repository)


# Packfiles


def test_missing_packfile_is_told() -> None:
    storage, repository = make_repository()
    build(repository, two_calendars)
    (packfile,) = packfiles(storage)
    del storage.files[Kind.PACKFILE, packfile]
    assert (DAMAGE, "packfile", packfile.hex()) in {finding[:3] for finding in findings(repository)}


def test_packfile_that_no_state_names_is_a_warning() -> None:
    storage, repository = make_repository()
    storage.files[Kind.PACKFILE, b"p" * 32] = b"left behind"
    assert [finding[:3] for finding in findings(repository)] == [(WARNING, "packfile", (b"p" * 32).hex())]


def test_backup_that_ends_while_packfiles_are_listed_is_no_damage() -> None:
    class Busy(MemoryStorage):
        """Somebody else ends a backup when packfiles are listed for the first time."""

        work: Callable[[], object] | None = None

        def ids(self, kind: Kind) -> Iterator[bytes]:
            listed = list(super().ids(kind))
            work, self.work = self.work, self.work if kind is not Kind.PACKFILE else None
            if work is not None and kind is Kind.PACKFILE:
                work()
                # Its packfiles are listed, or not yet.
                listed = list(super().ids(kind)) if self.shows_new else listed
            return iter(listed)

        shows_new = True

    for shows_new in (False, True):
        storage = Busy()
        _, repository = make_repository(storage=storage)
        build(repository, two_calendars)
        other = Repository.open(storage)
        storage.work = lambda other=other: build(other, lambda builder: builder.fail("/home", "410 Gone"))
        storage.shows_new = shows_new
        assert findings(Repository.open(storage)) == []
        assert storage.work is None


def test_header_that_was_to_be_issued_again_is_no_lost_snapshot() -> None:
    storage, repository = make_repository()
    header = build(repository, two_calendars).header
    again = replace(header, identifier=b"n" * 32, tags=("pinned",))
    packer = Packer(storage, repository.codec, repository.keyed, 1 << 26)
    packer.add(ResourceType.SNAPSHOT, again.identifier, again.to_bytes())
    packer.finish()
    assert [finding.what for finding in findings(repository)] == ["packfile"]


@pytest.mark.parametrize("length", [0, 1, 15, 16, 47, 48, 60, 2000])
def test_packfile_cut_short_is_told(length: int) -> None:
    storage, repository = make_repository()
    put_blobs(repository, b"s" * 32, [(ResourceType.CHUNK, b"one")])
    (packfile,) = packfiles(storage)
    storage.files[Kind.PACKFILE, packfile] = storage.files[Kind.PACKFILE, packfile][:length]
    assert told(repository) == {(DAMAGE, "packfile")}


def test_packfile_under_another_name_is_told() -> None:
    storage, repository = make_repository()
    put_blobs(repository, b"s" * 32, [(ResourceType.CHUNK, b"one")])
    (packfile,) = packfiles(storage)
    storage.files[Kind.PACKFILE, b"n" * 32] = storage.files[Kind.PACKFILE, packfile]
    places = repository.index.locations_in(packfile)
    moved = [LocationEntry(name[0], VERSION_1_0_0, name[1:], b"n" * 32, *place) for name, place in places.items()]
    repository.put_state(b"t" * 32, [make_run(moved), make_run([PackfileEntry(b"n" * 32, b"t" * 32, 5)])])
    (finding,) = findings(repository)
    assert finding.severity is WARNING
    assert "its name is not that of its content" in finding.message
    assert findings(repository, read_data=False) == []


def test_state_that_places_a_blob_where_it_is_not_is_told() -> None:
    storage, repository = make_repository()
    (mac,) = put_blobs(repository, b"s" * 32, [(ResourceType.CHUNK, b"one")])
    (packfile,) = packfiles(storage)
    place = repository.index.find_location(ResourceType.CHUNK, mac)
    assert place is not None
    more = [
        LocationEntry(9, VERSION_1_0_0, b"m" * 32, packfile, 0, 3),
        LocationEntry(7, VERSION_1_0_0, mac, packfile, 1, 2),
    ]
    repository.put_state(b"t" * 32, [make_run(more)])
    (finding,) = findings(repository)
    assert "states place 2 blobs" in finding.message
    other_storage, other = make_repository()
    (mac,) = put_blobs(other, b"s" * 32, [(ResourceType.CHUNK, b"one")])
    (packfile,) = packfiles(other_storage)
    wrong = make_run([LocationEntry(9, VERSION_1_0_0, mac, packfile, 1, 2)])
    stream = State((wrong, make_run([PackfileEntry(packfile, b"s" * 32, 5)])), 5).to_bytes()
    other_storage.files[Kind.STATE, b"s" * 32] = other.seal_file(ResourceType.STATE, VERSION_1_1_0, stream)
    assert [finding.severity for finding in findings(other)] == [DAMAGE, WARNING]


# Choosing what to check


def test_only_the_snapshots_asked_for_are_checked() -> None:
    storage, repository = make_repository()
    one = build(repository, two_calendars)

    def other(builder: SnapshotBuilder) -> None:
        home = builder.open_directory("/home")
        home.add([File("other.ics", b"other", 0)])
        home.close({})

    two = build(repository, other)
    place = repository.index.find_location(ResourceType.CHUNK, repository.keyed.mac(b"other"))
    assert place is not None
    damage(storage, Kind.PACKFILE, place.packfile, 16 + place.offset + place.length // 2)
    assert list(check(repository, read_data=True, snapshots=[one.header.identifier])) == []
    assert [found.what for found in check(repository, read_data=True, snapshots=[two.header.identifier])] == ["content"]
    with pytest.raises(SnapshotNotFound):
        list(check(repository, snapshots=[ZERO_MAC]))


def test_part_of_the_contents_is_the_same_each_time() -> None:
    storage, repository = make_repository()
    put_blobs(repository, b"s" * 32, [(ResourceType.CHUNK, b"one")])
    (packfile,) = packfiles(storage)
    damage(storage, Kind.PACKFILE, packfile, 20)
    parts = [numbered_part(number, 7) for number in range(1, 8)]
    found = [part for part in parts if list(check(repository, read_data=True, part=part))]
    assert found == [part for part in parts if part.contains(packfile)]
    assert len(found) == 1


def test_progress_reaches_its_end() -> None:
    _, repository = make_repository()
    build(repository, two_calendars)
    steps: list[Step] = []
    list(check(repository, progress=steps.append))
    kinds = ("packfiles", "snapshots")
    assert steps == [Step(kind, done, 1) for kind in kinds for done in (0, 1)]
