"""Records of a destination that the snapshot does not have, and which of them may go.

Owns what is never removed: what the backup could not read, or a stopped one had not reached, since it may be missing
from the snapshot for that reason alone; what the store cannot give back; and what cannot be read now.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from caldav_backup.connectors import naming
from caldav_backup.marks import INCOMPLETE
from caldav_backup.restorer.deciding import Decider
from caldav_backup.restorer.existing import Existing, Extra
from caldav_backup.restorer.plan import ExtraPlan
from caldav_backup.restorer.selection import StoredCalendar

if TYPE_CHECKING:
    from caldav_backup.kloset.snapshot import Snapshot

NOT_LISTED = "the snapshot does not have all of {path}, so nothing is removed"


@dataclass(slots=True)
class Extras:
    """Gathers what several calendars of `snapshot` bring to one target, which holds `existing`."""

    snapshot: Snapshot
    existing: Existing
    _uids: set[str] = field(default_factory=set, init=False)
    _leaves: set[str] = field(default_factory=set, init=False)
    #: Names of what the backup could not read, and of what the store cannot give back.
    _unread: set[str] = field(default_factory=set, init=False)
    _damaged: set[str] = field(default_factory=set, init=False)
    _not_listed: list[str] = field(default_factory=list, init=False)

    def keep(self, stored: StoredCalendar, decider: Decider) -> None:
        """What the calendar brings stays, and what it would have brought if it could have been read."""
        self._uids |= decider.uids
        self._leaves |= {naming.fold(leaf) for leaf in decider.leaves}
        if INCOMPLETE in self.snapshot.header.tags:
            # A run was stopped in the middle of some calendar, and nothing says in which.
            self._not_listed.append(stored.path)
        for path in self.snapshot.failed_paths():
            directory, _, name = path.rpartition("/")
            if path == "/" or f"{stored.path}/".startswith(f"{path}/"):
                self._not_listed.append(stored.path)
            elif (directory or "/") == stored.path:
                self._unread.add(naming.fold(name))
        for name in decider.unread:
            self._keep_damaged(f"{stored.path.rstrip('/')}/{name}", {name, decider.destination.leaf(name, None)})

    def _keep_damaged(self, path: str, leaves: set[str]) -> None:
        """What the store cannot give back may be there under its name; else it may be anything that is there."""
        if any(self.existing.is_taken(leaf) for leaf in leaves):
            self._damaged |= {naming.fold(leaf) for leaf in leaves}
        else:
            self._not_listed.append(path)

    def find(self) -> tuple[list[ExtraPlan], str]:
        """What may go, and why other records that are not in the snapshot stay ("" when there are none)."""
        if self._not_listed:
            return [], NOT_LISTED.format(path=" and ".join(self._not_listed))
        found: list[ExtraPlan] = []
        kept = damaged = 0
        for extra in self.existing.extras(self._uids):
            leaf = naming.fold(extra.version.leaf)
            if leaf in self._unread:
                kept += 1
            elif leaf in self._damaged:
                damaged += 1
            elif leaf not in self._leaves:
                found.append(_planned(extra))
        unread = len(self.existing.unreadable)
        reasons = [f"{kept} that the backup could not read"] if kept else []
        reasons += [f"{damaged} that the store cannot give back"] if damaged else []
        reasons += [f"{unread} that cannot be read"] if unread else []
        return found, f"what is not in the snapshot stays: {' and '.join(reasons)}" if reasons else ""


def _planned(extra: Extra) -> ExtraPlan:
    return ExtraPlan(extra.version, extra.uid, extra.there.title, extra.there.guests)
