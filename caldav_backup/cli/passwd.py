"""`caldav-backup passwd`: a store with another passphrase."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from caldav_backup.cli import syncing
from caldav_backup.cli.answer import Answer
from caldav_backup.cli.durations import seconds
from caldav_backup.cli.exits import Exit, Usage
from caldav_backup.cli.init import made_store
from caldav_backup.cli.invocation import Invocation, invocation_of
from caldav_backup.cli.lock_waiting import DEFAULT_WAIT, LockWait
from caldav_backup.cli.making import make_store
from caldav_backup.cli.opening import open_repository
from caldav_backup.settings.passphrase import OTHER

if TYPE_CHECKING:
    from caldav_backup.kloset.configuration import Configuration
    from caldav_backup.kloset.repository import Repository
    from caldav_backup.settings import Location

WHY = (
    "the passphrase of a store cannot be changed: every name in it is made with the key that comes from it; "
    "'passwd --to NEWSTORE' makes a new store with another passphrase and copies all snapshots into it, and this one "
    "stays as it is"
)


def command(
    context: typer.Context,
    *,
    to: Annotated[
        str | None, typer.Option(metavar="STORE", help="Make this store, and copy everything into it.")
    ] = None,
    lock_wait: LockWait = DEFAULT_WAIT,
) -> Answer:
    """Copy everything into a new store with another passphrase.

    The passphrase of a store cannot be changed. The old store stays as it is.
    """
    if to is None:
        raise Usage(WHY)
    wait = seconds(lock_wait, "--lock-wait")
    run = invocation_of(context)
    old = open_repository(run)
    store = run.other_store(to)
    new = _make(run, store, old)
    direction = syncing.copy_between(run, old, new, old.snapshots(), lock_wait=wait)
    code = syncing.exit_code(run, [direction])
    result = {"store": made_store(store, new), "direction": syncing.fields(direction)}
    summary = [*syncing.summary(direction), *_next(run, store, code)]
    return Answer(result, summary=summary, trouble=syncing.trouble(direction), exit=code)


def _make(run: Invocation, store: Location, old: Repository) -> Repository:
    from caldav_backup.kloset.errors import StoreExists

    try:
        return make_store(run, store, _like(old.configuration), OTHER)
    except StoreExists as error:
        raise StoreExists(
            f"{error}; if an earlier 'passwd' made it, 'sync to {store.location}' goes on where that ended"
        ) from error


def _like(old: Configuration) -> Configuration:
    """The same but for the passphrase: also a plaintext store becomes an encrypted one."""
    from caldav_backup.kloset.configuration import Configuration

    return Configuration.new(
        encrypted=True,
        compression=old.compression.algorithm if old.compression else None,
        hashing=old.hashing,
        chunking=old.chunking,
        packfile=old.packfile,
    )


def _next(run: Invocation, store: Location, code: Exit) -> list[str]:
    if code is not Exit.DONE:
        return ["not everything could be copied: keep the old store, and look into it with 'check'"]
    old = run.store().location
    return [
        "what is left to do:",
        f"  1. check the new store: caldav-backup --store {store.location} check --read-data",
        "  2. let your settings and jobs name the new store, and give its passphrase in place of the old one",
        f"  3. remove the old store, {old}: whoever knows its passphrase can read it as long as it is there",
    ]
