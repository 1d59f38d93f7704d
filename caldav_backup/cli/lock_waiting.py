"""Waiting for other programs that work on the same store: the option, and the line that says so.

Owns `--lock-wait`. How one waits is told in `kloset.locks`; what a wait that was in vain ends with, in `exits`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, NamedTuple

import typer

from caldav_backup.cli.durations import seconds
from caldav_backup.cli.invocation import Invocation

LockWait = Annotated[
    str, typer.Option("--lock-wait", metavar="TIME", help="How long to wait for other runs and programs.")
]
DEFAULT_WAIT = "15m"


class Waiting(NamedTuple):
    """How long to wait for a lock, in seconds, and whom to tell that one waits."""

    wait: float
    tell: Callable[[str], None]


def lock_waiting(run: Invocation, lock_wait: str) -> Waiting:
    """What `--lock-wait` asks for, as `take_exclusive_lock` and its like take it. Usage for what is no duration."""
    return Waiting(seconds(lock_wait, "--lock-wait"), lambda holder: tell_waiting(run, holder))


def tell_waiting(run: Invocation, holder: str) -> None:
    """One line, so that nobody wonders; not with -q."""
    run.note(f"waiting for {holder}")
