"""When a source holds so much less than before that it looks like a mistake: of a server, or of a person.

Owns the rule that a bad answer is not "all deleted", and its words. The comparison is with the newest good
snapshot of the same source and selection, so it says the same every night until somebody accepts it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from caldav_backup.archiver.parents import ParentCalendar
from caldav_backup.connectors.base import Catalogue

#: Fewer lost or missing records than this are nobody's accident.
AT_LEAST = 10


class Trip(NamedTuple):
    """What a guard noticed at `path`, and how it is accepted."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Guard:
    """`max_shrink` is the share of a calendar's records, 0 to 1, that may vanish between two runs."""

    max_shrink: float = 0.30
    accept_shrink: bool = False
    allow_empty: bool = False

    @property
    def accepts(self) -> bool:
        """True when somebody says that what is gone is gone rightly."""
        return self.accept_shrink or self.allow_empty

    def look_at(self, path: str, before: int, now: int) -> Trip | None:
        """A calendar that held `before` records in the good snapshot and holds `now`."""
        if before and not now:
            return None if self.allow_empty else Trip(path, f"is empty, and held {before} before; {_ACCEPT_EMPTY}")
        lost = before - now
        if self.accept_shrink or lost < AT_LEAST or lost <= before * self.max_shrink:
            return None
        return Trip(path, f"lost {lost} of {before}, more than {self.max_shrink:.0%}; {_ACCEPT_SHRINK}")

    def look_for_gone(
        self, good: Mapping[str, ParentCalendar], catalogue: Catalogue, chosen: Collection[str]
    ) -> list[Trip]:
        """Calendars that the good snapshot holds and that are read no more; `good` by key, `chosen` are keys.

        One that was given another name may be left out by the selection that took it before.
        """
        there = {collection.key for collection in catalogue.collections}
        # They may lie where nobody could look, which is reported as a failure.
        gone = [] if catalogue.unreadable else [calendar for key, calendar in good.items() if key not in there]
        if gone and not there:
            held = f"there are no calendars any more, and {len(gone)} before"
            return [] if self.allow_empty else [Trip("/", f"{held}; {_ACCEPT_EMPTY}")]
        if self.accept_shrink:
            return []
        astray = [calendar for key, calendar in good.items() if key in there and key not in chosen]
        return [
            *(Trip(each.path, f"is gone, and held {each.count} before; {_ACCEPT_SHRINK}") for each in _sorted(gone)),
            *(
                Trip(each.path, f"is not among the chosen any more, and held {each.count} before; {_ACCEPT_SHRINK}")
                for each in _sorted(astray)
            ),
        ]


_ACCEPT_SHRINK = "--accept-shrink takes that for right"
_ACCEPT_EMPTY = "--allow-empty takes that for right"


def _sorted(calendars: Sequence[ParentCalendar]) -> list[ParentCalendar]:
    return sorted(calendars, key=lambda calendar: calendar.path)
