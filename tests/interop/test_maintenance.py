"""Maintenance of plakar and ours on one store: either marks, the other deletes, and nothing that is needed goes."""

from __future__ import annotations

import random
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from caldav_backup.kloset import Configuration, File, Repository, SnapshotBuilder, open_storage
from caldav_backup.kloset.checking.findings import Step
from caldav_backup.kloset.keys import Argon2id
from caldav_backup.kloset.maintenance.upkeep import Upkept, apply_upkeep
from caldav_backup.kloset.packer import Packer
from caldav_backup.kloset.placement import placement_runs
from caldav_backup.kloset.resources import MAC_SIZE, VERSION_1_0_0, ResourceType
from caldav_backup.kloset.snapshot import Snapshot
from caldav_backup.kloset.state import DeleteEntry, EntryType, make_run
from caldav_backup.kloset.storage import Kind
from tests.interop.conftest import PASSPHRASE, MakePlakar
from tests.interop.plakar import Plakar
from tests.kloset.maintenance.worlds import contents
from tests.kloset.stores import body, build

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(shutil.which("plakar") is None, reason="no plakar on PATH: nothing to be compatible with here"),
]

GRACE_NS = 7 * 86_400 * 10**9


def unwatched(step: Step) -> None:
    """Nobody watches."""


class Shared:
    """A store on which both work."""

    def __init__(self, tmp_path: Path, make_plakar: MakePlakar, *, encrypted: bool = False) -> None:
        self.passphrase = PASSPHRASE.encode() if encrypted else None
        self.place = tmp_path / "store"
        configuration = Configuration.new(encrypted=encrypted, kdf=Argon2id(time=1, memory=1 << 10))
        Repository.create(open_storage(str(self.place)), configuration, passphrase=self.passphrase)
        self.repository = self.open()
        self.plakar: Plakar = make_plakar(encrypted)
        self.files = tmp_path / "files"
        self.files.mkdir()
        self.expected: dict[str, list[object]] = {}

    def open(self) -> Repository:
        return Repository.open(open_storage(str(self.place)), passphrase=self.passphrase)

    def back_up(self, numbers: Sequence[int], **attributes: bytes) -> Snapshot:
        """A snapshot of ours with these events."""

        def fill(builder: SnapshotBuilder) -> None:
            calendar = builder.open_directory("/work")
            calendar.add([File(f"{number:04}.ics", body(number), number) for number in sorted(numbers)])
            calendar.close({f"user.caldav.{name}": value for name, value in attributes.items()})

        self.repository.refresh()
        snapshot = build(self.repository, fill)
        self.expected[snapshot.header.identifier.hex()] = list(contents(snapshot))
        return snapshot

    def back_up_with_plakar(self, number: int) -> None:
        (self.files / f"{number}.ics").write_bytes(body(number, "plakar"))
        self.plakar.run("backup", self.files)
        self.remember_new()

    def remember_new(self) -> None:
        for header in self.open().snapshots():
            identifier = header.identifier.hex()
            if identifier not in self.expected:
                self.expected[identifier] = list(contents(self.open().snapshot(header.identifier)))

    def remove(self, identifier: str, *, with_plakar: bool = False) -> None:
        del self.expected[identifier]
        if with_plakar:
            self.plakar.run("rm", "-apply", identifier[:16])
        else:
            self.open().remove_snapshot(bytes.fromhex(identifier))

    def maintain(self, grace_ns: int = 0) -> Upkept:
        return apply_upkeep(self.open(), grace_ns=grace_ns, repack=False, progress=unwatched)

    @property
    def packfiles(self) -> set[bytes]:
        return set(self.open().storage.ids(Kind.PACKFILE))

    def assert_all_is_there(self) -> None:
        """Both see the same snapshots, and can read all of them."""
        repository = self.open()
        assert {each.identifier.hex() for each in repository.snapshots()} == self.expected.keys()
        for identifier, expected in self.expected.items():
            assert list(contents(repository.snapshot(bytes.fromhex(identifier)))) == expected
        assert [each for each in repository.check(read_data=True) if each.severity.value == "damage"] == []
        assert {each[:8] for each in self.expected} == set(self.plakar.snapshots())
        self.plakar.run("check")

    def assert_nothing_dead_is_left(self) -> None:
        plan = self.maintain().plan.maintenance
        assert plan.is_empty
        assert (plan.waiting, plan.held) == ((), ())
        assert self.packfiles == set(self.open().index.packfiles)


@pytest.fixture
def shared(tmp_path: Path, make_plakar: MakePlakar) -> Shared:
    return Shared(tmp_path, make_plakar)


@pytest.mark.parametrize("encrypted", [False, True])
def test_what_plakar_marks_we_delete(tmp_path: Path, make_plakar: MakePlakar, encrypted: bool) -> None:
    shared = Shared(tmp_path, make_plakar, encrypted=encrypted)
    shared.back_up(range(20), displayname=b"Work")
    kept = shared.packfiles
    removed = shared.back_up(range(100, 120), displayname=b"Other")
    dead = shared.packfiles - kept
    shared.remove(removed.header.identifier.hex())
    shared.plakar.maintain("168h")
    assert {each.identifier for each in shared.maintain(GRACE_NS).plan.maintenance.waiting} == dead
    assert {each.identifier for each in shared.maintain().plan.maintenance.sweep} == dead
    assert shared.packfiles == kept
    shared.assert_all_is_there()
    assert "0 packfiles were removed" in shared.plakar.maintain("0s")


