"""What the directories of many snapshots hold, with every piece of their listings read once.

Two snapshots of a calendar in which one event differs share all chunks of its listing (docs/design/format.md,
"Dirpacks") but one or two. Owns the memory of what was read; decides nothing about what it means.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from caldav_backup.connectors.naming import EXTENSION
from caldav_backup.inspection.calendars import is_event
from caldav_backup.kloset import paths
from caldav_backup.kloset.btree import INDEX_TREE, Tree
from caldav_backup.kloset.contents import get_object
from caldav_backup.kloset.dirpack import OTHER, Frame, cut_frames
from caldav_backup.kloset.entries import Entry
from caldav_backup.kloset.errors import Damaged
from caldav_backup.kloset.objects import CALENDAR
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.templates import EntryTemplate

if TYPE_CHECKING:
    from caldav_backup.kloset.header import Header
    from caldav_backup.kloset.repository import Repository


class Listed(NamedTuple):
    """A record in a listing: the bytes of its name, and the record of its entry."""

    name: bytes
    record: bytes

    def entry(self, directory: str) -> Entry:
        """Its entry; Damaged where that is of another place."""
        entry = Entry.from_bytes(self.record)
        if entry.parent_path != directory or paths.to_key(entry.name) != self.name:
            raise Damaged(f"the listing of {directory!r} holds the entry of {entry.path!r}; the store is damaged there")
        return entry


class Listings:
    """Reads directories of the snapshots of one store; what was read before is not read again."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._index = b""
        self._directories: Mapping[str, bytes] = {}
        self._templates: dict[str, EntryTemplate] = {}
        #: (chunk, beginning of the frame that ends in it) → beginning of the frame that ends behind it.
        self._rests: dict[tuple[bytes, bytes], bytes] = {}
        #: Ids of entries that were handed out.
        self._seen: set[bytes] = set()

    def directories(self, header: Header) -> Mapping[str, bytes]:
        """Every directory of a snapshot with the id of its listing: equal ids are equal listings.

        Damaged for a snapshot that has no index of them, which is allowed and was never seen.
        """
        index = header.find_index("dirpack")
        if index is None:
            raise Damaged("it has no index of its directories' listings")
        if index != self._index:
            pairs = Tree(self._repository, INDEX_TREE, index)
            self._directories = {paths.from_key(key): mac for key, mac in pairs}
            self._index = index
        return self._directories

    def new_records(self, path: str, listing: bytes) -> list[Listed]:
        """The calendar objects of a listing, but for those that were handed out before."""
        frames = self._new_frames(path, listing)
        template = self._templates.setdefault(path, EntryTemplate(path, CALENDAR))
        return [listed for frame in frames if (listed := _listed(frame, template)) is not None]

    def _new_frames(self, path: str, listing: bytes) -> list[Frame]:
        found: list[Frame] = []
        rests: dict[tuple[bytes, bytes], bytes] = {}
        rest = b""
        for chunk in get_object(self._repository, listing).chunks:
            known = self._rests.get((chunk.mac, rest))
            if known is None:
                # The MAC that names a chunk verifies it, and nothing is concluded from the listing as a whole.
                piece = self._repository.get_blob(ResourceType.CHUNK, chunk.mac)
                frames, known = cut_frames(rest + piece, path)
                rests[chunk.mac, rest] = known
                found += [frame for frame in frames if frame.mac not in self._seen]
            rest = known
        if rest:
            raise Damaged(f"the listing of {path} ends inside an entry; the store is damaged there")
        # Not before: what a damaged listing holds may be in another one, too.
        self._rests |= rests
        self._seen.update(frame.mac for frame in found)
        return found


def _listed(frame: Frame, template: EntryTemplate) -> Listed | None:
    if frame.kind != OTHER:
        return None
    plain = template.match(frame.record)
    if plain is not None:
        return Listed(plain.name, frame.record) if plain.name.lower().endswith(_EXTENSION) else None
    entry = frame.entry()
    return Listed(paths.to_key(entry.name), frame.record) if is_event(entry) else None


_EXTENSION = EXTENSION.encode()
