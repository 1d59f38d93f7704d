"""`caldav-backup maintenance`: the room back that nothing needs any more."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from caldav_backup.cli.answer import Answer
from caldav_backup.cli.durations import seconds, seconds_with_unit
from caldav_backup.cli.invocation import Invocation, invocation_of
from caldav_backup.cli.lock_waiting import DEFAULT_WAIT, LockWait
from caldav_backup.cli.maintenance_answers import done, planned
from caldav_backup.cli.opening import open_repository
from caldav_backup.cli.progress_view import watched
from caldav_backup.progress import LookedAt, Waiting

_SECOND = 1_000_000_000


def command(
    context: typer.Context,
    *,
    repack: Annotated[
        bool,
        typer.Option("--repack", help="Rewrite packfiles that are mostly unused or small, too, and merge states."),
    ] = False,
    grace: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="How long unused packfiles stay: 7d, or what PLAKAR_GRACEPERIOD says."),
    ] = None,
    lock_wait: LockWait = DEFAULT_WAIT,
    apply: Annotated[bool, typer.Option("--apply", help="Do it; without this, the plan is shown.")] = False,
) -> Answer:
    """Free the space of removed snapshots, or show what would go."""
    from caldav_backup.kloset.maintenance.upkeep import apply_upkeep, plan_upkeep

    run = invocation_of(context)
    grace_ns = _grace_ns(run, grace)
    wait = seconds(lock_wait, "--lock-wait")
    repository = open_repository(run)
    with watched(run, "maintenance") as progress:
        if not apply:
            plan = plan_upkeep(
                repository,
                grace_ns=grace_ns,
                now_ns=time.time_ns(),
                repack=repack,
                progress=lambda step: progress(LookedAt(*step)),
            )
            return planned(run, plan)
        upkept = apply_upkeep(
            repository,
            grace_ns=grace_ns,
            repack=repack,
            progress=lambda step: progress(LookedAt(*step)),
            lock_wait=wait,
            tell=lambda holder: progress(Waiting(holder)),
        )
    return done(run, upkept)


def _grace_ns(run: Invocation, text: str | None) -> int:
    """What `--grace` says, else the environment. Usage for what is no duration."""
    from caldav_backup.kloset.maintenance.grace import VARIABLE, grace_period, is_understood

    if text is not None:
        return int(seconds_with_unit(text, "--grace") * _SECOND)
    if not is_understood(run.environ):
        # It may be longer than what counts now.
        run.warn(f"{VARIABLE}={run.environ[VARIABLE]} is no time that plakar takes, such as 720h; 7 days count")
    return grace_period(run.environ)
