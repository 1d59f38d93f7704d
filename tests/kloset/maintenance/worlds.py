"""A store in memory whose clocks a test moves, with a maintenance that any test can run."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from caldav_backup.kloset.builder import SnapshotBuilder
from caldav_backup.kloset.locks import exclusive_lock
from caldav_backup.kloset.maintenance.applying import Maintained, apply_maintenance
from caldav_backup.kloset.maintenance.grace import DAY, DEFAULT_GRACE
from caldav_backup.kloset.maintenance.plan import MaintenancePlan
from caldav_backup.kloset.maintenance.planning import plan_maintenance
from caldav_backup.kloset.packer import Packer
from caldav_backup.kloset.placement import placement_runs
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.resources import MAC_SIZE, VERSION_1_0_0, ResourceType
from caldav_backup.kloset.snapshot import Snapshot
from caldav_backup.kloset.state import ColouredEntry, DeleteEntry, EntryType, LocationEntry, make_run
from caldav_backup.kloset.storage import Kind, MemoryStorage
from tests.kloset.stores import PASSPHRASE, build, make_repository, some_files

Guard = TypeVar("Guard", bound=MemoryStorage)


class World:
    """One store. The days that passed since its first one are `day`; the storage may have a clock of its own."""

    def __init__(self, *, encrypted: bool = False) -> None:
        self.encrypted = encrypted
        self.day = 0.0
        self.storage_day: float | None = None
        self.storage: MemoryStorage = MemoryStorage(clock=self.storage_clock)
        _, self.repository = make_repository(encrypted=encrypted, storage=self.storage)

    def clock(self) -> int:
        return time.time_ns() + int(self.day * DAY)

    def storage_clock(self) -> int:
        day = self.day if self.storage_day is None else self.storage_day
        return time.time_ns() + int(day * DAY)

    def open(self) -> Repository:
        """The same store as another program sees it."""
        return Repository.open(self.storage, passphrase=PASSPHRASE if self.encrypted else None)

    def backup(self, fill: Callable[[SnapshotBuilder], None]) -> Snapshot:
        return build(self.repository, fill, timestamp_ns=self.clock())

    def remove(self, *snapshots: Snapshot) -> None:
        self.repository.remove_snapshots(snapshot.header.identifier for snapshot in snapshots)

    def plan(self, *, grace_ns: int = DEFAULT_GRACE) -> MaintenancePlan:
        return plan_maintenance(self.open(), grace_ns=grace_ns, now_ns=self.clock())

    def maintain(self, *, grace_ns: int = DEFAULT_GRACE) -> Maintained:
        repository = self.open()
        with exclusive_lock(repository, clock=self.clock) as lock:
            done = apply_maintenance(repository, lock, grace_ns=grace_ns, clock=self.clock)
        self.repository.refresh()
        return done

    def guard(self, storage: Guard) -> Guard:
        """Put another storage with the same files in the place of this world's."""
        storage.__dict__.update(self.storage.__dict__)
        self.storage = storage
        self.repository = self.open()
        return storage

    @property
    def packfiles(self) -> set[bytes]:
        return set(self.storage.ids(Kind.PACKFILE))

    @property
    def states(self) -> set[bytes]:
        return set(self.storage.ids(Kind.STATE))

    # What other programs, and accidents, leave behind

    def pack(self, blobs: Sequence[tuple[ResourceType, bytes]], *, day: float | None = None) -> bytes:
        """A packfile with these blobs that no state names, made on that day."""
        made = self.day if day is None else day
        now = self.day, self.storage_day
        self.day = self.storage_day = made
        repository = self.repository
        packer = Packer(self.storage, repository.codec, repository.keyed, 1 << 26, self.clock)
        for kind, blob in blobs:
            packer.add(kind, repository.keyed.mac(blob), blob)
        (stored,) = packer.finish()
        self.day, self.storage_day = now
        return stored.identifier

    def place(self, blobs: Sequence[tuple[ResourceType, bytes]]) -> bytes:
        """A packfile with these blobs that a state names."""
        repository = self.repository
        packer = Packer(self.storage, repository.codec, repository.keyed, 1 << 26, self.clock)
        for kind, blob in blobs:
            packer.add(kind, repository.keyed.mac(blob), blob)
        return self._commit(packer)

    def _commit(self, packer: Packer) -> bytes:
        state = secrets.token_bytes(MAC_SIZE)
        (stored,) = packer.finish()
        self.repository.put_state(state, placement_runs([stored], state), timestamp_ns=self.clock())
        return stored.identifier

    def copy(self, packfile: bytes) -> bytes:
        """Another packfile with the same blobs, as writers leave behind that do not know of each other."""
        repository = self.repository
        packer = Packer(self.storage, repository.codec, repository.keyed, 1 << 26, self.clock)
        for name, (offset, length) in repository.index.locations_in(packfile).items():
            if name[0] != ResourceType.RANDOM:
                encoded = self.storage.read_range(Kind.PACKFILE, packfile, 16 + offset, length)
                packer.append(name[0], VERSION_1_0_0, name[1:], encoded)
        return self._commit(packer)

    def relocate(self, packfile: bytes, names: Sequence[bytes]) -> None:
        """Let a state place blobs, by type and MAC, in a packfile that no state names."""
        entries = [LocationEntry(name[0], VERSION_1_0_0, name[1:], packfile, 0, 1) for name in names]
        self.repository.put_state(secrets.token_bytes(MAC_SIZE), [make_run(entries)], timestamp_ns=self.clock())

    def colour(self, *packfiles: bytes, day: float | None = None) -> None:
        at_ns = self.clock() if day is None else time.time_ns() + int(day * DAY)
        entries = [ColouredEntry(ResourceType.PACKFILE, packfile, at_ns) for packfile in packfiles]
        self.repository.put_state(secrets.token_bytes(MAC_SIZE), [make_run(entries)], timestamp_ns=self.clock())

    def delete_packfile_entry(self, packfile: bytes) -> None:
        entry = DeleteEntry(EntryType.PACKFILE, packfile=packfile)
        self.repository.put_state(secrets.token_bytes(MAC_SIZE), [make_run([entry])], timestamp_ns=self.clock())

    def is_coloured(self, packfile: bytes) -> bool:
        return self.open().index.is_coloured(ResourceType.PACKFILE, packfile)


def calendar(note: str, count: int = 6, name: str = "work") -> Callable[[SnapshotBuilder], None]:
    """A calendar all of whose events are its own."""

    def fill(builder: SnapshotBuilder) -> None:
        directory = builder.open_directory(f"/{name}")
        directory.add(some_files(count, note))
        directory.close({"user.caldav.displayname": note.encode(), "user.caldav.resources": note.encode() * 40})

    return fill


def contents(snapshot: Snapshot) -> Iterator[object]:
    """Everything that can be read of a snapshot."""
    for entry in snapshot.walk():
        yield entry
        yield snapshot.extended_attributes(entry.path)
        if entry.is_file:
            yield snapshot.read(entry)
    yield from snapshot.errors()
    yield snapshot.summaries()
