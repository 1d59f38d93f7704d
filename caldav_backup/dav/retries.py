"""Asking again: what may pass, how often, and how long to wait before it.

Owns the waits. Time and chance are arguments, so that a test sees every wait without waiting.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

from caldav_backup.dav.budget import Budget
from caldav_backup.dav.errors import (
    AnswerCut,
    ConnectionLost,
    DavError,
    GaveUp,
    Refused,
    ServerUnreachable,
    TooManyRequests,
    Unavailable,
    UntrustedServer,
)

_T = TypeVar("_T")

#: What another attempt may mend, and what of that it may not.
_TRANSIENT = (ServerUnreachable, AnswerCut, TooManyRequests, Unavailable)
_FINAL = (UntrustedServer, GaveUp)
_BUSY = (TooManyRequests, Unavailable)
#: SOGo 5.8 resets up to one in five kept connections of a slow sequence: that is its way, and no sign of trouble.
_REPEATS_OF_LOST_CONNECTION = 0.25

#: In all, for a server that failed (500): a second failure says that it will not do what it was asked.
_ATTEMPTS_AFTER_FAILURE = 2

_is_repeating: ContextVar[bool] = ContextVar("is_repeating", default=False)


@dataclass(frozen=True, slots=True)
class Retries:
    """At most `attempts` in all; waits in seconds double from `first_wait` up to `longest_wait`.

    A server that says it is busy is left alone four times as long, and never shorter than it asks for by Retry-After; a
    Retry-After above `longest_wait` ends the attempts at once. Waits are shortened by up to a quarter by chance, so
    that clients that were turned away together do not come back together. `clock` counts the seconds that `sleep` lets
    pass.
    """

    attempts: int = 4
    first_wait: float = 0.5
    longest_wait: float = 120.0
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    chance: Callable[[], float] = random.random
    clock: Callable[[], float] = time.monotonic

    def wait(self, number: int, error: DavError) -> float | None:
        """Seconds before attempt `number`, which counts from 0, after `error`; None when there shall be none."""
        attempts = min(self.attempts, _ATTEMPTS_AFTER_FAILURE) if isinstance(error, Refused) else self.attempts
        if number >= attempts or isinstance(error, _FINAL):
            return None
        wait = self.first_wait * 2.0 ** (number - 1) * (4 if isinstance(error, _BUSY) else 1)
        wait = min(wait, self.longest_wait) * (1 - self.chance() / 4)
        if error.retry_after is None:
            return wait
        return max(wait, error.retry_after) if error.retry_after <= self.longest_wait else None


class Repeating:
    """`policy` for all requests of one run, which share `budget`."""

    def __init__(self, policy: Retries, budget: Budget) -> None:
        self.policy = policy
        self.budget = budget

    async def run(self, attempt: Callable[[int], Awaitable[_T]]) -> _T:
        """The result of `attempt(number)`, number counting from 0; raises its last error.

        A kept connection that is gone is replaced at once, the first time; that counts as no attempt.
        """
        number, lost = 0, 0
        while True:
            try:
                with _marked(is_repeat=number > 0):
                    return await attempt(number)
            except (*_TRANSIENT, Refused) as error:
                if isinstance(error, Refused) and not _may_pass(error):
                    raise
                number += 1
                if isinstance(error, ConnectionLost) and not lost:
                    lost = 1
                    self.budget.spend(_REPEATS_OF_LOST_CONNECTION, error)
                    continue
                wait = self.policy.wait(number - lost, error)
                if wait is None:
                    raise
                self.budget.spend(1, error)
                await self.policy.sleep(wait)


def _may_pass(error: Refused) -> bool:
    """True for a 500 to a PROPFIND: without its answer a calendar or the whole account is missing.

    For contents there are better repeats, half of the batch and the event alone; a write is not repeated blindly.
    """
    return error.status == 500 and error.method == "PROPFIND"


def is_repeating() -> bool:
    """True inside a second or later attempt."""
    return _is_repeating.get()


@contextmanager
def _marked(*, is_repeat: bool) -> Iterator[None]:
    mark = _is_repeating.set(is_repeat)
    try:
        yield
    finally:
        _is_repeating.reset(mark)
