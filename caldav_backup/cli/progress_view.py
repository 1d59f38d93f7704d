"""How far a run is, for whoever watches: a bar on a terminal, lines with -v where there is none, else nothing.

Owns the rendering of `progress` events on standard error. Failures are told at the end, from the run's outcome.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from caldav_backup.cli.counting import counted
from caldav_backup.cli.invocation import Invocation
from caldav_backup.cli.terminal import clean
from caldav_backup.progress import (
    CalendarListed,
    Event,
    LookedAt,
    Noted,
    Planned,
    Progress,
    RecordRestored,
    RecordsStored,
    Warned,
)

#: How often `-v` is given by those who want to read what happens: a bar would stand between the lines.
LINES_ONLY = 2
#: Characters of what a bar is about.
TITLE_WIDTH = 24


@contextlib.contextmanager
def watched(run: Invocation, title: str) -> Iterator[Progress]:
    """Inside, what is to be handed to the run that is shown. Warnings are told to everybody."""
    if run.options.quiet or run.options.json:
        yield _warnings(run)
    elif run.terminal.shows_progress and run.options.verbose < LINES_ONLY:
        with _bar(title) as progress:
            yield progress
    else:
        yield _lines(run) if run.options.verbose else _warnings(run)


@contextlib.contextmanager
def _bar(title: str) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        title = clean(title)
        # The end of a long path tells more than its beginning, and the bar needs room, too.
        task = bar.add_task(title if len(title) <= TITLE_WIDTH else f"…{title[1 - TITLE_WIDTH :]}", total=None)
        known = 0

        def show(event: Event) -> None:
            nonlocal known
            match event:
                case CalendarListed(total=total, to_fetch=to_fetch, deleted=deleted) if to_fetch or deleted:
                    known += total
                    bar.update(task, total=known)
                case Planned(total=total):
                    bar.update(task, total=total)
                case RecordsStored(count=count):
                    bar.advance(task, count)
                case RecordRestored():
                    bar.advance(task)
                case LookedAt(what=what, done=done, total=total):
                    bar.update(task, description=what, completed=done, total=total)
                case Warned(message=message) | Noted(message=message):
                    bar.console.print(clean(message), markup=False, highlight=False)
                case _:
                    return

        yield show


def _warnings(run: Invocation) -> Callable[[Event], None]:
    def show(event: Event) -> None:
        if isinstance(event, Warned):
            run.warn(event.message)

    return show


def _lines(run: Invocation) -> Callable[[Event], None]:
    def show(event: Event) -> None:
        match event:
            case CalendarListed(path=path, total=total, to_fetch=to_fetch, deleted=deleted):
                run.note(f"{path}: {counted(total, 'event')}, {to_fetch} to fetch, {deleted} deleted")
            case Planned(total=total, to_write=to_write):
                run.note(f"{counted(total, 'event')} selected, {to_write} to write")
            case LookedAt(what=what, done=0, total=total):
                run.note(f"{what}: {total} to look at")
            case Warned(message=message):
                run.warn(message)
            case Noted(message=message):
                run.note(message)
            case _:
                return

    return show
