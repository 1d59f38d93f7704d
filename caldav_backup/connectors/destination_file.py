"""One calendar for everything as a destination: a `.ics` file, or a stream such as standard output.

Owns the order (as handed over, so that the same restore gives the same bytes) and what becomes of a UID that several
calendars have. What a merged calendar looks like is `ics`'s, when a file appears `outputs`'.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO

from caldav_backup import ics
from caldav_backup.connectors.base import Collection, Version
from caldav_backup.connectors.destination import Created, Outcome, Refused, Written
from caldav_backup.connectors.one_way import OneWayDestination
from caldav_backup.connectors.outputs import FileOutput, Output, StreamOutput

IS_IN_IT = "is in it once: another calendar has the same"
UID_TWICE = "another event in it has the same UID, so programs that import it may keep one of them only"


class MergedDestination(OneWayDestination):
    """Writes one merged calendar to `output`, record by record."""

    def __init__(self, output: Output) -> None:
        super().__init__(output)
        self._merger = ics.Merger()
        #: Digests of what was written, by digests of UIDs: some 100 bytes for each record.
        self._written: dict[bytes, bytes] = {}

    def leaf(self, name: str, uid: str | None, attempt: int = 0) -> str:
        """Records have no names in a merged calendar; these only tell them apart."""
        del uid
        return f"{name}~{attempt}" if attempt else name

    def write_beginning(self, displaynames: Sequence[str]) -> None:
        """The calendar's beginning; it has a name when there is only one."""
        self._output.write(self._merger.header(displaynames[0] if len(displaynames) == 1 else ""))

    async def create(self, hint: str, attributes: Mapping[str, bytes]) -> Created:
        """Every calendar is the one calendar."""
        return Created(Collection(hint, hint, attributes.get("displayname", b"").decode("utf-8", "replace")))

    async def write(
        self, collection: Collection, leaf: str, content: bytes, *, replaced: Version | None, silent: bool
    ) -> Outcome:
        """Add the record's components, unless the very same are there from another calendar."""
        del collection, replaced, silent
        note = self._seen_before(content)
        if note == IS_IN_IT:
            return Written(Version(leaf, leaf, "", 0, 0), note)
        text = self._merger.add(content)
        if not text:
            return Refused("there is no event, task or journal entry in it")
        with self.writing():
            self._output.write(text)
        return Written(Version(leaf, leaf, "", 0, len(text)), note)

    def write_end(self) -> None:
        """The calendar's end."""
        self._output.write(self._merger.footer())

    def _seen_before(self, content: bytes) -> str:
        """What to know of a record whose UID came before; "" for any other."""
        uid = ics.uid(content)
        if uid is None:
            return ""
        key, digest = _digest(uid.encode("utf-8", "surrogateescape")), _digest(content)
        before = self._written.setdefault(key, digest)
        if before is digest:
            return ""
        return IS_IN_IT if before == digest else UID_TWICE


class StreamDestination(MergedDestination):
    """Writes one merged calendar to `stream`, at once and in order."""

    def __init__(self, stream: BinaryIO, *, origin: str = "-") -> None:
        super().__init__(StreamOutput(stream, origin))


class FileDestination(MergedDestination):
    """Writes one merged calendar to the file at `path`."""

    def __init__(self, path: Path) -> None:
        super().__init__(FileOutput(path))


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=16).digest()
