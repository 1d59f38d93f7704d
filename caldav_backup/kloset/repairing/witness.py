"""An index that notes which packfiles are needed although no state names them.

Owns the question put to each look-up: would it have found anything without those packfiles?
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from caldav_backup.kloset.checking.orphans import Orphan
from caldav_backup.kloset.index import Index
from caldav_backup.kloset.repairing.runs import location_run
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.state import DeleteEntry, EntryType, Location, PackfileEntry, State, make_run

_TRIAL = b"trial".ljust(32, b"\0")


class WitnessIndex(Index):
    """Begins as an ordinary index; `add_orphans` makes it know packfiles that nobody names."""

    def __init__(self) -> None:
        super().__init__()
        self._named: frozenset[bytes] = frozenset()
        self._is_witness = False
        self.needed: set[bytes] = set()
        """Packfiles without which something that was asked for would not have been found."""

    def add_orphans(self, orphans: Sequence[Orphan]) -> None:
        """Know what these packfiles hold, too, whatever states say of it."""
        self._named = frozenset(self.packfiles)
        self._is_witness = True
        for orphan in orphans:
            if orphan.contents is not None and orphan.contents.records:
                footer = orphan.contents.footer
                entry = PackfileEntry(orphan.identifier, _TRIAL, footer.timestamp_ns)
                runs = (location_run(orphan.identifier, orphan.contents.records), make_run([entry]))
                self.apply(_TRIAL, State(runs, footer.timestamp_ns))

    def forget_packfiles(self, packfiles: Iterable[bytes]) -> None:
        """Know some of them no more."""
        gone = [DeleteEntry(EntryType.PACKFILE, packfile=packfile) for packfile in packfiles]
        if gone:
            self.apply(_TRIAL, State((make_run(gone),), 0))

    def find_locations(self, resource_type: ResourceType, mac: bytes) -> list[Location]:
        found = super().find_locations(resource_type, mac)
        self._note(found)
        return found

    def find_locations_of(self, resource_type: ResourceType, macs: Sequence[bytes]) -> list[list[Location]]:
        found = super().find_locations_of(resource_type, macs)
        if self._is_witness:
            for places in found:
                self._note(places)
        return found

    def _note(self, places: Sequence[Location]) -> None:
        if self._is_witness and places and not any(place.packfile in self._named for place in places):
            self.needed.add(places[0].packfile)
