"""When a program dies, or when what it asks for fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Death(BaseException):
    """The program is no more: nothing that it would still do takes effect."""


class Fate:
    """Dies at the deed number `at`, from 1 on: before the deed takes effect, or just after it. Never with 0."""

    def __init__(self, at: int = 0, *, after: bool = False) -> None:
        self.deeds = 0
        self.is_dead = False
        self._at = at
        self._after = after

    @contextmanager
    def deed(self) -> Iterator[None]:
        """Around whatever changes something that outlives the program."""
        self.live()
        self.deeds += 1
        if self.deeds == self._at and not self._after:
            self._die()
        yield
        if self.deeds == self._at and self._after:
            self._die()

    def live(self) -> None:
        """Before whatever changes nothing: the dead do not read either."""
        if self.is_dead:
            raise Death

    def _die(self) -> None:
        self.is_dead = True
        raise Death
