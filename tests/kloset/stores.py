"""Small stores for the tests of reading, and storages that watch or fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from caldav_backup.kloset.builder import SnapshotBuilder
from caldav_backup.kloset.configuration import ChunkSizes, Configuration
from caldav_backup.kloset.directory_writer import File
from caldav_backup.kloset.header import Importer
from caldav_backup.kloset.keys import Argon2id
from caldav_backup.kloset.packer import Packer
from caldav_backup.kloset.placement import placement_runs
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.snapshot import Snapshot
from caldav_backup.kloset.storage import Kind, MemoryStorage

IMPORTER = Importer("caldav-backup", "alice@example.org", "/")
PASSPHRASE = b"a passphrase"
SMALL_CHUNKS = ChunkSizes(64, 128, 512)


class WatchedStorage(MemoryStorage):
    """Counts ranged reads, and remembers the longest."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[tuple[int, int]] = []

    def read_range(self, kind: Kind, identifier: bytes, offset: int, length: int) -> bytes:
        self.reads.append((offset, length))
        return super().read_range(kind, identifier, offset, length)


def make_repository(
    *, encrypted: bool = False, chunking: ChunkSizes = SMALL_CHUNKS, storage: MemoryStorage | None = None
) -> tuple[MemoryStorage, Repository]:
    storage = MemoryStorage() if storage is None else storage
    configuration = Configuration.new(encrypted=encrypted, chunking=chunking, kdf=Argon2id(time=1, memory=16))
    return storage, Repository.create(storage, configuration, passphrase=PASSPHRASE if encrypted else None)


def body(number: int, note: str = "") -> bytes:
    return f"BEGIN:VCALENDAR\r\nX-NUMBER:{number}{note}\r\nEND:VCALENDAR\r\n".encode()


def some_files(count: int, note: str = "") -> list[File]:
    return [File(f"event-{number:04}.ics", body(number, note), (number + 1) * 10**9) for number in range(count)]


def build(
    repository: Repository, fill: Callable[[SnapshotBuilder], None], *, timestamp_ns: int | None = None
) -> Snapshot:
    builder = SnapshotBuilder(repository, importer=IMPORTER, job="home", timestamp_ns=timestamp_ns)
    fill(builder)
    return repository.snapshot(builder.finish().identifier)


def two_calendars(builder: SnapshotBuilder) -> None:
    work = builder.open_directory("/work", mtime_ns=5 * 10**9)
    work.add([*some_files(12), File("long.ics", b"".join(body(number) for number in range(60)), 10**9)])
    work.close({"user.caldav.displayname": b"Work", "user.caldav.color": b"#ff0000"})
    home = builder.open_directory("/home/private")
    home.add(some_files(3, "h"))
    home.close({})
    builder.fail("/home/broken.ics", "410 Gone")


def put_blobs(repository: Repository, state: bytes, blobs: Sequence[tuple[ResourceType, bytes]]) -> list[bytes]:
    """Store blobs in one packfile, and a state that names it; their MACs."""
    packer = Packer(repository.storage, repository.codec, repository.keyed, 1 << 26)
    macs = [repository.keyed.mac(blob) for _, blob in blobs]
    for mac, (kind, blob) in zip(macs, blobs, strict=True):
        packer.add(kind, mac, blob)
    repository.put_state(state, placement_runs(packer.finish(), state))
    return macs


def packfiles(storage: MemoryStorage) -> Iterator[bytes]:
    yield from (identifier for kind, identifier in storage.files if kind is Kind.PACKFILE)


def damage(storage: MemoryStorage, kind: Kind, identifier: bytes, place: int, change: int = 1) -> None:
    content = bytearray(storage.files[kind, identifier])
    content[place] ^= change
    storage.files[kind, identifier] = bytes(content)
