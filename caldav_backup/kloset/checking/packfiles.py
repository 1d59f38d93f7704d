"""Checks the packfiles: that all are there, say of themselves what the states say of them, and are what was written.

Owns what can be wrong with packfiles as files; what their blobs mean is checked elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from hmac import compare_digest
from typing import NamedTuple

from caldav_backup.kloset import envelope
from caldav_backup.kloset.checking.findings import Finding, Findings, Progress, Step
from caldav_backup.kloset.checking.orphans import describe, lost_snapshots, read_orphan, read_packfile_contents
from caldav_backup.kloset.checking.parts import Part
from caldav_backup.kloset.errors import Damaged, StorageFileMissing, UnsupportedStore
from caldav_backup.kloset.header import Header
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.resources import MAC_SIZE
from caldav_backup.kloset.states import read_new_states
from caldav_backup.kloset.storage import Kind, PtarStorage

_PIECE = 1 << 20
_MIB = 1 << 20


class _Packfiles(NamedTuple):
    """Ids of packfiles: named by states and there, named and gone, there and named by none."""

    sound: list[bytes]
    missing: list[bytes]
    orphans: list[bytes]


def check_packfiles(repository: Repository, findings: Findings, *, read: Part, progress: Progress) -> Iterator[Finding]:
    """Every packfile's index; those in the part `read` byte by byte."""
    found = _sort_out(repository, findings)
    for identifier in found.missing:
        message = "the packfile is missing; what only it holds is lost unless another copy of the store has it"
        findings.damage("packfile", identifier.hex(), message)
    yield from findings.drain()
    yield from _check_orphans(repository, found.orphans, findings)
    bytes_read = _BytesRead(repository, [each for each in found.sound if read.contains(each)], progress)
    for number, identifier in enumerate(found.sound):
        progress(Step("packfiles", number, len(found.sound)))
        checked = PackfileCheck(repository, identifier, findings)
        checked.check_index(repository.index.locations_in(identifier))
        if read.contains(identifier):
            checked.check_bytes(bytes_read.add)
        yield from findings.drain()
    progress(Step("packfiles", len(found.sound), len(found.sound)))


def _sort_out(repository: Repository, findings: Findings) -> _Packfiles:
    index = repository.index
    if isinstance(repository.storage, PtarStorage):
        # The archive's only packfile answers to every id, and the one in its state is random.
        return _Packfiles(sorted(index.packfiles), [], [])
    stored = set(repository.storage.ids(Kind.PACKFILE))
    if stored != index.packfiles.keys():
        # Perhaps a backup or a maintenance ended meanwhile, and its state says why.
        _read_on(repository, findings)
        missing = {each for each in index.packfiles.keys() - stored if not _is_there(repository, each)}
        stored |= index.packfiles.keys() - missing
    named = set(index.packfiles)
    return _Packfiles(sorted(named & stored), sorted(named - stored), sorted(stored - named))


def _read_on(repository: Repository, findings: Findings) -> None:
    """Take up the states that were written since the check began."""
    index = repository.index
    known = {*index.states, *index.unreachable}

    def damaged(identifier: bytes, error: Exception) -> None:
        if identifier.hex() not in findings.damaged_states:
            findings.damage("state", identifier.hex(), error)

    index.apply_all(read_new_states(repository, known, damaged))


def _is_there(repository: Repository, packfile: bytes) -> bool:
    try:
        repository.storage.size(Kind.PACKFILE, packfile)
    except StorageFileMissing:
        return False
    return True


def _check_orphans(repository: Repository, orphans: Iterable[bytes], findings: Findings) -> Iterator[Finding]:
    """Packfiles that no state names: a warning each, and one for each snapshot that could come back with them."""
    headers: list[Header] = []
    for identifier in orphans:
        try:
            orphan = read_orphan(repository, identifier)
        except StorageFileMissing:
            continue
        headers += orphan.headers
        message = (
            "no state names it: an interrupted run left it behind, or its state was lost; "
            "a maintenance removes it after some days, unless a whole snapshot is in it"
        )
        if orphan.error:
            message = f"no state names it, and it cannot be read: {orphan.error}"
        findings.warn("packfile", identifier.hex(), message)
        yield from findings.drain()
    gone = set(repository.index.missing_parents.values())
    for header in lost_snapshots(repository, headers):
        message = (
            f"packfiles holding snapshot {describe(header)} that no state names; 'caldav-backup repair' brings it back"
        )
        # A state is named like its snapshot. Where another was written after it, this was no interrupted run.
        tell = findings.damage if header.identifier in gone else findings.warn
        tell("lost snapshot", header.identifier.hex(), message)
    yield from findings.drain()


