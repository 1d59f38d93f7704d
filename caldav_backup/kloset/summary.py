"""Totals of a directory: of its children, and of everything below them.

Owns the summary record and the rules by which one is added up (`docs/design/format.md`, "Summaries"). Knows no entries:
a child is told by its numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from caldav_backup.kloset import objects, records
from caldav_backup.kloset.fields import Fields, read_fields

SECOND = 1_000_000_000


class Totals(NamedTuple):
    """Counts, sizes in bytes, modification times in Unix seconds and entropies in bits per byte.

    A minimum or maximum of 0 means "none yet", as in plakar; `avg_size`, `sum_entropy` and `avg_entropy` exist for
    direct children only.
    """

    directories: int = 0
    files: int = 0
    symlinks: int = 0
    devices: int = 0
    pipes: int = 0
    sockets: int = 0
    children: int = 0
    setuid: int = 0
    setgid: int = 0
    sticky: int = 0
    objects: int = 0
    chunks: int = 0
    min_size: int = 0
    max_size: int = 0
    avg_size: int = 0
    size: int = 0
    min_mod_time: int = 0
    max_mod_time: int = 0
    min_entropy: float = 0.0
    max_entropy: float = 0.0
    sum_entropy: float = 0.0
    avg_entropy: float = 0.0
    hi_entropy: int = 0
    lo_entropy: int = 0
    MIME_audio: int = 0
    MIME_video: int = 0
    MIME_image: int = 0
    MIME_text: int = 0
    MIME_application: int = 0
    MIME_other: int = 0
    errors: int = 0


class Summary(NamedTuple):
    """Totals of the direct children, and of everything below the child directories."""

    directory: Totals = Totals()
    below: Totals = Totals()

    def to_bytes(self) -> bytes:
        below = _encode_totals(self.below, _BELOW, always="errors")
        if not any(self.directory):
            return records.map_header(1) + _BELOW_KEY + below
        directory = _encode_totals(self.directory, Totals._fields, always="")
        return records.map_header(2) + _DIRECTORY_KEY + directory + _BELOW_KEY + below

    @classmethod
    def from_fields(cls, fields: Fields) -> Summary:
        return cls(_read_totals(fields.record("directory")), _read_totals(fields.record("below")))

    @classmethod
    def from_bytes(cls, encoded: bytes) -> Summary:
        return cls.from_fields(read_fields(encoded, "a summary record"))


@dataclass(slots=True)
class SummaryBuilder:
    """Adds up one directory. Children come in ascending byte order of their names: the order decides some minima."""

    _directory: dict[str, Any] = field(default_factory=lambda: Totals()._asdict())
    _below: dict[str, Any] = field(default_factory=lambda: Totals()._asdict())

    def add_child(
        self, *, mode: int, size: int, mtime_ns: int, content_type: str, entropy: float = 0.0, chunks: int | None = None
    ) -> None:
        """One child that is no directory; `chunks` is None for a child without an object."""
        totals = self._directory
        totals["children"] += 1
        totals[_kind_of(mode)] += 1
        for bit, name in _MODE_COUNTERS:
            if mode & bit:
                totals[name] += 1
        if chunks is not None:
            totals["objects"] += 1
            totals["chunks"] += chunks
        size = 0 if mode & objects.MODE_TYPE else size
        _extend(totals, "size", size, size)
        seconds = mtime_ns // SECOND
        _extend(totals, "mod_time", seconds, seconds)
        self._count_entropy(entropy)
        if content_type:
            totals[_mime_counter(content_type)] += 1
        totals["size"] += size

    def _count_entropy(self, entropy: float) -> None:
        totals = self._directory
        _extend(totals, "entropy", entropy, entropy)
        totals["sum_entropy"] += entropy
        if entropy <= 2.0:
            totals["lo_entropy"] += 1
        elif entropy >= 7.0:
            totals["hi_entropy"] += 1

    def add_files(self, sizes: Sequence[int], mtimes_ns: Sequence[int], content_type: str, chunks: int) -> None:
        """Many regular files at once, each with an object of no stated entropy; `chunks` are those of all together.

        The same as `add_child` for each of them in this order, without the loop where no zero can hide in a minimum.
        """
        if not sizes:
            return
        totals = self._directory
        count = len(sizes)
        for name in ("children", "files", "objects", "lo_entropy", _mime_counter(content_type)):
            totals[name] += count
        totals["chunks"] += chunks
        totals["size"] += sum(sizes)
        _extend(totals, "entropy", 0.0, 0.0)
        _extend_by_all(totals, "size", sizes)
        smallest, largest = min(mtimes_ns), max(mtimes_ns)
        if smallest >= SECOND:
            _extend(totals, "mod_time", smallest // SECOND, largest // SECOND)
        else:
            _extend_by_all(totals, "mod_time", [mtime // SECOND for mtime in mtimes_ns])

    def add_directory(self, child: Summary) -> None:
        """One child directory, whose own totals are complete."""
        self._directory["children"] += 1
        self._directory["directories"] += 1
        below = self._below
        direct, deep = child.directory._asdict(), child.below._asdict()
        for name in _SUMS:
            below[name] += direct[name] + deep[name]
        for name in ("size", "mod_time", "entropy"):
            for totals in (deep, direct):
                _extend(below, name, totals[f"min_{name}"], totals[f"max_{name}"])

    def add_errors(self, count: int) -> None:
        """Children that could not be read; plakar counts them below, not in the directory itself."""
        self._below["errors"] += count

    def finish(self) -> Summary:
        totals = self._directory
        if totals["files"]:
            totals["avg_size"] = totals["size"] // totals["files"]
            totals["avg_entropy"] = totals["sum_entropy"] / totals["files"]
        return Summary(Totals(**totals), Totals(**self._below))


def _extend(totals: dict[str, Any], name: str, smallest: float, largest: float) -> None:
    """Widen a range; 0 counts as unset, on both sides, for this is how plakar does it."""
    low, high = f"min_{name}", f"max_{name}"
    if totals[low] == 0 or smallest < totals[low]:
        totals[low] = smallest
    if totals[high] == 0 or largest > totals[high]:
        totals[high] = largest


def _extend_by_all(totals: dict[str, Any], name: str, values: Sequence[int]) -> None:
    smallest = min(values)
    if smallest > 0:
        _extend(totals, name, smallest, max(values))
        return
    for value in values:
        _extend(totals, name, value, value)


def _kind_of(mode: int) -> str:
    for bit, name in _KINDS:
        if mode & bit:
            return name
    return "files"


def _mime_counter(content_type: str) -> str:
    counter = f"MIME_{content_type.partition('/')[0]}"
    return counter if counter in _MIME_COUNTERS and "/" in content_type else "MIME_other"


def _encode_totals(totals: Totals, names: tuple[str, ...], always: str) -> bytes:
    values = totals._asdict()
    parts = []
    for name in names:
        value = values[name]
        if value or name == always:
            parts.append(_KEYS[name] + _ENCODERS.get(name, records.uint64)(value))
    return records.map_header(len(parts)) + b"".join(parts)


def _read_totals(fields: Fields) -> Totals:
    # Most are left out, and listing thousands of snapshots reads two of these for each.
    return Totals(**{name: _READERS.get(name, Fields.unsigned)(fields, name) for name in fields.known(_NAMES)})


_NAMES = frozenset(Totals._fields)
_DIRECTORY_KEY = records.string("directory")
_BELOW_KEY = records.string("below")
_KEYS = {name: records.string(name) for name in Totals._fields}
_OF_CHILDREN_ONLY = ("avg_size", "sum_entropy", "avg_entropy")
_BELOW = tuple(name for name in Totals._fields if name not in _OF_CHILDREN_ONLY)
_TIMES = ("min_mod_time", "max_mod_time")
_ENTROPIES = ("min_entropy", "max_entropy", "sum_entropy", "avg_entropy")
_ENCODERS: dict[str, Any] = dict.fromkeys(_TIMES, records.int64) | dict.fromkeys(_ENTROPIES, records.float64)
_READERS: dict[str, Any] = dict.fromkeys(_TIMES, Fields.signed) | dict.fromkeys(_ENTROPIES, Fields.number)
_SUMS = tuple(name for name in _BELOW if not name.startswith(("min_", "max_")))
_MIME_COUNTERS = frozenset(name for name in Totals._fields if name.startswith("MIME_"))
_MODE_COUNTERS = (
    (objects.MODE_SETUID, "setuid"),
    (objects.MODE_SETGID, "setgid"),
    (objects.MODE_STICKY, "sticky"),
)
# In this order: a character device has the device bit too.
_KINDS = (
    (objects.MODE_DIRECTORY, "directories"),
    (objects.MODE_SYMLINK, "symlinks"),
    (objects.MODE_DEVICE, "devices"),
    (objects.MODE_PIPE, "pipes"),
    (objects.MODE_SOCKET, "sockets"),
)
