"""Where blobs lie, by type and MAC: all the location entries of a store.

Owns the two ways of looking one up. A few are found by searching the entries' bytes; for many, or when the searching
adds up, the entries become sorted numpy columns of 58 bytes a location. Which packfiles count is told in `index`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.state import LOCATION_STRIDE, EntryType, Location, LocationEntry, Run

if TYPE_CHECKING:
    from caldav_backup.kloset.columns import Columns, Rows

# Bytes that may be searched one lookup after the other before sorting them pays: about a tenth of a second.
SEARCH_LIMIT = 256 << 20
# Runs of entries that are shorter are put together: a store of 3,000 snapshots has as many runs of a few entries.
_SHORT_RUN = 64 << 10
_TYPE_OFFSET = 5
_MAC_OFFSET = 10


class Totals(NamedTuple):
    """Of all blobs that lie in one packfile: how many, their bytes as stored, and a sum of all that is said of them.

    Equal sums mean equal locations, unless somebody made them equal on purpose.
    """

    blobs: int
    size: int
    checksum: int


class Locations:
    """Entries in the order in which they were added; of one blob in one packfile the first counts."""

    def __init__(self, search_limit: int = SEARCH_LIMIT) -> None:
        self._limit = search_limit
        self._searched = 0
        # Entries that are not in the columns yet, each piece with the number of its turn.
        self._pending: list[tuple[int, bytes | bytearray]] = []
        # Every deletion begins a new turn; it concerns pending entries of earlier ones.
        self._turn = 0
        self._removed: dict[tuple[int, bytes, bytes], int] = {}
        self._removed_packfiles: dict[bytes, int] = {}
        self._columns: Columns | None = None
        # Listing snapshots must not search everything, so their locations are kept apart as well.
        self._snapshots: dict[bytes, dict[bytes, Location]] = {}
        self._snapshots_in: dict[bytes, list[bytes]] = {}

    def __bool__(self) -> bool:
        """Whether anything was ever added."""
        return bool(self._pending) or self._columns is not None

    def add(self, run: Run) -> list[bytes]:
        """Take up a run of locations; the snapshots whose headers are among them."""
        self._append(run.entries)
        snapshots = []
        types = run.entries[_TYPE_OFFSET::LOCATION_STRIDE]
        place = types.find(ResourceType.SNAPSHOT)
        while place >= 0:
            entry = run.location(place)
            self._snapshots.setdefault(entry.mac, {}).setdefault(entry.packfile, entry.location)
            self._snapshots_in.setdefault(entry.packfile, []).append(entry.mac)
            snapshots.append(entry.mac)
            place = types.find(ResourceType.SNAPSHOT, place + 1)
        return snapshots

    def _append(self, entries: bytes) -> None:
        if len(entries) >= _SHORT_RUN:
            self._pending.append((self._turn, entries))
            return
        turn, last = self._pending[-1] if self._pending else (-1, b"")
        if turn != self._turn or not isinstance(last, bytearray):
            last = bytearray()
            self._pending.append((self._turn, last))
        last += entries

    def remove(self, resource_type: int, mac: bytes, packfile: bytes) -> None:
        """Forget what was added so far of one blob in one packfile."""
        self._turn += 1
        self._removed[resource_type, mac, packfile] = self._turn
        if self._columns is not None:
            self._columns.remove(resource_type, mac, packfile)
        if resource_type == ResourceType.SNAPSHOT:
            self._snapshots.get(mac, {}).pop(packfile, None)

    def remove_packfile(self, packfile: bytes) -> None:
        """Forget what was added so far of one packfile."""
        self._turn += 1
        self._removed_packfiles[packfile] = self._turn
        if self._columns is not None:
            self._columns.remove_packfile(packfile)
        for identifier in self._snapshots_in.pop(packfile, ()):
            self._snapshots[identifier].pop(packfile, None)

    def snapshots(self) -> dict[bytes, list[Location]]:
        """Where each snapshot header lies, coloured or not."""
        return {identifier: list(places.values()) for identifier, places in self._snapshots.items() if places}

    def find(self, resource_type: int, mac: bytes) -> list[Location]:
        """Where the blob lies, in the order of adding, at most once in each packfile."""
        if resource_type == ResourceType.SNAPSHOT:
            return list(self._snapshots.get(mac, {}).values())
        self._searched += sum(len(entries) for _, entries in self._pending)
        if self._searched > self._limit:
            self._sort()
        found = {} if self._columns is None else self._columns.find_many(resource_type, [mac])[0]
        self._search(resource_type, mac, found)
        return list(found.values())

    def find_many(self, resource_type: int, macs: Sequence[bytes]) -> list[list[Location]]:
        """The same for each of `macs`."""
        if not macs:
            return []
        if resource_type == ResourceType.SNAPSHOT:
            return [self.find(resource_type, mac) for mac in macs]
        if self._columns is None and len(macs) * sum(len(entries) for _, entries in self._pending) < self._limit // 8:
            return [self.find(resource_type, mac) for mac in macs]
        self._sort()
        assert self._columns is not None
        return [list(found.values()) for found in self._columns.find_many(resource_type, macs)]

    def find_in(self, packfile: bytes) -> dict[bytes, tuple[int, int]]:
        """Offset and length of every blob in a packfile, by its type as one byte and its MAC."""
        self._sort()
        assert self._columns is not None
        return self._columns.find_in(packfile)

    def by_packfile(self) -> Iterator[tuple[bytes, Rows]]:
        """Every packfile with the blobs that lie in it, each once."""
        self._sort()
        assert self._columns is not None
        return self._columns.by_packfile()

    def totals(self) -> dict[bytes, Totals]:
        """What lies in each packfile, added up."""
        self._sort()
        assert self._columns is not None
        return {packfile: Totals(*sums) for packfile, sums in self._columns.totals().items()}

    def _search(self, resource_type: int, mac: bytes, found: dict[bytes, Location]) -> None:
        """Add what the pending entries know of a blob to `found`."""
        for turn, entries in self._pending:
            place = entries.find(mac)
            while place >= 0:
                start, aligned = divmod(place - _MAC_OFFSET, LOCATION_STRIDE)
                if not aligned and entries[place + _TYPE_OFFSET - _MAC_OFFSET] == resource_type:
                    start *= LOCATION_STRIDE
                    (entry,) = Run(EntryType.LOCATION, bytes(entries[start : start + LOCATION_STRIDE])).read()
                    assert isinstance(entry, LocationEntry)
                    if not self._is_removed(turn, resource_type, mac, entry.packfile):
                        found.setdefault(entry.packfile, entry.location)
                place = entries.find(mac, place + 1)

    def _is_removed(self, turn: int, resource_type: int, mac: bytes, packfile: bytes) -> bool:
        return (
            self._removed_packfiles.get(packfile, 0) > turn
            or self._removed.get((resource_type, mac, packfile), 0) > turn
        )

    def _sort(self) -> None:
        """Move the pending entries into the columns."""
        if not self._pending and self._columns is not None:
            return
        from caldav_backup.kloset.columns import Columns

        self._columns = Columns.build(self._columns, self._pending, self._removed, self._removed_packfiles)
        self._pending = []
        self._removed = {}
        self._removed_packfiles = {}
        self._searched = 0