class _BytesRead:
    """Tells how many of all bytes that are to be read were read."""

    def __init__(self, repository: Repository, packfiles: Iterable[bytes], progress: Progress) -> None:
        self._progress = progress
        self._done = 0
        self._total = sum(_size(repository, packfile) for packfile in packfiles)

    def add(self, count: int) -> None:
        self._done += count
        self._progress(Step("MiB of packfiles", self._done // _MIB, max(self._done, self._total) // _MIB))


def _size(repository: Repository, packfile: bytes) -> int:
    try:
        return repository.storage.size(Kind.PACKFILE, packfile)
    except StorageFileMissing:
        return 0


class PackfileCheck:
    """One packfile."""

    def __init__(self, repository: Repository, identifier: bytes, findings: Findings) -> None:
        self._repository = repository
        self._identifier = identifier
        self._findings = findings

    def _damage(self, message: object) -> None:
        self._findings.damage("packfile", self._identifier.hex(), message)

    def _miss(self, error: StorageFileMissing) -> None:
        """The file is gone since the check began: damage, unless a maintenance has deleted it and says so."""
        _read_on(self._repository, self._findings)
        if self._identifier in self._repository.index.packfiles:
            self._damage(error)

    def check_index(self, claimed: dict[bytes, tuple[int, int]]) -> None:
        """Header, footer and index; `claimed`, which is used up, is what the states place here, see `Index`."""
        try:
            found = read_packfile_contents(self._repository, self._identifier)
        except StorageFileMissing as exc:
            self._miss(exc)
            return
        except (Damaged, UnsupportedStore) as exc:
            self._damage(exc)
            return
        unknown = 0
        for record in found.records:
            place = claimed.pop(bytes((record.resource_type & 0xFF,)) + record.mac, None)
            if place is None:
                unknown += 1
            elif place != (record.offset, record.length):
                self._damage(
                    f"a state places its blob {record.mac.hex()} at {place[0]}, and its index at {record.offset}"
                )
        if claimed:
            example = min(claimed)
            message = f"states place {len(claimed)} blobs in it that it does not have, such as {example[1:].hex()}"
            self._damage(f"{message} of type {example[0]}")
        if unknown:
            message = f"{unknown} of its blobs are in no state; they take room and nobody finds them"
            self._findings.warn("packfile", self._identifier.hex(), message)

    def check_bytes(self, tell: Callable[[int], None]) -> None:
        """Name and trailer, which between them depend on every byte; `tell` is told how many were read."""
        storage, start = self._repository.storage, self._repository.keyed.start
        body, whole = start(), start()
        try:
            size = storage.size(Kind.PACKFILE, self._identifier)
            end = size - MAC_SIZE
            for offset in range(0, end, _PIECE):
                piece = storage.read_range(Kind.PACKFILE, self._identifier, offset, min(_PIECE, end - offset))
                whole.update(piece)
                body.update(piece[envelope.HEADER_SIZE :] if offset == 0 else piece)
                tell(len(piece))
            trailer = storage.read_range(Kind.PACKFILE, self._identifier, max(end, 0), MAC_SIZE)
        except StorageFileMissing as exc:
            self._miss(exc)
            return
        except Damaged as exc:
            self._damage(exc)
            return
        if not compare_digest(whole.digest(), trailer):
            self._damage("its checksum is wrong: some byte of it was changed")
        elif body.digest() != self._identifier and not isinstance(storage, PtarStorage):
            message = "its name is not that of its content: a repair wrote it anew, or it was copied under another name"
            self._findings.warn("packfile", self._identifier.hex(), message)
