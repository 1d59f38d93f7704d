"""Asking again: what may pass, how often, and how long to wait before it.

Owns the waits. Time and chance are arguments, so that a test sees every wait without waiting.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from caldav_backup.dav.errors import (
    AnswerCut,
    DavError,
    ServerUnreachable,
    TooManyRequests,
    Unavailable,
    UntrustedServer,
)

_T = TypeVar("_T")

#: What another attempt may mend.
_TRANSIENT = (ServerUnreachable, AnswerCut, TooManyRequests, Unavailable)
_BUSY = (TooManyRequests, Unavailable)


@dataclass(frozen=True, slots=True)
class Retries:
    """At most `attempts` in all; waits in seconds double from `first_wait` up to `longest_wait`.

    A server that says it is busy is left alone four times as long; its own Retry-After goes before, and one above
    `longest_wait` ends the attempts at once. Waits are shortened by up to a quarter by chance, so that clients that
    were turned away together do not come back together.
    """

    attempts: int = 4
    first_wait: float = 0.5
    longest_wait: float = 120.0
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    chance: Callable[[], float] = random.random

    async def run(self, attempt: Callable[[int], Awaitable[_T]]) -> _T:
        """The result of `attempt(number)`, number counting from 0; raises its last error."""
        number = 0
        while True:
            try:
                return await attempt(number)
            except _TRANSIENT as error:
                number += 1
                wait = self._wait(number, error)
                if wait is None:
                    raise
                await self.sleep(wait)

    def _wait(self, number: int, error: DavError) -> float | None:
        """Seconds before attempt `number`; None when there shall be none."""
        if number >= self.attempts or isinstance(error, UntrustedServer):
            return None
        if error.retry_after is not None:
            # Never earlier than the server asked for.
            return error.retry_after if error.retry_after <= self.longest_wait else None
        wait = self.first_wait * 2.0 ** (number - 1) * (4 if isinstance(error, _BUSY) else 1)
        return min(wait, self.longest_wait) * (1 - self.chance() / 4)
