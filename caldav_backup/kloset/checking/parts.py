"""Which contents and packfiles a check reads whole, when it is not to read all.

Owns the choice, which depends on nothing but names: those are as good as random, and the same in every run, so that
seven sevenths on seven days are everything.
"""

from __future__ import annotations

from typing import NamedTuple

_WHOLE = 1 << 32


class Part(NamedTuple):
    """Everything whose MAC, taken as a fraction of 2^32, lies in this span; one that ends behind 2^32 goes on at 0."""

    start: int
    end: int

    def contains(self, mac: bytes) -> bool:
        """Whether something with this name belongs to it."""
        place = int.from_bytes(mac[-4:], "big")
        return self.start <= place < self.end or place + _WHOLE < self.end

    @property
    def share(self) -> float:
        """How much of everything it is, from 0 to 1."""
        return (self.end - self.start) / _WHOLE


NOTHING = Part(0, 0)
EVERYTHING = Part(0, _WHOLE)


def numbered_part(number: int, total: int) -> Part:
    """Part `number`, from 1, of `total` that together are everything, with nothing in two of them."""
    return Part((number - 1) * _WHOLE // total, number * _WHOLE // total)


def random_part(share: float, seed: int) -> Part:
    """A share, above 0 and up to 1, of everything; another one with another `seed`, a number of 32 bits."""
    return Part(seed, seed + max(1, round(share * _WHOLE)))
