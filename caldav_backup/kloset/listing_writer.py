"""The children of one directory in the making: their frames as a stream, their place in the file tree.

Owns the order of children and which names they may have. Entries and their MACs come ready; totals are not kept here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from operator import lt
from typing import NamedTuple, NoReturn

from caldav_backup.kloset import dirpack, paths
from caldav_backup.kloset.content_writer import ContentWriter
from caldav_backup.kloset.dirpack import Frame
from caldav_backup.kloset.errors import InvalidArgument


class Listing(NamedTuple):
    """A directory's children: the id of its dirpack's object, and the children's tree keys and entry ids, ascending."""

    object: bytes
    keys: Sequence[bytes]
    macs: Sequence[bytes]


class ListingWriter:
    """Takes children in ascending byte order of their names; child directories, known beforehand, go between them."""

    def __init__(self, path: str, contents: ContentWriter, directories: Mapping[bytes, Frame]) -> None:
        self._path = path
        self._prefix = paths.to_key(path).removesuffix(b"/") + b"/"
        self._stream = contents.open(dirpack.CONTENT_TYPE)
        self._waiting = sorted(directories.items(), reverse=True)
        self._last = b""
        self._keys: list[bytes] = []
        self._macs: list[bytes] = []

    def check(self, names: Iterable[str]) -> list[bytes]:
        """The bytes of names that may come next, in this order; InvalidArgument otherwise."""
        try:
            encoded = [paths.to_key(name) for name in names]
        except UnicodeEncodeError as exc:
            raise InvalidArgument(f"a name in {self._path!r} holds a lone surrogate and cannot be stored") from exc
        # Usually all is well, and then nothing is looked at one by one.
        if not all(map(lt, [self._last, *encoded], encoded)) or not _REFUSED.isdisjoint(encoded):
            self._refuse(encoded)
        together = b"\n".join(encoded)
        if b"/" in together or b"\0" in together:
            self._refuse(encoded)
        return encoded

    def _refuse(self, names: Sequence[bytes]) -> NoReturn:
        for name in names:
            if name in _REFUSED or b"/" in name or b"\0" in name:
                raise InvalidArgument(f"{paths.from_key(name)!r} cannot be the name of a file in {self._path!r}")
        pairs = pairwise([self._last, *names])
        before, after = next(map(paths.from_key, pair) for pair in pairs if not lt(*pair))
        raise InvalidArgument(f"{after!r} comes after {before!r} in {self._path!r}; names ascend by bytes")

    def add(self, names: Sequence[bytes], frames: Sequence[Frame]) -> None:
        """Children whose names were checked, one at least."""
        if self._waiting and self._waiting[-1][0] <= names[-1]:
            for name, frame in zip(names, frames, strict=True):
                self._place_directories(name)
                self._place((name,), (frame,))
        else:
            self._place(names, frames)

    def _place_directories(self, before: bytes) -> None:
        while self._waiting and self._waiting[-1][0] <= before:
            name, frame = self._waiting.pop()
            if name == before:
                raise InvalidArgument(f"{paths.from_key(name)!r} in {self._path!r} is a directory already")
            self._place((name,), (frame,))

    def _place(self, names: Sequence[bytes], frames: Sequence[Frame]) -> None:
        prefix = self._prefix
        self._keys += [prefix + name for name in names]
        self._macs += [frame.mac for frame in frames]
        self._stream.write(b"".join([frame.to_bytes() for frame in frames]))
        self._last = names[-1]

    def finish(self) -> Listing:
        while self._waiting:
            name, frame = self._waiting.pop()
            self._place((name,), (frame,))
        listing = Listing(self._stream.finish().object, self._keys, self._macs)
        # Whoever still holds the writer must not hold these.
        self._keys, self._macs = [], []
        return listing


_REFUSED = frozenset((b"", b".", b".."))
