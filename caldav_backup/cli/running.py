"""Signals, and the one place where asynchronous work is run.

Owns that SIGTERM ends a run as an exception, so that everything is put away, and that asynchronous work is cancelled
in order and not torn down.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Coroutine, Iterator
from types import FrameType
from typing import Any, NoReturn, TypeVar

from caldav_backup.cli.exits import Terminated

_Result = TypeVar("_Result")


@contextlib.contextmanager
def terminating() -> Iterator[None]:
    """Inside, SIGTERM raises Terminated; afterwards it does what it did before."""
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def run_async(work: Coroutine[Any, Any, _Result]) -> _Result:
    """Run `work` to its end. SIGINT and SIGTERM cancel it; KeyboardInterrupt or Terminated follow when it is done."""
    import asyncio

    async def cancellable() -> _Result:
        task = asyncio.current_task()
        assert task is not None
        loop = asyncio.get_running_loop()
        terminated = asyncio.Event()

        def cancel() -> None:
            terminated.set()
            task.cancel()

        loop.add_signal_handler(signal.SIGTERM, cancel)
        try:
            return await work
        except asyncio.CancelledError:
            if terminated.is_set():
                raise Terminated from None
            raise
        finally:
            loop.remove_signal_handler(signal.SIGTERM)
            signal.signal(signal.SIGTERM, _terminate)

    return asyncio.run(cancellable())


def _terminate(_number: int, _frame: FrameType | None) -> NoReturn:
    raise Terminated
