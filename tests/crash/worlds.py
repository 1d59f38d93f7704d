"""A store, the calendars that go into it, and what must still be in it whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

from caldav_backup.archiver import BackupOptions, Guard, back_up
from caldav_backup.connectors.directory import DirectorySource
from caldav_backup.kloset import Configuration, Repository
from caldav_backup.kloset.check import Severity
from caldav_backup.kloset.configuration import ChunkSizes, PackfileSizes
from caldav_backup.kloset.header import Header
from caldav_backup.kloset.keys import Argon2id
from caldav_backup.kloset.storage import MemoryStorage, Storage
from tests.events import event

PASSPHRASE = b"a passphrase"
_NOTHING_IS_STRANGE = Guard(accept_shrink=True, allow_empty=True)

Contents = Mapping[str, bytes]
"""Every file of a snapshot by its path."""


@dataclass
class World:
    """A directory of calendars below `vdir`, and a store. `held`: what each of its snapshots holds, by its time."""

    vdir: Path
    storage: Storage
    is_encrypted: bool = False
    held: dict[int, Contents] = field(default_factory=dict)
    source: Storage | None = None
    """Another store, from which the first is filled."""

    @property
    def passphrase(self) -> bytes | None:
        return PASSPHRASE if self.is_encrypted else None

    @property
    def configuration(self) -> Configuration:
        """Small packfiles and chunks, so that a few events need several of each."""
        return Configuration.new(
            encrypted=self.is_encrypted,
            chunking=ChunkSizes(64, 128, 512),
            packfile=PackfileSizes(max_size=8_000),
            kdf=Argon2id(time=1, memory=16),
        )

    def create(self, storage: Storage) -> None:
        Repository.create(storage, self.configuration, passphrase=self.passphrase)

    def open(self, storage: Storage | None = None) -> Repository:
        return Repository.open(self.storage if storage is None else storage, passphrase=self.passphrase)

    def put(self, calendar: str, *numbers: int, note: str = "") -> None:
        """Events for the next backup."""
        (self.vdir / calendar).mkdir(parents=True, exist_ok=True)
        for number in numbers:
            (self.vdir / calendar / f"{number}.ics").write_bytes(
                event(number, summary=f"Event {number} {note}").content
            )

    def back_up(self, storage: Storage | None = None, **options: object) -> None:
        chosen = BackupOptions(job="home", guard=_NOTHING_IS_STRANGE, lock_wait=0.0, **options)  # type: ignore[arg-type]
        asyncio.run(back_up(DirectorySource(self.vdir), self.open(storage), chosen))

    def assert_backed_up(self) -> None:
        """The newest snapshot holds what the directories hold."""
        repository = self.open()
        files = {f"/{path.relative_to(self.vdir)}": path.read_bytes() for path in self.vdir.rglob("*.ics")}
        assert contents(repository, repository.snapshots()[-1]) == files

    def remember(self) -> None:
        """From now on the snapshots that are there must stay."""
        repository = self.open()
        self.held = {
            header.timestamp_ns: self.held.get(header.timestamp_ns) or contents(repository, header)
            for header in repository.snapshots()
        }

    def copy(self) -> World:
        """The same with a storage of its own."""
        return World(self.vdir, copy_of(self.storage), self.is_encrypted, self.held, self.source)


def copy_of(storage: Storage) -> Storage:
    assert isinstance(storage, MemoryStorage), "a directory is not copied for each death"
    return deepcopy(storage)  # bytes are not copied by it


def contents(repository: Repository, header: Header) -> Contents:
    snapshot = repository.snapshot(header.identifier)
    files = (entry for entry in snapshot.walk() if entry.is_file)
    return {entry.path: content for entry, content in snapshot.read_many(files)}


def assert_nothing_lost(repository: Repository, held: Mapping[int, Contents], *, may_go: Collection[int] = ()) -> None:
    """No damage, and every snapshot of `held` byte for byte and once; those of `may_go` whole or not at all."""
    assert [finding for finding in repository.check(read_data=True) if finding.severity is Severity.DAMAGE] == []
    headers = repository.snapshots()
    found = {header.timestamp_ns: contents(repository, header) for header in headers}
    assert len(found) == len(headers), "a snapshot is there twice"
    for time, files in held.items():
        assert found.get(time) == files or (time in may_go and time not in found)
