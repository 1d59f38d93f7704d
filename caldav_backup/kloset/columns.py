"""Location entries as numpy columns, sorted by the first eight bytes of the MAC.

Owns the fast path of `locations`, which alone uses it and imports it, and numpy with it, only for larger work.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from caldav_backup.kloset.resources import MAC_SIZE
from caldav_backup.kloset.state import LOCATION_STRIDE, Location

# The entry as it stands in a state, FORMAT "States": MAC and packfile as four numbers each, to compare them at once.
_ENTRY = np.dtype(
    {
        "names": ["type", "mac", "packfile", "offset", "length"],
        "formats": ["u1", ("<u8", (4,)), ("<u8", (4,)), "<u8", "<u4"],
        "offsets": [5, 10, 42, 74, 82],
        "itemsize": LOCATION_STRIDE,
    }
)
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_PARTS = ("mac", "type", "packfile", "offset", "length", "alive")


class Rows(NamedTuple):
    """Blobs of one packfile: type, MAC and length of each. A MAC is a text of 32 bytes, as numpy has them."""

    types: npt.NDArray[np.uint8]
    macs: npt.NDArray[np.bytes_]
    lengths: npt.NDArray[np.uint32]

    def names(self) -> list[bytes]:
        """The MACs with the zeros at their ends, which numpy leaves out."""
        macs = self.macs.tobytes()
        return [macs[start : start + MAC_SIZE] for start in range(0, len(macs), MAC_SIZE)]


@dataclass(slots=True)
class Columns:
    """One row a location. `packfile` numbers `packfiles`; rows of one blob are in the order of adding."""

    packfiles: list[bytes]
    key: npt.NDArray[np.uint64]
    mac: npt.NDArray[np.uint64]
    type: npt.NDArray[np.uint8]
    packfile: npt.NDArray[np.uint32]
    offset: npt.NDArray[np.uint64]
    length: npt.NDArray[np.uint32]
    alive: npt.NDArray[np.bool_]

    @classmethod
    def build(
        cls,
        before: Columns | None,
        runs: Sequence[tuple[int, bytes | bytearray]],
        removed: Mapping[tuple[int, bytes, bytes], int],
        removed_packfiles: Mapping[bytes, int],
    ) -> Columns:
        """Columns of `before` and of the runs behind it, without what a removal of a later turn took from the runs."""
        names = {} if before is None else {packfile: number for number, packfile in enumerate(before.packfiles)}
        gathered: dict[str, list[npt.NDArray[Any]]] = {name: [] for name in _PARTS}
        if before is not None:
            for name in _PARTS:
                gathered[name].append(getattr(before, name))
        for turn, entries in runs:
            rows = np.frombuffer(entries, dtype=_ENTRY)
            numbers = _number_packfiles(rows["packfile"], names)
            gone = [
                names[packfile] for packfile, later in removed_packfiles.items() if later > turn and packfile in names
            ]
            alive = ~np.isin(numbers, gone) if gone else np.ones(len(rows), dtype=np.bool_)
            _take_out(alive, rows, [key for key, later in removed.items() if later > turn])
            parts = (rows["mac"], rows["type"], numbers, rows["offset"], rows["length"], alive)
            for name, part in zip(_PARTS, parts, strict=True):
                gathered[name].append(part)
        return cls._sorted(list(names), gathered)

    @classmethod
    def _sorted(cls, packfiles: list[bytes], gathered: dict[str, list[npt.NDArray[Any]]]) -> Columns:
        mac = np.concatenate([np.empty((0, 4), np.uint64), *gathered["mac"]])
        # Stable: rows of one blob stay in the order of adding.
        order = np.argsort(mac[:, 0], kind="stable")
        columns: dict[str, Any] = {"mac": mac[order]}
        del mac
        kinds = {"type": np.uint8, "packfile": np.uint32, "offset": np.uint64, "length": np.uint32, "alive": np.bool_}
        for name, kind in kinds.items():
            columns[name] = np.concatenate([np.empty(0, kind), *gathered.pop(name)])[order]
        return cls(packfiles, np.ascontiguousarray(columns["mac"][:, 0]), **columns)

    def remove(self, resource_type: int, mac: bytes, packfile: bytes) -> None:
        if packfile in self.packfiles:
            rows, _ = self._rows(resource_type, [mac])
            self.alive[rows[self.packfile[rows] == self.packfiles.index(packfile)]] = False

    def remove_packfile(self, packfile: bytes) -> None:
        if packfile in self.packfiles:
            self.alive[self.packfile == self.packfiles.index(packfile)] = False

    def find_many(self, resource_type: int, macs: Sequence[bytes]) -> list[dict[bytes, Location]]:
        """By packfile, where each blob lies: in each packfile its first row that was not removed."""
        found: list[dict[bytes, Location]] = [{} for _ in macs]
        rows, owners = self._rows(resource_type, macs)
        places = zip(
            owners.tolist(),
            self.packfile[rows].tolist(),
            self.offset[rows].tolist(),
            self.length[rows].tolist(),
            strict=True,
        )
        for owner, number, offset, length in places:
            packfile = self.packfiles[number]
            found[owner].setdefault(packfile, Location(packfile, offset, length))
        return found

    def find_in(self, packfile: bytes) -> dict[bytes, tuple[int, int]]:
        """Offset and length of every blob in a packfile that was not removed, by its type as one byte and its MAC."""
        if packfile not in self.packfiles:
            return {}
        rows = np.flatnonzero((self.packfile == self.packfiles.index(packfile)) & self.alive)
        macs = self.mac[rows].astype("<u8", copy=False).tobytes()
        kinds = self.type[rows].tobytes()
        places: dict[bytes, tuple[int, int]] = {}
        columns = zip(self.offset[rows].tolist(), self.length[rows].tolist(), strict=True)
        for number, place in enumerate(columns):
            name = kinds[number : number + 1] + macs[number * MAC_SIZE : (number + 1) * MAC_SIZE]
            places.setdefault(name, place)
        return places

    def totals(self) -> dict[bytes, tuple[int, int, int]]:
        """By packfile: how many blobs that were not removed lie in it, their length, and a sum over all columns."""
        rows = self._distinct()
        rows = rows[np.argsort(self.packfile[rows], kind="stable")]
        numbers, starts, counts = np.unique(self.packfile[rows], return_index=True, return_counts=True)
        if not len(numbers):
            return {}
        # The sums wrap around.
        columns = (*self.mac[rows].T, self.type[rows], self.offset[rows], self.length[rows])
        mixed = np.zeros(len(rows), np.uint64)
        for column in columns:
            mixed = (mixed ^ column.astype(np.uint64)) * _FACTOR
        lengths = np.add.reduceat(self.length[rows].astype(np.uint64), starts)
        sums = np.add.reduceat(mixed, starts)
        named = (self.packfiles[number] for number in numbers.tolist())
        return dict(zip(named, zip(counts.tolist(), lengths.tolist(), sums.tolist(), strict=True), strict=True))

    def by_packfile(self) -> Iterator[tuple[bytes, Rows]]:
        """Every packfile with the blobs that were not removed from it."""
        rows = self._distinct()
        rows = rows[np.argsort(self.packfile[rows], kind="stable")]
        numbers, starts = np.unique(self.packfile[rows], return_index=True)
        for number, own in zip(numbers.tolist(), np.split(rows, starts[1:]), strict=False):
            macs = self.mac[own].astype("<u8", copy=False).view(f"S{MAC_SIZE}")[:, 0]
            yield self.packfiles[number], Rows(self.type[own], macs, self.length[own])

    def _distinct(self) -> npt.NDArray[np.intp]:
        """Rows that were not removed; of one blob in one packfile the first."""
        rows = np.flatnonzero(self.alive)
        # Stable: rows of one blob stay in the order of adding.
        rows = rows[np.lexsort((self.packfile[rows], self.type[rows], *self.mac[rows].T))]
        first = np.ones(len(rows), np.bool_)
        before, behind = rows[:-1], rows[1:]
        first[1:] = (
            (self.mac[before] != self.mac[behind]).any(axis=1)
            | (self.type[before] != self.type[behind])
            | (self.packfile[before] != self.packfile[behind])
        )
        found: npt.NDArray[np.intp] = rows[first]
        return found

    def _rows(self, resource_type: int, macs: Sequence[bytes]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """Rows of the blobs that are alive, and for each row which of `macs` it is."""
        wanted = np.frombuffer(b"".join(macs), dtype="<u8").reshape(-1, MAC_SIZE // 8)
        first = np.searchsorted(self.key, wanted[:, 0], side="left")
        counts = np.searchsorted(self.key, wanted[:, 0], side="right") - first
        owners = np.repeat(np.arange(len(macs)), counts)
        rows = np.arange(len(owners)) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(first, counts)
        same = (self.mac[rows] == wanted[owners]).all(axis=1) & (self.type[rows] == resource_type) & self.alive[rows]
        return rows[same], owners[same]


def _number_packfiles(packfiles: npt.NDArray[np.uint64], names: dict[bytes, int]) -> npt.NDArray[np.uint32]:
    """A number for each row's packfile; `names` learns new ones. Neighbouring rows mostly share one."""
    differs = (packfiles[1:] != packfiles[:-1]).any(axis=1)
    starts = np.concatenate([[0], np.flatnonzero(differs) + 1]) if len(packfiles) else np.empty(0, np.intp)
    numbers = [names.setdefault(packfiles[start].tobytes(), len(names)) for start in starts.tolist()]
    lengths = np.diff(np.append(starts, len(packfiles)))
    return np.repeat(np.array(numbers, dtype=np.uint32), lengths)


def _take_out(alive: npt.NDArray[np.bool_], rows: npt.NDArray[Any], removed: list[tuple[int, bytes, bytes]]) -> None:
    for resource_type, mac, packfile in removed:
        same_mac = (rows["mac"] == np.frombuffer(mac, "<u8")).all(axis=1)
        same_packfile = (rows["packfile"] == np.frombuffer(packfile, "<u8")).all(axis=1)
        alive[same_mac & same_packfile & (rows["type"] == resource_type)] = False
