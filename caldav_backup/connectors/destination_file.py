"""One calendar for everything as a destination: a `.ics` file, or a stream such as standard output.

Owns the order (as handed over, so that the same restore gives the same bytes) and when the file appears: whole, at the
end. What a merged calendar looks like is `ics`'s.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from caldav_backup import ics
from caldav_backup.connectors.base import Catalogue, Collection, Failed, Record, Version
from caldav_backup.connectors.destination import (
    Created,
    Deletion,
    DestinationNotWritable,
    Ending,
    Limits,
    Outcome,
    Refused,
    Scheduling,
    Written,
)


class StreamDestination:
    """Writes one merged calendar to `stream`, at once and in order."""

    can_create = True
    can_read_back = False
    concurrency = 1
    scheduling = Scheduling.NONE

    def __init__(self, stream: BinaryIO, *, origin: str = "-") -> None:
        self._stream = stream
        self._origin = origin
        self._merger = ics.Merger()

    @property
    def origin(self) -> str:
        """What the user called it."""
        return self._origin

    async def catalogue(self) -> Catalogue:
        """Nothing is there to add to."""
        return Catalogue(())

    async def list_versions(self, collection: Collection) -> list[Version]:
        """Nothing."""
        del collection
        return []

    async def fetch(self, collection: Collection, versions: Sequence[Version]) -> list[Record]:
        """Nothing can be read back."""
        del collection
        return [Failed(version, "a merged calendar is not read back") for version in versions]

    async def list_uids(self, collection: Collection) -> Mapping[str, str] | None:
        """Nothing is there."""
        del collection
        return None

    async def limits(self, collection: Collection) -> Limits:
        """A file takes everything."""
        del collection
        return Limits()

    async def read(self, key: str) -> Record:
        """Nothing can be read back."""
        return Failed(Version(key, key, "", 0, -1), "a merged calendar is not read back")

    async def delete(self, collection: Collection, version: Version, *, silent: bool) -> Deletion:
        """There is nothing to remove."""
        del collection, version, silent
        return Refused("a merged calendar has no records to remove")

    def refusal(self, collection: Collection) -> str:
        """Everything can be written."""
        del collection
        return ""

    def leaf(self, name: str, uid: str | None, attempt: int = 0) -> str:
        """Records have no names in a merged calendar; these only tell them apart."""
        del uid
        return f"{name}~{attempt}" if attempt else name

    async def begin(self, displaynames: Sequence[str]) -> None:
        """Write the calendar's beginning; it has a name when there is only one."""
        self._write(self._merger.header(displaynames[0] if len(displaynames) == 1 else ""))

    async def create(self, hint: str, attributes: Mapping[str, bytes]) -> Created:
        """Every calendar is the one calendar."""
        return Created(Collection(hint, hint, attributes.get("displayname", b"").decode("utf-8", "replace")))

    async def write(
        self, collection: Collection, leaf: str, content: bytes, *, replaced: Version | None, silent: bool
    ) -> Outcome:
        """Add the record's components."""
        del collection, replaced, silent
        text = self._merger.add(content)
        if not text:
            return Refused("there is no event, task or journal entry in it")
        self._write(text)
        return Written(Version(leaf, leaf, "", 0, len(text)))

    async def finish(self, *, replace: bool) -> Ending:
        """Write the calendar's end."""
        del replace
        self._write(self._merger.footer())
        return Ending.WRITTEN

    async def close(self) -> None:
        """The stream is its owner's."""

    def _write(self, text: bytes) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError as error:
            raise DestinationNotWritable(f"cannot write to {self._origin}: {error.strerror}") from error


class FileDestination(StreamDestination):
    """Writes one merged calendar to `path`: beside it first, in its place when all is there."""

    def __init__(self, path: Path) -> None:
        # Until `begin` there is nothing to write, and a plan that is only looked at leaves no file.
        super().__init__(BytesIO(), origin=str(path.absolute()))
        self._path = path
        self._temporary = path.parent / f".{secrets.token_hex(8)}.tmp"

    async def begin(self, displaynames: Sequence[str]) -> None:
        """Open the file beside its place."""
        try:
            self._stream = self._temporary.open("xb")
        except OSError as error:
            raise DestinationNotWritable(f"cannot write in {self._path.parent}: {error.strerror}") from error
        await super().begin(displaynames)

    async def finish(self, *, replace: bool) -> Ending:
        """Put the file in its place: unless the same is there already, or another one that may not be replaced."""
        await super().finish(replace=replace)
        try:
            return self._put_in_place(replace=replace)
        except OSError as error:
            raise DestinationNotWritable(f"cannot write {self._path}: {error.strerror}") from error

    async def close(self) -> None:
        """Leave nothing unfinished behind."""
        # What a full or read-only disk says to this has been told by the write that failed.
        with contextlib.suppress(OSError):
            self._stream.close()
        with contextlib.suppress(OSError):
            self._temporary.unlink(missing_ok=True)

    def _put_in_place(self, *, replace: bool) -> Ending:
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()
        if os.path.lexists(self._path):
            if self._path.is_file() and _digest(self._path) == _digest(self._temporary):
                return Ending.IDENTICAL
            if not replace:
                return Ending.KEPT
        self._temporary.replace(self._path)
        return Ending.WRITTEN

    def _write(self, text: bytes) -> None:
        # Unlike a terminal or a pipe, a file needs no flush after each record.
        try:
            self._stream.write(text)
        except OSError as error:
            raise DestinationNotWritable(f"cannot write {self._path}: {error.strerror}") from error


def _digest(path: Path) -> bytes:
    state = blake2b(digest_size=16)
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            state.update(piece)
    return state.digest()
