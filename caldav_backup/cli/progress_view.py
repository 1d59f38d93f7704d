"""How far a run is, for whoever watches: a bar on a terminal, lines with -v where there is none, else nothing.

Owns the rendering of `progress` events on standard error. Failures are told at the end, from the run's outcome.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from caldav_backup.cli.counting import counted
from caldav_backup.cli.invocation import Invocation
from caldav_backup.cli.lock_waiting import tell_waiting
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
    Waiting,
    Warned,
)

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

#: How often `-v` is given by those who want to read what happens: a bar would stand between the lines.
LINES_ONLY = 2
#: Characters of what a bar is about.
TITLE_WIDTH = 24
#: Columns of a window that has room for a bar beside the words, and for the time, too.
ROOM_FOR_BAR, ROOM_FOR_ALL = 60, 80
#: Records of a restore after which a line tells of them.
LINE_EVERY = 1000


@contextlib.contextmanager
def watched(run: Invocation, title: str) -> Iterator[Progress]:
    """Inside, what is to be handed to the run that is shown. Warnings are told to everybody, and waits but for -q."""
    if run.options.quiet or run.options.json:
        yield _warnings(run)
    elif run.terminal.shows_progress and run.options.verbose < LINES_ONLY:
        with _bar(title) as progress:
            yield progress
    elif run.options.verbose:
        lines = _Lines(run)
        try:
            yield lines.show
        finally:
            lines.finish()
    else:
        yield _warnings(run)


class Tally:
    """What became of the records of a restore so far: `120 created, 3 identical, 1 failed`."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, result: str) -> None:
        """One more record."""
        self._counts[result] += 1

    @property
    def total(self) -> int:
        """All of them."""
        return self._counts.total()

    def __str__(self) -> str:
        return ", ".join(f"{count} {result}" for result, count in self._counts.items())


@contextlib.contextmanager
def _bar(title: str) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as RichProgress

    console = Console(stderr=True)
    columns: list[ProgressColumn] = [TextColumn("{task.description}", markup=False), MofNCompleteColumn()]
    if console.width >= ROOM_FOR_ALL:
        columns = [columns[0], BarColumn(), columns[1], TimeElapsedColumn()]
    elif console.width >= ROOM_FOR_BAR:
        columns = [columns[0], BarColumn(10), columns[1]]
    with RichProgress(*columns, console=console, transient=True) as bar:
        yield _Bar(bar, title).show


class _Bar:
    """One bar, and below it another one while what was restored is read back."""

    def __init__(self, bar: RichProgress, title: str) -> None:
        self._bar = bar
        # The end of a long path tells more than its beginning, and the bar needs room, too.
        self._task = bar.add_task(_short(clean(title)), total=None)
        self._second = bar.add_task("", total=None, visible=False)
        self._listed = 0
        self._is_restore = False
        self._tally = Tally()

    def show(self, event: Event) -> None:
        """What the event means for the bar."""
        match event:
            case CalendarListed(total=total, to_fetch=to_fetch, deleted=deleted) if to_fetch or deleted:
                self._listed += total
                self._bar.update(self._task, total=self._listed)
            case Planned(total=total):
                self._is_restore = True
                self._bar.update(self._task, total=total)
            case RecordsStored(count=count):
                self._bar.advance(self._task, count)
            case RecordRestored(result=result):
                self._tally.add(result)
                self._bar.update(self._task, description=str(self._tally), completed=self._tally.total)
            case LookedAt(what=what, done=done, total=total):
                task = self._second if self._is_restore else self._task
                is_visible = not self._is_restore or done < total
                self._bar.update(task, description=_short(clean(what)), completed=done, total=total, visible=is_visible)
            case Warned(message=message) | Noted(message=message):
                self._bar.console.print(clean(message), markup=False, highlight=False)
            case Waiting(holder=holder):
                self._bar.console.print(clean(f"waiting for {holder}"), markup=False, highlight=False)
            case _:
                return


def _short(title: str) -> str:
    return title if len(title) <= TITLE_WIDTH else f"…{title[1 - TITLE_WIDTH :]}"


def _warnings(run: Invocation) -> Callable[[Event], None]:
    def show(event: Event) -> None:
        if isinstance(event, Warned):
            run.warn(event.message)
        elif isinstance(event, Waiting):
            tell_waiting(run, event.holder)

    return show


class _Lines:
    """A line now and then, for whoever reads them later."""

    def __init__(self, run: Invocation) -> None:
        self._run = run
        self._calendar = ""
        self._tally = Tally()

    def show(self, event: Event) -> None:
        """What the event is worth as a line."""
        run = self._run
        match event:
            case CalendarListed(path=path, total=total, to_fetch=to_fetch, deleted=deleted):
                run.note(f"{path}: {counted(total, 'event')}, {to_fetch} to fetch, {deleted} deleted")
            case Planned(total=total, to_write=to_write):
                run.note(f"{counted(total, 'event')} selected, {to_write} to write")
            case RecordRestored(path=path, result=result):
                self._restored(path.rpartition("/")[0], result)
            case LookedAt(what=what, done=0, total=total):
                self.finish()
                run.note(f"{what}: {total} to look at")
            case Warned(message=message):
                run.warn(message)
            case Noted(message=message):
                run.note(message)
            case Waiting(holder=holder):
                tell_waiting(run, holder)
            case _:
                return

    def finish(self) -> None:
        """What of a restore is not told yet."""
        if self._tally.total:
            self._run.note(f"{self._calendar or '/'}: {self._tally}")
        self._tally = Tally()

    def _restored(self, calendar: str, result: str) -> None:
        """A line for each calendar, and one on the way through a large one."""
        if calendar != self._calendar:
            self.finish()
            self._calendar = calendar
        self._tally.add(result)
        if self._tally.total == LINE_EVERY:
            self.finish()
