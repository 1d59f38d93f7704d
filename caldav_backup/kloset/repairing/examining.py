"""Looks at one packfile whole: what of it can still be read, and what not.

Owns the verdict on every blob of a packfile that is not as it was written. Changes nothing; what becomes of such a
packfile is told in `plan` and `rewriting`.
"""

from __future__ import annotations

from dataclasses import dataclass
from hmac import compare_digest

from caldav_backup.kloset import envelope
from caldav_backup.kloset.checking.orphans import read_packfile_contents
from caldav_backup.kloset.errors import Damaged, StorageFileMissing, UnsupportedStore
from caldav_backup.kloset.header import read_header
from caldav_backup.kloset.packfile import Contents, IndexRecord
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.resources import MAC_SIZE, VERSION_1_0_0, ResourceType
from caldav_backup.kloset.storage import Kind, PtarStorage

_PIECE = 1 << 20

Claimed = dict[bytes, tuple[int, int]]
"""What states place in a packfile: offset and length by the type as one byte and the MAC, see `Index.locations_in`."""


@dataclass(frozen=True, slots=True)
class DamagedPackfile:
    """A packfile that the states name and that is not as it was written.

    `problem` says how, in one line. `good` are the blobs of it that can be read and count, `lost` those that cannot.
    `moved` are blobs that lie elsewhere in it than the states say. `contents` is what its own index says, None when it
    cannot be read. `is_whole` when only the states are wrong about it, and nothing in the file is.
    """

    identifier: bytes
    problem: str
    good: tuple[IndexRecord, ...] = ()
    lost: tuple[IndexRecord, ...] = ()
    moved: tuple[IndexRecord, ...] = ()
    contents: Contents | None = None
    unreadable_headers: tuple[bytes, ...] = ()
    """Ids of snapshots whose headers it holds, damaged. They keep their places, so that nobody forgets the snapshots
    and maintenance does not take what they hold for unused."""
    is_missing: bool = False
    is_whole: bool = False

    @property
    def readable(self) -> tuple[IndexRecord, ...]:
        """Those of `good` that are no damaged headers."""
        return tuple(record for record in self.good if record.mac not in self.unreadable_headers)

    @property
    def keeps_anything(self) -> bool:
        """Whether something in it is worth keeping it; padding is not, nor what cannot be read."""
        return any(record.resource_type != ResourceType.RANDOM for record in (*self.readable, *self.moved))


def claims_of(contents: Contents) -> Claimed:
    """What a packfile says of itself, as states would."""
    return {_name(record): (record.offset, record.length) for record in contents.records}


def missing_packfile(identifier: bytes, claimed: Claimed) -> DamagedPackfile:
    """A packfile of which no file is there."""
    return DamagedPackfile(identifier, "it is missing", lost=tuple(_records(claimed)), is_missing=True)


def examine(repository: Repository, identifier: bytes, claimed: Claimed) -> DamagedPackfile | None:
    """What is wrong with a packfile that is there; None when it is as it was written and as the states say."""
    try:
        problem = "" if has_right_trailer(repository, identifier) else "its checksum is wrong"
        contents: Contents | None = None
        try:
            contents = read_packfile_contents(repository, identifier)
        except (Damaged, UnsupportedStore):
            problem = "its index cannot be read"
        if not problem and contents is not None and _agrees(contents, claimed):
            return None
        return _sort_out(repository, identifier, claimed, contents, problem)
    except StorageFileMissing:
        return missing_packfile(identifier, claimed)


def _sort_out(
    repository: Repository, identifier: bytes, claimed: Claimed, contents: Contents | None, problem: str
) -> DamagedPackfile:
    known = {} if contents is None else {_name(record): record for record in contents.records}
    good: list[IndexRecord] = []
    lost: list[IndexRecord] = []
    moved: list[IndexRecord] = []
    headers: list[bytes] = []
    for record in _records(claimed):
        own = known.get(_name(record))
        if own is not None and (own.offset, own.length) == (record.offset, record.length):
            record = own  # noqa: PLW2901 - the same, with the version that its writer gave it
        if can_be_read(repository, identifier, record):
            good.append(record)
        elif own is not None and own is not record and can_be_read(repository, identifier, own):
            moved.append(own)
        elif record.resource_type == ResourceType.SNAPSHOT and _is_there(repository, identifier, record):
            headers.append(record.mac)
            good.append(record)
        else:
            lost.append(record)
    return DamagedPackfile(
        identifier,
        problem or "the states place blobs in it that are not there",
        tuple(good),
        tuple(lost),
        tuple(moved),
        contents,
        tuple(headers),
        is_whole=not problem,
    )


def _agrees(contents: Contents, claimed: Claimed) -> bool:
    there = claims_of(contents)
    return all(there.get(name) == place for name, place in claimed.items())


def _name(record: IndexRecord) -> bytes:
    return bytes((record.resource_type & 0xFF,)) + record.mac


def _records(claimed: Claimed) -> list[IndexRecord]:
    """What the states say, as an index would; in the order of the file."""
    found = [IndexRecord(name[0], VERSION_1_0_0, name[1:], *place) for name, place in claimed.items()]
    return sorted(found, key=lambda record: (record.offset, record.resource_type, record.mac))


def has_right_trailer(repository: Repository, identifier: bytes) -> bool:
    """Whether every byte of a packfile is what it was written as. StorageFileMissing."""
    storage = repository.storage
    if isinstance(storage, PtarStorage):
        return True
    running = repository.keyed.start()
    size = storage.size(Kind.PACKFILE, identifier)
    end = size - MAC_SIZE
    if end < envelope.HEADER_SIZE:
        return False
    try:
        for offset in range(0, end, _PIECE):
            running.update(storage.read_range(Kind.PACKFILE, identifier, offset, min(_PIECE, end - offset)))
        return compare_digest(running.digest(), storage.read_range(Kind.PACKFILE, identifier, end, MAC_SIZE))
    except Damaged:
        return False


def _is_there(repository: Repository, identifier: bytes, record: IndexRecord) -> bool:
    size = repository.storage.size(Kind.PACKFILE, identifier)
    return envelope.HEADER_SIZE + record.offset + record.length <= size


def can_be_read(repository: Repository, identifier: bytes, record: IndexRecord) -> bool:
    """Whether a blob is what its name says, as far as that can be told: padding only has to be there."""
    if record.length > repository.blobs.most_stored:
        return False
    try:
        start = envelope.HEADER_SIZE + record.offset
        encoded = repository.storage.read_range(Kind.PACKFILE, identifier, start, record.length)
        if record.resource_type == ResourceType.RANDOM:
            return True
        blob = repository.blobs.open(record.resource_type, record.mac, encoded)
        if record.resource_type == ResourceType.SNAPSHOT:
            read_header(blob, record.mac)
    except Damaged:
        return False
    return True
