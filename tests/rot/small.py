"""The small store that rots: two sources, three snapshots, attributes, errors, a lock; and the truth about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from uuid import UUID

from caldav_backup.kloset import Configuration, File, Importer, Repository, SnapshotBuilder
from caldav_backup.kloset.header import Header
from caldav_backup.kloset.keys import Argon2id
from caldav_backup.kloset.locks import Lock
from caldav_backup.kloset.resources import VERSION_1_0_0, ResourceType
from caldav_backup.kloset.storage import Kind, MemoryStorage, Storage
from tests.kloset.stores import PASSPHRASE, SMALL_CHUNKS

LOCK = b"\x77" * 32
DAY = 86_400_000_000_000
NOON = 1_700_000_000_000_000_000


@dataclass(frozen=True)
class Told:
    """All that one snapshot tells: its header, contents by path, attributes, errors."""

    header: Header
    contents: dict[str, bytes]
    attributes: dict[str, dict[str, bytes]]
    errors: dict[str, str]


@dataclass(frozen=True)
class Small:
    """A store whose files are not changed any more, and what is in it."""

    storage: MemoryStorage
    passphrase: bytes | None
    told: dict[bytes, Told]
    held: dict[bytes, bytes] = field(default_factory=dict)
    """By packfile, the snapshot whose header lies in it."""

    def open(self, storage: Storage) -> Repository:
        return Repository.open(storage, passphrase=self.passphrase)


def make_small(*, encrypted: bool, compression: str | None, number: int = 6) -> Small:
    storage = MemoryStorage("small")
    configuration = Configuration.new(
        encrypted=encrypted,
        compression=compression,
        chunking=SMALL_CHUNKS,
        kdf=Argon2id(time=1, memory=16),
        repository_id=UUID(int=number << 80 | 0x4000 << 64 | 0x8 << 60),
        timestamp_ns=NOON,
    )
    passphrase = PASSPHRASE if encrypted else None
    repository = Repository.create(storage, configuration, passphrase=passphrase)
    identifiers = count(1)

    def keep(job: str, fill: Callable[[SnapshotBuilder], None]) -> None:
        number = next(identifiers)
        importer = Importer("caldav-backup", f"{job}@example.org", "/")
        identifier = repository.keyed.mac(f"snapshot {number}".encode())
        with SnapshotBuilder(
            repository, importer=importer, job=job, identifier=identifier, timestamp_ns=NOON + number * DAY
        ) as builder:
            fill(builder)
            builder.finish()

    keep("alice", _alice)
    keep("bob", _bob)
    parent = repository.snapshots()[0].identifier
    keep("alice", lambda builder: _alice_again(builder, repository, parent))
    lock = Lock(NOON, "elsewhere", exclusive=False)
    storage.write(Kind.LOCK, LOCK, repository.seal_file(ResourceType.LOCK, VERSION_1_0_0, lock.to_bytes()))
    told = {header.identifier: tell(repository, header) for header in repository.snapshots()}
    held = {
        repository.index.find_locations(ResourceType.SNAPSHOT, identifier)[0].packfile: identifier
        for identifier in told
    }
    return Small(storage, passphrase, told, held)


def tell(repository: Repository, header: Header) -> Told:
    """Everything that a snapshot holds, by all the ways in which it can be read."""
    snapshot = repository.snapshot(header.identifier)
    entries = [entry for entry in snapshot.walk() if entry.is_file]
    contents = {entry.path: content for entry, content in snapshot.read_many(entries)}
    assert contents == {path: snapshot.read(path) for path in contents}
    return Told(header, contents, snapshot.attributes_by_path(), dict(snapshot.errors()))


def _event(name: str, size: int = 0) -> File:
    lines = "".join(f"X-LINE:{number} of {name}\r\n" for number in range(size))
    content = f"BEGIN:VCALENDAR\r\nUID:{name}\r\n{lines}SUMMARY:Café\r\nEND:VCALENDAR\r\n".encode()
    return File(f"{name}.ics", content, NOON)


def _alice(builder: SnapshotBuilder) -> None:
    with_attributes = {"user.caldav.displayname": "Größe".encode(), "user.caldav.color": b"#ff0000"}
    home = builder.open_directory("/home", mtime_ns=NOON)
    home.add([_event("a"), _event("b"), _event("long", 40)])
    home.close(with_attributes)
    builder.fail("/home/lost.ics", "410 Gone")


def _alice_again(builder: SnapshotBuilder, repository: Repository, parent: bytes) -> None:
    home = builder.open_directory("/home", mtime_ns=NOON, parents=[repository.snapshot(parent)])
    home.keep(["a.ics"])
    home.add([_event("b", 2)])
    home.keep(["long.ics"])
    home.close({"user.caldav.displayname": b"Home"})


def _bob(builder: SnapshotBuilder) -> None:
    work = builder.open_directory("/work", mtime_ns=NOON)
    work.add([_event("meeting"), _event("tea")])
    work.close({"user.caldav.color": b"#00ff00"})
    builder.open_directory("/empty", mtime_ns=NOON).close({})