def test_what_we_mark_plakar_deletes(shared: Shared) -> None:
    shared.back_up(range(20), displayname=b"Work")
    kept = shared.packfiles
    shared.remove(shared.back_up(range(100, 120), displayname=b"Other").header.identifier.hex())
    dead = shared.packfiles - kept
    assert {each.identifier for each in shared.maintain().plan.maintenance.colour} == dead
    assert f"{len(dead)} packfiles were removed" in shared.plakar.maintain("0s")
    assert shared.packfiles == kept
    shared.assert_all_is_there()
    shared.assert_nothing_dead_is_left()


def test_backup_between_marking_and_deleting_loses_nothing(shared: Shared) -> None:
    shared.back_up(range(5), displayname=b"Work")
    shared.remove(shared.back_up(range(100, 120), displayname=b"Other").header.identifier.hex())
    shared.plakar.maintain("168h")
    # The same events again: what is marked counts for nothing, so they are stored anew.
    shared.back_up(range(100, 120), displayname=b"Other")
    shared.maintain()
    shared.assert_all_is_there()
    shared.plakar.maintain("0s")
    shared.maintain()
    shared.assert_all_is_there()
    shared.assert_nothing_dead_is_left()


def test_what_an_interrupted_run_left_goes_by_either(shared: Shared) -> None:
    shared.back_up(range(5), displayname=b"Work")
    kept = shared.packfiles
    for _ in range(2):
        packer = Packer(shared.repository.storage, shared.repository.codec, shared.repository.keyed, 1 << 26)
        packer.add(ResourceType.CHUNK, secrets.token_bytes(MAC_SIZE), b"left behind")
        packer.finish()
        shared.maintain()
        shared.plakar.maintain("0s")
        assert shared.packfiles == kept
    packer = Packer(shared.repository.storage, shared.repository.codec, shared.repository.keyed, 1 << 26)
    packer.add(ResourceType.CHUNK, secrets.token_bytes(MAC_SIZE), b"left behind")
    packer.finish()
    shared.plakar.maintain("0s")
    shared.maintain()
    assert shared.packfiles == kept
    shared.assert_all_is_there()


def test_values_of_attributes_that_plakar_forgets_are_kept(shared: Shared) -> None:
    """A foreign writer put the value where nothing else is needed; plakar marks it again and again."""
    value = b"the value of an attribute"
    packer = Packer(shared.repository.storage, shared.repository.codec, shared.repository.keyed, 1 << 26)
    packer.add(ResourceType.CHUNK, shared.repository.keyed.mac(value), value)
    state = secrets.token_bytes(MAC_SIZE)
    (alone,) = packer.finish()
    shared.repository.put_state(state, placement_runs([alone], state))
    snapshot = shared.back_up(range(5), displayname=value)
    copies = shared.repository.index.find_locations(ResourceType.CHUNK, shared.repository.keyed.mac(value))
    for place in copies:
        if place.packfile != alone.identifier:
            drop_location(shared.repository, ResourceType.CHUNK, shared.repository.keyed.mac(value), place.packfile)
    for _ in range(2):
        assert "Coloured 1 packfiles" in shared.plakar.maintain("0s")
        assert [each.identifier for each in shared.maintain().plan.maintenance.uncolour] == [alone.identifier]
    assert shared.open().snapshot(snapshot.header.identifier).extended_attributes("/work") == {
        "user.caldav.displayname": value
    }


def drop_location(repository: Repository, kind: ResourceType, mac: bytes, packfile: bytes) -> None:
    entry = DeleteEntry(EntryType.LOCATION, kind, mac, packfile)
    repository.put_state(secrets.token_bytes(MAC_SIZE), [make_run([entry])])


def duplicate(shared: Shared, packfile: bytes) -> None:
    """All that can be in two packfiles, in another one as well: two backups at the same time leave such copies."""
    repository = shared.open()
    packer = Packer(repository.storage, repository.codec, repository.keyed, 1 << 26)
    for name, (offset, length) in repository.index.locations_in(packfile).items():
        # A snapshot's header is stored once; plakar would list the snapshot twice.
        if name[0] not in (ResourceType.RANDOM, ResourceType.SNAPSHOT):
            encoded = repository.storage.read_range(Kind.PACKFILE, packfile, 16 + offset, length)
            packer.append(name[0], VERSION_1_0_0, name[1:], encoded)
    state = secrets.token_bytes(MAC_SIZE)
    repository.put_state(state, placement_runs(packer.finish(), state))


@pytest.mark.parametrize("seed", [1, 5, *(pytest.param(seed, marks=pytest.mark.soak) for seed in (2, 3, 4, 6, 7, 8))])
def test_rounds_of_both_leave_what_is_needed_and_nothing_else(shared: Shared, seed: int) -> None:
    chance = random.Random(seed)
    shared.back_up(range(8), displayname=b"Work", color=b"#ff0000")
    shared.back_up_with_plakar(0)
    for turn in range(1, 9):
        match chance.randrange(5):
            case 0:
                shared.back_up_with_plakar(turn)
            case 1 if len(shared.expected) > 2:
                shared.remove(chance.choice(sorted(shared.expected)), with_plakar=chance.random() < 0.5)
            case 2:
                duplicate(shared, chance.choice(sorted(set(shared.open().index.packfiles))))
            case _:
                shared.back_up(chance.sample(range(30), 8), displayname=b"Work", color=b"#%06x" % chance.randrange(3))
        if chance.random() < 0.5:
            shared.plakar.maintain("0s")
        # Copies are what plakar may choose among, and mark the others.
        shared.maintain()
    shared.assert_all_is_there()
    for identifier in sorted(shared.expected)[1:]:
        shared.remove(identifier)
    for _ in range(2):
        shared.plakar.maintain("0s")
        shared.maintain()
    shared.assert_all_is_there()
    shared.assert_nothing_dead_is_left()
