"""Checks contents: objects, whether their chunks are there, and the chunks themselves.

Owns what can be wrong between an object's id and its bytes. Everything is checked once, however many snapshots hold it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from caldav_backup.kloset.checking.blobs import each_blob
from caldav_backup.kloset.checking.findings import Findings
from caldav_backup.kloset.checking.packfiles import is_chosen
from caldav_backup.kloset.contents import BATCH_CONTENTS, Content, verify_contents
from caldav_backup.kloset.errors import Damaged
from caldav_backup.kloset.objects import Object
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.resources import ResourceType


class ContentCheck:
    """Contents of one store."""

    def __init__(self, repository: Repository, findings: Findings, read_share: float) -> None:
        self._repository = repository
        self._findings = findings
        self._read_share = read_share
        # What was checked: bytes of each content, None where it cannot be read.
        self._sizes: dict[bytes, int | None] = {}

    def check(self, contents: Sequence[Content], where: str) -> None:
        """These contents of snapshot `where`."""
        for start in range(0, len(contents), BATCH_CONTENTS):
            batch = contents[start : start + BATCH_CONTENTS]
            new = {content.object: content for content in batch if content.object not in self._sizes}
            self._check_new(list(new.values()), where)
            for content in batch:
                size = self._sizes[content.object]
                if size is None and content.object not in new:
                    self._findings.damage("content", where, f"{content.what} cannot be read, see above")
                elif size is not None and content.size is not None and content.size != size:
                    message = f"{content.what} should have {content.size} bytes and has {size}"
                    self._findings.damage("content", where, message)

    def _check_new(self, contents: Sequence[Content], where: str) -> None:
        found: list[tuple[Content, Object]] = []
        records = each_blob(self._repository, ResourceType.OBJECT, [content.object for content in contents])
        for content, record in zip(contents, records, strict=True):
            self._sizes[content.object] = None
            try:
                if isinstance(record, Damaged):
                    raise record
                found.append((content._replace(size=None), Object.from_bytes(record)))
            except Damaged as exc:
                self._findings.damage("content", where, f"{content.what}: {exc}")
        self._check_objects(list(self._with_chunks(found, where)), where)

    def _with_chunks(self, found: Sequence[tuple[Content, Object]], where: str) -> Iterator[tuple[Content, Object]]:
        """Those whose chunks are all in some packfile."""
        macs = [chunk.mac for _, stored in found for chunk in stored.chunks]
        places = iter(self._repository.index.find_locations_of(ResourceType.CHUNK, macs))
        for content, stored in found:
            missing = sum(not place for place in islice(places, len(stored.chunks)))
            if missing:
                message = f"{missing} of {len(stored.chunks)} chunks of {content.what} are missing"
                self._findings.damage("content", where, message)
            else:
                yield content, stored

    def _check_objects(self, found: Sequence[tuple[Content, Object]], where: str) -> None:
        read = [pair for pair in found if is_chosen(pair[0].object, self._read_share)]
        for content, stored in found:
            self._sizes[content.object] = stored.size
        try:
            verify_contents(self._repository, read)
        except Damaged:
            # One of them; now each by itself.
            for content, stored in read:
                self._read_one(content, stored, where)

    def _read_one(self, content: Content, stored: Object, where: str) -> None:
        try:
            verify_contents(self._repository, [(content, stored)])
        except Damaged as exc:
            self._sizes[content.object] = None
            self._findings.damage("content", where, f"{content.what}: {exc}")
