"""Which calendars of a source are asked for: globs over directory names and display names, or just these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from caldav_backup.connectors.base import Collection


class NoSuchCalendar(Exception):
    """A glob of the selection matches no calendar; the message names the calendars that are there."""


@dataclass(frozen=True, slots=True)
class Selection:
    """`calendars` empty: all. A calendar that matches both is excluded. Matching ignores case.

    `keys` are collection keys, for those who have no need of patterns; empty: all that match.
    """

    calendars: Sequence[str] = ()
    exclude: Sequence[str] = ()
    keys: Sequence[str] = ()

    @property
    def perimeter(self) -> str:
        """The selection in words, whatever the order they were given in; "" when everything was asked for."""
        wanted = [f"calendar={pattern}" for pattern in sorted(set(self.calendars))]
        wanted += [f"exclude={pattern}" for pattern in sorted(set(self.exclude))]
        return " ".join(wanted + [f"key={key}" for key in sorted(set(self.keys))])

    def apply(self, named: Sequence[tuple[str, Collection]]) -> list[tuple[str, Collection]]:
        """The (directory name, collection) pairs asked for; raises `NoSuchCalendar` for a glob without a match."""
        for pattern in self.calendars:
            if not any(_matches(pattern, name, collection) for name, collection in named):
                there = ", ".join(sorted(name for name, _ in named)) or "none"
                raise NoSuchCalendar(f"no calendar matches '{pattern}'; there are: {there}")
        return [(name, collection) for name, collection in named if self._wants(name, collection)]

    def _wants(self, name: str, collection: Collection) -> bool:
        if self.keys and collection.key not in self.keys:
            return False
        wanted = not self.calendars or any(_matches(pattern, name, collection) for pattern in self.calendars)
        return wanted and not any(_matches(pattern, name, collection) for pattern in self.exclude)


def _matches(pattern: str, name: str, collection: Collection) -> bool:
    folded = pattern.casefold()
    return fnmatchcase(name.casefold(), folded) or fnmatchcase(collection.displayname.casefold(), folded)
