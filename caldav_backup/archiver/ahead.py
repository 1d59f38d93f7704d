"""Running a few coroutines ahead of the one who takes their results, in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Coroutine, Iterable
from typing import Any, TypeVar

T = TypeVar("T")


async def ahead(work: Iterable[Coroutine[Any, Any, T]], limit: int) -> AsyncGenerator[T, None]:
    """The results of `work` in order, while at most `limit` of them run or wait to be taken.

    `work` is drawn from lazily. When the consumer stops early, or one fails, the rest are cancelled and awaited.
    """
    source = iter(work)
    running: deque[asyncio.Task[T]] = deque()
    try:
        while True:
            while len(running) < limit and (coroutine := next(source, None)) is not None:
                running.append(asyncio.ensure_future(coroutine))
            if not running:
                return
            yield await running[0]
            running.popleft()
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
