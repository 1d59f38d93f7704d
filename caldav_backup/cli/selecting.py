"""The options that choose among a snapshot's records, the same for every command that takes them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from caldav_backup.cli.exits import Usage

if TYPE_CHECKING:
    from caldav_backup.inspection.references import Reference
    from caldav_backup.restorer import RestoreOptions


class Kind(StrEnum):
    """Kinds of records, as people call them."""

    EVENT = "event"
    TODO = "todo"
    JOURNAL = "journal"


Calendars = Annotated[list[str] | None, typer.Option(metavar="GLOB", help="Only these calendars (may be repeated).")]
Events = Annotated[list[str] | None, typer.Option(metavar="UID", help="Only this event (may be repeated).")]
Texts = Annotated[
    list[str] | None, typer.Option(metavar="TEXT", help="Only events with this in their words (may be repeated).")
]
From = Annotated[
    str | None, typer.Option("--from", metavar="DATE", help="Only events that take place on this day or later.")
]
Until = Annotated[str | None, typer.Option(metavar="DATE", help="Only events that take place up to this day.")]
Kinds = Annotated[list[Kind] | None, typer.Option(help="Only events, tasks or journal entries (may be repeated).")]


def selection(
    reference: Reference,
    *,
    calendars: Sequence[str] | None,
    events: Sequence[str] | None,
    texts: Sequence[str] | None,
    kinds: Sequence[Kind] | None,
    first: str | None,
    last: str | None,
) -> RestoreOptions:
    """The options of a restore that say which records are meant, and nothing else."""
    from caldav_backup.restorer import RestoreOptions

    since, until = period(first, last)
    return RestoreOptions(
        path=reference.path or "/",
        calendars=tuple(calendars or ()),
        events=tuple(events or ()),
        texts=tuple(texts or ()),
        kinds=components(kinds),
        since=since,
        until=until,
    )


def mapping(texts: Sequence[str] | None, into: str) -> tuple[tuple[str, str], ...]:
    """Each `OLD=NEW` taken apart; Usage for anything else, and beside `--into`, which leaves nothing to say."""
    if texts and into:
        raise Usage("--into is about all calendars, so --map has nothing to say: leave out one of them")
    return tuple(_pair(text) for text in texts or ())


def components(kinds: Sequence[Kind] | None) -> tuple[str, ...]:
    """The kinds of components (RFC 5545 §3.6) that are meant; none: all."""
    return tuple(f"V{kind.value.upper()}" for kind in kinds or ())


def period(first: str | None, last: str | None) -> tuple[datetime | None, datetime | None]:
    """The moments from which and before which an event takes place; the day of `last` is included."""
    from caldav_backup.inspection.moments import end_ns, moment_ns

    now_ns = int(datetime.now(UTC).timestamp() * 1e9)
    since = None if first is None else _moment(moment_ns(first, now_ns))
    until = None if last is None else _moment(end_ns(last))
    if since is not None and until is not None and since >= until:
        raise Usage(f"--from {first} is after --until {last}, so no event can be meant")
    return since, until


def _pair(text: str) -> tuple[str, str]:
    old, equals, new = text.partition("=")
    if not equals or not old or not new:
        raise Usage(f"--map takes OLD=NEW, not {text!r}")
    return old, new


def _moment(timestamp_ns: int) -> datetime:
    return datetime.fromtimestamp(timestamp_ns / 1e9, UTC).astimezone()
