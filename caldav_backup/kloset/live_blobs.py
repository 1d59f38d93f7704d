"""A set of blobs that may have millions of members: by type and MAC, in little more room than the MACs take.

Owns how the members are kept; which blobs are live is told in `liveness`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from caldav_backup.kloset.resources import MAC_SIZE

# Members that wait in a common set until sorting them pays; more when there are many already.
_WAITING = 1 << 15
# numpy leaves out zeros at the end when it hands a text out, but compares all 32 bytes.
_MAC = np.dtype(f"S{MAC_SIZE}")


class MacSet:
    """MACs of one kind. Members are only added."""

    def __init__(self) -> None:
        # Ascending; beside them their first eight bytes as numbers, among which searching is many times faster.
        self._sorted: npt.NDArray[np.bytes_] = np.empty(0, _MAC)
        self._keys: npt.NDArray[np.uint64] = np.empty(0, np.uint64)
        self._waiting: set[bytes] = set()

    def add(self, macs: Sequence[bytes]) -> list[bytes]:
        """Those of `macs` that were no members yet and are now, each once, in the given order."""
        there = self.contains_many(macs)
        new = list(dict.fromkeys(mac for mac, is_there in zip(macs, there, strict=True) if not is_there))
        self._waiting.update(new)
        if len(self._waiting) > max(_WAITING, len(self._sorted) // 4):
            self._sort()
        return new

    def contains_many(self, macs: Sequence[bytes]) -> list[bool]:
        """For each of `macs` whether it is a member."""
        waiting = self._waiting
        if not len(self._sorted):
            return [mac in waiting for mac in macs]
        there: list[bool] = self._find(np.frombuffer(b"".join(macs), _MAC)).tolist()
        if waiting:
            return [is_there or mac in waiting for mac, is_there in zip(macs, there, strict=True)]
        return there

    def contains_array(self, macs: npt.NDArray[np.bytes_]) -> npt.NDArray[np.bool_]:
        """The same for an array of texts of 32 bytes, as numpy has them."""
        self._sort()
        return self._find(macs)

    def _find(self, wanted: npt.NDArray[np.bytes_]) -> npt.NDArray[np.bool_]:
        last = len(self._sorted) - 1
        if last < 0:
            return np.zeros(len(wanted), np.bool_)
        places = np.minimum(np.searchsorted(self._keys, _keys_of(wanted)), last)
        there: npt.NDArray[np.bool_] = self._sorted[places] == wanted
        # Of several members that begin alike this was the first.
        rest = np.flatnonzero(~there & (self._keys[places] == _keys_of(wanted)))
        if len(rest):
            places = np.minimum(np.searchsorted(self._sorted, wanted[rest]), last)
            there[rest] = self._sorted[places] == wanted[rest]
        return there

    def __contains__(self, mac: bytes) -> bool:
        return self.contains_many([mac])[0]

    def __len__(self) -> int:
        return len(self._sorted) + len(self._waiting)

    def __iter__(self) -> Iterator[bytes]:
        """The members in ascending order."""
        self._sort()
        raw = self._sorted.tobytes()
        for start in range(0, len(raw), MAC_SIZE):
            yield raw[start : start + MAC_SIZE]

    def _sort(self) -> None:
        if self._waiting:
            more = np.sort(np.frombuffer(b"".join(self._waiting), _MAC))
            # Stable, for that is the way of sorting which takes advantage of two pieces that are sorted.
            self._sorted = np.sort(np.concatenate([self._sorted, more]), kind="stable")
            self._keys = _keys_of(self._sorted)
            self._waiting = set()


def _keys_of(macs: npt.NDArray[np.bytes_]) -> npt.NDArray[np.uint64]:
    return macs.view(">u8").reshape(-1, MAC_SIZE // 8)[:, 0].astype(np.uint64)


class LiveBlobs:
    """Blobs by resource type and MAC."""

    def __init__(self) -> None:
        self._kinds: dict[int, MacSet] = {}

    def add(self, resource_type: int, macs: Sequence[bytes]) -> list[bytes]:
        """Those of `macs` that are new, each once, in the given order."""
        return self._kinds.setdefault(resource_type, MacSet()).add(macs)

    def contains(self, resource_type: int, mac: bytes) -> bool:
        kind = self._kinds.get(resource_type)
        return kind is not None and mac in kind

    def contains_many(self, resource_type: int, macs: Sequence[bytes]) -> list[bool]:
        """The same for each of `macs`; many times faster than one by one."""
        kind = self._kinds.get(resource_type)
        return [False] * len(macs) if kind is None else kind.contains_many(macs)

    def contains_array(self, resource_type: int, macs: npt.NDArray[np.bytes_]) -> npt.NDArray[np.bool_]:
        """The same for an array of texts of 32 bytes."""
        kind = self._kinds.get(resource_type)
        return np.zeros(len(macs), np.bool_) if kind is None else kind.contains_array(macs)

    def count(self, resource_type: int) -> int:
        """How many there are of one type."""
        return len(self._kinds.get(resource_type, ()))

    def __len__(self) -> int:
        return sum(map(len, self._kinds.values()))

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        """Type and MAC of each, both ascending."""
        for resource_type in sorted(self._kinds):
            for mac in self._kinds[resource_type]:
                yield resource_type, mac
