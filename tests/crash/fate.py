"""When a program dies, or when what it asks for fails."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from enum import Enum

from caldav_backup.kloset.errors import StorageError, StorageNotWritable, StorageUnavailable
from caldav_backup.kloset.held_lock import LOCK_THREAD


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

    def deletion(self) -> AbstractContextManager[None]:
        """Around what makes room."""
        return self.deed()

    def live(self) -> None:
        """Before whatever changes nothing: the dead do not read either."""
        if self.is_dead:
            self._die()

    def _die(self) -> None:
        self.is_dead = True
        if threading.current_thread().name == LOCK_THREAD:
            # It outlives the rest here by a minute, and would be told of in whatever test runs by then.
            raise StorageUnavailable("the program is dead")
        raise Death


class Failure(Enum):
    """What becomes of a storage under a program that lives on."""

    FULL = "takes nothing more, but lets itself be read, and files be deleted"
    READ_ONLY = "lets itself be read, and nothing else"
    GONE = "does nothing any more"
    ONCE = "fails a single time"


class Failing(Fate):
    """Everything is well until call number `at`, from 1 on."""

    def __init__(self, at: int, failure: Failure) -> None:
        super().__init__()
        self.calls = 0
        self._fails_at = at
        self._failure = failure

    @contextmanager
    def deed(self) -> Iterator[None]:
        self._call(StorageNotWritable("the disk is full"), Failure.FULL, Failure.READ_ONLY)
        yield

    def deletion(self) -> AbstractContextManager[None]:
        return self._deletion()

    @contextmanager
    def _deletion(self) -> Iterator[None]:
        self._call(StorageNotWritable("the file system is read-only"), Failure.READ_ONLY)
        yield

    def live(self) -> None:
        self._call(StorageUnavailable("input/output error"))

    def _call(self, error: StorageError, *lasting: Failure) -> None:
        self.calls += 1
        due = self.calls == self._fails_at if self._failure is Failure.ONCE else self.calls >= self._fails_at
        if due and self._failure in {Failure.GONE, Failure.ONCE, *lasting}:
            raise error


class Happening(Fate):
    """Something else happens to the storage, as a whole, just before call number `at`; never with 0."""

    def __init__(self, at: int, happen: Callable[[], None]) -> None:
        super().__init__()
        self.calls = 0
        self._happens_at = at
        self._happen = happen

    def live(self) -> None:
        self.calls += 1
        if self.calls == self._happens_at:
            self._happen()
