"""Signals, and the one place where asynchronous work is run.

Owns that SIGTERM ends a run as an exception, so that everything is put away, and that asynchronous work is cancelled
in order and not torn down.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Coroutine, Iterator
from types import FrameType
from typing import Any, NoReturn, Protocol, TypeVar

from caldav_backup.cli.exits import Terminated

_Result = TypeVar("_Result")


class RunAsync(Protocol):
    """Runs asynchronous work to its end and returns its result."""

    def __call__(self, work: Coroutine[Any, Any, _Result]) -> _Result: ...


@contextlib.contextmanager
def terminating() -> Iterator[None]:
    """Inside, SIGTERM raises Terminated; afterwards it does what it did before."""
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def asynchronous() -> Iterator[RunAsync]:
    """Several pieces of work on one event loop, with room for a question to a person between them.

    SIGINT and SIGTERM cancel the work at hand; KeyboardInterrupt or Terminated follow when it has ended.
    """
    import asyncio

    with asyncio.Runner() as runner:

        def run(work: Coroutine[Any, Any, _Result]) -> _Result:
            results: list[_Result] = []
            runner.run(_cancellable(work, results))
            return results.pop()

        yield run


def run_async(work: Coroutine[Any, Any, _Result]) -> _Result:
    """One piece of work."""
    with asynchronous() as run:
        return run(work)


async def _cancellable(work: Coroutine[Any, Any, _Result], results: list[_Result]) -> None:
    """Put the result of `work` into `results`.

    A task that has a result shows it when it is printed, and CPython 3.11 prints the task of a run that ends (it looks
    the handler of SIGINT up among enum values, in vain): of a plan for 100,000 records that takes seconds.
    """
    import asyncio

    terminated = False
    task = asyncio.current_task()
    assert task is not None

    def cancel() -> None:
        nonlocal terminated
        terminated = True
        task.cancel()

    with _on_sigterm(asyncio.get_running_loop(), cancel):
        try:
            results.append(await work)
        except asyncio.CancelledError:
            if terminated:
                raise Terminated from None
            raise


@contextlib.contextmanager
def _on_sigterm(loop: Any, cancel: Callable[[], None]) -> Iterator[None]:
    loop.add_signal_handler(signal.SIGTERM, cancel)
    try:
        yield
    finally:
        # This leaves the system's default behind.
        loop.remove_signal_handler(signal.SIGTERM)
        signal.signal(signal.SIGTERM, _terminate)


def _terminate(_number: int, _frame: FrameType | None) -> NoReturn:
    raise Terminated
