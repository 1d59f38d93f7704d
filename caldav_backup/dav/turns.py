"""Whose turn it is at a host: so many at once, none while the host wants to be left alone, no faster than a rate.

Owns the waiting. How many at once is decided by `width`. Time is an argument.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from caldav_backup.dav.errors import DavError
from caldav_backup.dav.width import Sample, Width

Sleep = Callable[[float], Awaitable[object]]
Clock = Callable[[], float]


class Turn:
    """One request's time at the host; `waited` and `size` are what it measured, None while nothing was answered."""

    def __init__(self, method: str, at_once: int) -> None:
        self.method = method
        self.at_once = at_once
        self.waited: float | None = None
        self.size = 0


class Turns:
    """The turns at one host, in the order in which they are asked for."""

    def __init__(self, width: Width, *, longest_pause: float, clock: Clock = time.monotonic, sleep: Sleep) -> None:
        self.width = width
        self._longest_pause = longest_pause
        self._clock = clock
        self._sleep = sleep
        self._under_way = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._pause_ends = float("-inf")
        self._pause_reason: DavError | None = None

    @asynccontextmanager
    async def turn(self, method: str) -> AsyncIterator[Turn]:
        """Wait for a turn and have it. Raises the host's own refusal while it wants to be left alone for too long."""
        await self._begin()
        try:
            await self._outlast_pause()
            turn = Turn(method, self._under_way)
            yield turn
            if turn.waited is not None:
                self.width.answered(Sample(method, turn.at_once, turn.waited, turn.size))
        finally:
            self._under_way -= 1
            self._let_go()

    def pause(self, seconds: float, reason: DavError) -> None:
        """No request before that many seconds have passed: the host has said so with `reason`."""
        ends = self._clock() + seconds
        if ends > self._pause_ends:
            self._pause_ends, self._pause_reason = ends, reason

    async def _begin(self) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._let_go()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it was given the turn while it was being cancelled
                self._under_way -= 1
            self._let_go()
            raise

    def _let_go(self) -> None:
        while self._waiting and self._under_way < self.width.limit:
            turn = self._waiting.popleft()
            if not turn.done():
                self._under_way += 1
                turn.set_result(None)

    async def _outlast_pause(self) -> None:
        ends = float("-inf")
        while self._pause_ends > ends:  # it may have become longer meanwhile
            ends = self._pause_ends
            left = ends - self._clock()
            if left > self._longest_pause and self._pause_reason is not None:
                raise _again(self._pause_reason, left)
            if left > 0:
                await self._sleep(left)


class Rate:
    """At most `per_second` requests, evenly spread; None: as they come."""

    def __init__(self, per_second: float | None, *, clock: Clock, sleep: Sleep) -> None:
        self._interval = 1 / per_second if per_second is not None else 0.0
        self._clock = clock
        self._sleep = sleep
        self._next = float("-inf")

    async def wait(self) -> None:
        """Until the next request may be sent."""
        if not self._interval:
            return
        now = self._clock()
        begins = max(now, self._next)
        self._next = begins + self._interval
        if begins > now:
            await self._sleep(begins - now)


def _again(error: DavError, retry_after: float) -> DavError:
    """The same refusal for a request that was not even sent."""
    return type(error)(
        f"{error.reason}, for another {retry_after:,.0f} s",
        method=error.method,
        href=error.href,
        status=error.status,
        condition=error.condition,
        excerpt=error.excerpt,
        retry_after=retry_after,
    )
