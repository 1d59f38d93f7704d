"""Which calendar of the destination each calendar of the snapshot goes to. Pure.

In this order: what the user said (`into`, `mapping`), the same calendar of the same account, the one calendar that the
destination's address means, the same display name; else a new one. Two candidates are an error, and two calendars never
become one unless the user said so.
"""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from caldav_backup.connectors.base import Collection
from caldav_backup.restorer.errors import AmbiguousTarget, NoSuchCalendar
from caldav_backup.restorer.options import RestoreOptions
from caldav_backup.restorer.plan import MatchedBy
from caldav_backup.restorer.selection import StoredCalendar


class Target(NamedTuple):
    """Where a calendar goes: an existing `collection`, or None for a new calendar that is to be called `name`."""

    collection: Collection | None
    name: str
    matched_by: MatchedBy


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The destination as matching sees it. `same_account`: what is restored to is what the snapshot was taken of."""

    collections: Sequence[Collection]
    same_account: bool = False
    can_create: bool = True


def match_calendars(
    stored: Sequence[StoredCalendar], there: Surroundings, options: RestoreOptions
) -> list[tuple[StoredCalendar, Target]]:
    """A target for each calendar, in the same order; raises `AmbiguousTarget` or `NoSuchCalendar`."""
    _require_used(stored, options)
    return _Matcher(stored, there, options).match()


@dataclass(slots=True)
class _Matcher:
    stored: Sequence[StoredCalendar]
    there: Surroundings
    options: RestoreOptions
    #: Key of an existing calendar → the calendar of the snapshot that goes there without having been told to.
    claimed: dict[str, StoredCalendar] = field(default_factory=dict)

    def match(self) -> list[tuple[StoredCalendar, Target]]:
        # Certain matches first, so that a mere likeness of names does not take a calendar away from its own.
        certain = {calendar.path: target for calendar in self.stored if (target := self._certain(calendar)) is not None}
        return [(calendar, certain.get(calendar.path) or self._likely(calendar)) for calendar in self.stored]

    def _certain(self, calendar: StoredCalendar) -> Target | None:
        told = self._told(calendar)
        if told is not None:
            return told
        if self.there.same_account and calendar.href:
            for collection in self.there.collections:
                if collection.key == calendar.href:
                    return self._claim(calendar, collection, MatchedBy.HREF)
        return None

    def _told(self, calendar: StoredCalendar) -> Target | None:
        if self.options.into:
            return self._by_any_name(self.options.into, MatchedBy.INTO)
        names = {
            new for old, new in self.options.mapping if old in (calendar.path, calendar.name, calendar.displayname)
        }
        if len(names) > 1:
            raise AmbiguousTarget(f"--map names several calendars for '{calendar.name}': {_listed(names)}")
        return self._by_any_name(names.pop(), MatchedBy.MAP) if names else None

    def _by_any_name(self, name: str, matched_by: MatchedBy) -> Target:
        exact = [one for one in self.there.collections if name in (one.key, one.key.rstrip("/"))]
        found = exact or [one for one in self.there.collections if same_name(name, _shown(one)) or name == one.hint]
        if len(found) > 1:
            raise AmbiguousTarget(f"'{name}' could be {_listed(_described(found))}: give its path")
        return Target(found[0] if found else None, name, matched_by)

    def _likely(self, calendar: StoredCalendar) -> Target:
        if not self.there.can_create and len(self.there.collections) == len(self.stored) == 1:
            return self._claim(calendar, self.there.collections[0], MatchedBy.ADDRESS)
        found = [one for one in self.there.collections if same_name(_shown(one), calendar.displayname)]
        if len(found) > 1:
            # A calendar that an earlier restore made has our name in its address, too.
            found = [one for one in found if same_name(one.hint, calendar.name)] or found
        if len(found) > 1:
            candidates = _listed(_described(found))
            raise AmbiguousTarget(
                f"'{calendar.displayname}' could go to {candidates}: decide with --map {calendar.name}=…"
            )
        if found:
            return self._claim(calendar, found[0], MatchedBy.NAME)
        return Target(None, calendar.displayname, MatchedBy.NEW)

    def _claim(self, calendar: StoredCalendar, collection: Collection, matched_by: MatchedBy) -> Target:
        other = self.claimed.setdefault(collection.key, calendar)
        if other is not calendar:
            raise AmbiguousTarget(
                f"'{other.name}' and '{calendar.name}' would both go to '{_shown(collection)}':"
                " decide with --map or --into"
            )
        return Target(collection, _shown(collection), matched_by)


def same_name(one: str, other: str) -> bool:
    """True when two names look the same."""
    return _plain(one) == _plain(other)


def _plain(name: str) -> str:
    # DAViCal 1.1.12 escapes a name for XML once more each time that it is set, so that it is never what was asked for.
    while (unescaped := html.unescape(name)) != name:
        name = unescaped
    return unicodedata.normalize("NFC", name).strip()


def _require_used(stored: Sequence[StoredCalendar], options: RestoreOptions) -> None:
    for old, _ in options.mapping:
        if not any(old in (one.path, one.name, one.displayname) for one in stored):
            there = _listed(one.name for one in stored)
            raise NoSuchCalendar(f"--map {old}=…: no such calendar is to be restored; there are: {there}")


def _shown(collection: Collection) -> str:
    return collection.displayname or collection.hint


def _described(collections: Sequence[Collection]) -> list[str]:
    return [f"'{_shown(one)}' ({one.key})" for one in collections]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
