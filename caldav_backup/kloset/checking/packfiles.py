"""Checks the packfiles: that all are there, say of themselves what the states say of them, and are what was written.

Owns what can be wrong with packfiles as files; what their blobs mean is checked elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from hmac import compare_digest

from caldav_backup.kloset import envelope, packfile
from caldav_backup.kloset.checking.findings import Finding, Findings, Progress, Step
from caldav_backup.kloset.errors import Damaged, StorageFileMissing, UnsupportedStore
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.resources import MAC_SIZE, ResourceType
from caldav_backup.kloset.storage import Kind, PtarStorage

_PIECE = 1 << 20


def check_packfiles(
    repository: Repository, findings: Findings, *, read_whole: float, progress: Progress
) -> Iterator[Finding]:
    """Every packfile's index; a share of `read_whole` of them byte by byte."""
    stored = set(repository.storage.ids(Kind.PACKFILE))
    named = set(repository.index.packfiles)
    if isinstance(repository.storage, PtarStorage):
        # The archive's only packfile answers to every id, and the one in its state is random.
        stored = named
    for identifier in sorted(named - stored):
        message = "the packfile is missing; what only it holds is lost unless another copy of the store has it"
        findings.damage("packfile", identifier.hex(), message)
    for identifier in sorted(stored - named):
        message = (
            "no state names it: an interrupted run left it behind, or its state was lost; "
            "a maintenance removes it after some days"
        )
        findings.warn("packfile", identifier.hex(), message)
    yield from findings.drain()
    for number, identifier in enumerate(sorted(named & stored)):
        progress(Step("packfiles", number, len(named & stored)))
        checked = PackfileCheck(repository, identifier, findings)
        checked.check_index(repository.index.locations_in(identifier))
        if is_chosen(identifier, read_whole):
            checked.check_bytes()
        yield from findings.drain()


def is_chosen(mac: bytes, share: float) -> bool:
    """Whether something named by a MAC, which is as good as random, is among a `share` of all such things."""
    return int.from_bytes(mac[-4:], "big") < share * (1 << 32)


class PackfileCheck:
    """One packfile."""

    def __init__(self, repository: Repository, identifier: bytes, findings: Findings) -> None:
        self._repository = repository
        self._identifier = identifier
        self._findings = findings

    def _damage(self, message: object) -> None:
        self._findings.damage("packfile", self._identifier.hex(), message)

    def check_index(self, claimed: dict[bytes, tuple[int, int]]) -> None:
        """Header, footer and index; `claimed`, which is used up, is what the states place here, see `Index`."""
        storage = self._repository.storage
        read_range = partial(storage.read_range, Kind.PACKFILE, self._identifier)
        name = f"the packfile {self._identifier.hex()}"
        try:
            envelope.read_header(ResourceType.PACKFILE, read_range(0, envelope.HEADER_SIZE), name)
            size = storage.size(Kind.PACKFILE, self._identifier)
            found = packfile.read_contents(size, read_range, self._repository.codec, self._repository.keyed, name)
        except (Damaged, StorageFileMissing, UnsupportedStore) as exc:
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

    def check_bytes(self) -> None:
        """Name and trailer, which between them depend on every byte."""
        storage, start = self._repository.storage, self._repository.keyed.start
        body, whole = start(), start()
        try:
            size = storage.size(Kind.PACKFILE, self._identifier)
            end = size - MAC_SIZE
            for offset in range(0, end, _PIECE):
                piece = storage.read_range(Kind.PACKFILE, self._identifier, offset, min(_PIECE, end - offset))
                whole.update(piece)
                body.update(piece[envelope.HEADER_SIZE :] if offset == 0 else piece)
            trailer = storage.read_range(Kind.PACKFILE, self._identifier, max(end, 0), MAC_SIZE)
        except (Damaged, StorageFileMissing) as exc:
            self._damage(exc)
            return
        if not compare_digest(whole.digest(), trailer):
            self._damage("its checksum is wrong: some byte of it was changed")
        elif body.digest() != self._identifier and not isinstance(storage, PtarStorage):
            self._damage("its name is not that of its content")
