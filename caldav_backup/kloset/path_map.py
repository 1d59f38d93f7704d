"""Values by the path they belong to, and those below one directory without a look at all the others.

Owns nothing of the store: keys are the trees' keys, that is paths as bytes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from functools import cached_property


class PathMap(dict[bytes, bytes]):
    """A dictionary that does not change any more."""

    def __init__(self, pairs: Iterable[tuple[bytes, bytes]]) -> None:
        super().__init__(pairs)

    @cached_property
    def _ascending(self) -> list[bytes]:
        return sorted(self)

    def below(self, own: bytes) -> dict[bytes, bytes]:
        """Those whose key is the path `own` or lies below it."""
        prefix = own.removesuffix(b"/") + b"/"
        # `0` is the character that follows `/`.
        start, end = bisect_left(self._ascending, prefix), bisect_left(self._ascending, prefix[:-1] + b"0")
        found = {key: self[key] for key in self._ascending[start:end]}
        if own in self:
            found[own] = self[own]
        return found
