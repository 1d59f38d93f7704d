"""Checks contents: objects, whether their chunks are there, and the chunks themselves.

Owns what can be wrong between an object's id and its bytes. Everything is checked once, however many snapshots hold it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from caldav_backup.kloset.checking.blobs import each_blob
from caldav_backup.kloset.checking.findings import Findings
from caldav_backup.kloset.checking.parts import Part
from caldav_backup.kloset.contents import BATCH_CHUNKS, BATCH_CONTENTS, Content, verify_contents
from caldav_backup.kloset.errors import Damaged
from caldav_backup.kloset.objects import Object
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.state import Location

# Contents of one directory that are told one by one although an earlier snapshot was told to have lost them.
_TOLD_AGAIN = 100


class Subject(NamedTuple):
    """A content to check: the path that it belongs to, and what it is there."""

    content: Content
    path: str
    kind: str = "content"


class ContentCheck:
    """Contents of one store."""

    def __init__(self, repository: Repository, findings: Findings, read: Part) -> None:
        self._repository = repository
        self._findings = findings
        self._read = read
        # What was checked: bytes of each content, None where it cannot be read.
        self._sizes: dict[bytes, int | None] = {}

    def check(self, subjects: Sequence[Subject], where: str) -> list[Subject]:
        """These contents of snapshot `where`; those that were told before as lost, and are to be told together."""
        again: list[Subject] = []
        for start in range(0, len(subjects), BATCH_CONTENTS):
            batch = subjects[start : start + BATCH_CONTENTS]
            new = {each.content.object: each for each in batch if each.content.object not in self._sizes}
            self._check_new(list(new.values()), where)
            for subject in batch:
                content = subject.content
                size = self._sizes[content.object]
                if size is None and content.object not in new:
                    again.append(subject)
                elif size is not None and content.size is not None and content.size != size:
                    message = f"{content.what} should have {content.size} bytes and has {size}"
                    self._damage(subject, where, message)
        return again

    def tell_again(self, subjects: Sequence[Subject], where: str, directory: str) -> None:
        """Contents of one directory that were told before, in another snapshot: most of them in one sentence."""
        for subject in subjects[:_TOLD_AGAIN]:
            self._damage(subject, where, f"{subject.content.what} cannot be read, see above")
        rest = len(subjects) - _TOLD_AGAIN
        if rest > 0:
            message = f"{rest} more files of {directory!r} cannot be read, see above"
            self._findings.damage("content", where, message, directory, more=rest)

    def _damage(self, subject: Subject, where: str, message: object) -> None:
        self._findings.damage(subject.kind, where, message, subject.path)

    def _check_new(self, subjects: Sequence[Subject], where: str) -> None:
        found: list[tuple[Subject, Object]] = []
        chunks = 0
        records = each_blob(self._repository, ResourceType.OBJECT, [each.content.object for each in subjects])
        for subject, record in zip(subjects, records, strict=True):
            self._sizes[subject.content.object] = None
            try:
                if isinstance(record, Damaged):
                    raise record
                found.append((subject, Object.from_bytes(record)))
                chunks += len(found[-1][1].chunks)
            except Damaged as exc:
                self._damage(subject, where, f"{subject.content.what}: {exc}")
            if chunks > BATCH_CHUNKS:
                self._check_objects(list(self._with_chunks(found, where)), where)
                found, chunks = [], 0
        self._check_objects(list(self._with_chunks(found, where)), where)

    def _with_chunks(self, found: Sequence[tuple[Subject, Object]], where: str) -> Iterator[tuple[Subject, Object]]:
        """Those whose chunks are all in some packfile."""
        macs = [chunk.mac for _, stored in found for chunk in stored.chunks]
        places = self._places_of(macs)
        for subject, stored in found:
            missing = sum(not place for place in islice(places, len(stored.chunks)))
            if missing:
                message = f"{missing} of {len(stored.chunks)} chunks of {subject.content.what} are missing"
                self._damage(subject, where, message)
            else:
                yield subject, stored

    def _places_of(self, macs: Sequence[bytes]) -> Iterator[list[Location]]:
        """Where each chunk lies, looked up some thousands at a time."""
        index = self._repository.index
        for start in range(0, len(macs), BATCH_CHUNKS):
            yield from index.find_locations_of(ResourceType.CHUNK, macs[start : start + BATCH_CHUNKS])

    def _check_objects(self, found: Sequence[tuple[Subject, Object]], where: str) -> None:
        # What calendars are called and what was known of their events is structure, though stored like contents.
        read = [pair for pair in found if pair[0].kind != "content" or self._read.contains(pair[0].content.object)]
        for subject, stored in found:
            self._sizes[subject.content.object] = stored.size
        try:
            verify_contents(self._repository, [_sizeless(*pair) for pair in read])
        except Damaged:
            # One of them; now each by itself.
            for subject, stored in read:
                self._read_one(subject, stored, where)

    def _read_one(self, subject: Subject, stored: Object, where: str) -> None:
        try:
            verify_contents(self._repository, [_sizeless(subject, stored)])
        except Damaged as exc:
            self._sizes[subject.content.object] = None
            self._damage(subject, where, f"{subject.content.what}: {exc}")


def _sizeless(subject: Subject, stored: Object) -> tuple[Content, Object]:
    """The content without the size that its entry tells, which is compared apart."""
    return subject.content._replace(size=None), stored
