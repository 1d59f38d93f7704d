"""The merge of states, against the same rules written with dictionaries."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from caldav_backup.kloset.index import Index, order_states
from caldav_backup.kloset.locations import Locations
from caldav_backup.kloset.resources import VERSION_1_0_0, ZERO_MAC, ResourceType
from caldav_backup.kloset.state import (
    ColouredEntry,
    DeleteEntry,
    Entry,
    EntryType,
    Location,
    LocationEntry,
    PackfileEntry,
    State,
    make_run,
)

# Few of each, so that they meet; some agree in their first bytes, and one looks like the type and length of an entry.
MACS = [bytes([n]) * 32 for n in range(3)] + [bytes(31) + b"\x01", b"\x02\x55\x00\x00\x00" * 6 + b"\x02\x55"]
PACKFILES = [b"P" * 32, b"P" * 31 + b"Q", b"\x01" * 32, bytes(32)]
TYPES = [ResourceType.SNAPSHOT, ResourceType.OBJECT, ResourceType.CHUNK, ResourceType.PACKFILE]

macs, packfiles, types = st.sampled_from(MACS), st.sampled_from(PACKFILES), st.sampled_from(TYPES)
numbers = st.integers(0, 2**32 - 1)
entries = st.one_of(
    st.builds(LocationEntry, types, st.just(VERSION_1_0_0), macs, packfiles, numbers, numbers, st.just(0)),
    st.builds(ColouredEntry, types, macs | packfiles, numbers),
    st.builds(PackfileEntry, packfiles, macs, numbers),
    st.builds(DeleteEntry, st.just(EntryType.LOCATION), types, macs, packfiles),
    st.builds(DeleteEntry, st.just(EntryType.COLOURED), types, macs | packfiles),
    st.builds(DeleteEntry, st.just(EntryType.PACKFILE), st.just(0), st.just(ZERO_MAC), packfiles),
)
identifiers = st.sampled_from([bytes([n]) * 32 for n in range(1, 9)])
states = st.builds(
    lambda entries, at, parent: State(tuple(make_run([entry]) for entry in entries), at, parent),
    st.lists(entries, max_size=8),
    st.integers(0, 3),
    identifiers | st.just(ZERO_MAC),
)
stores = st.dictionaries(identifiers, states, max_size=6)


@dataclass
class Oracle:
    """The rules of docs/design/format.md, "States", one entry at a time."""

    locations: dict[tuple[int, bytes, bytes], Location] = field(default_factory=dict)
    packfiles: set[bytes] = field(default_factory=set)
    coloured: set[tuple[int, bytes]] = field(default_factory=set)

    def apply(self, entry: Entry) -> None:
        match entry:
            case LocationEntry():
                self.locations.setdefault((entry.resource_type, entry.mac, entry.packfile), entry.location)
            case ColouredEntry():
                self.coloured.add((entry.resource_type, entry.identifier))
            case PackfileEntry():
                self.packfiles.add(entry.packfile)
            case DeleteEntry(what=EntryType.LOCATION):
                self.locations.pop((entry.resource_type, entry.mac, entry.packfile), None)
            case DeleteEntry(what=EntryType.COLOURED):
                self.coloured.discard((entry.resource_type, entry.mac))
            case DeleteEntry():
                self.packfiles.discard(entry.packfile)
                self.locations = {key: place for key, place in self.locations.items() if key[2] != entry.packfile}

    def available(self, resource_type: int, mac: bytes) -> set[Location]:
        usable = {packfile for packfile in self.packfiles if (4, packfile) not in self.coloured}
        return {
            place
            for (kind, found, packfile), place in self.locations.items()
            if (kind, found) == (resource_type, mac) and packfile in usable
        }

    def snapshots(self) -> set[bytes]:
        return {
            mac
            for kind, mac, packfile in self.locations
            if kind == 5 and packfile in self.packfiles and (5, mac) not in self.coloured
        }


def oracle_of(states: dict[bytes, State], order: list[bytes]) -> Oracle:
    oracle = Oracle()
    for identifier in order:
        for run in states[identifier].runs:
            for entry in run.read():
                oracle.apply(entry)
    return oracle


def agree(index: Index, oracle: Oracle) -> None:
    for kind in TYPES:
        many = index.find_locations_of(kind, MACS)
        contained = index.contains_many(kind, MACS)
        for mac, places, contains in zip(MACS, many, contained, strict=True):
            available = oracle.available(kind, mac)
            assert index.contains(kind, mac) == contains == bool(available)
            assert set(places[: len(available)]) == available
            assert index.find_locations(kind, mac) == places
            assert index.find_location(kind, mac) == (places[0] if places else None)
            # What is left lies in coloured packfiles.
            assert all(index.is_coloured(ResourceType.PACKFILE, place.packfile) for place in places[len(available) :])
    assert set(index.snapshot_ids()) == oracle.snapshots()
    assert set(index.packfiles) == oracle.packfiles
    listed = dict(index.each_packfile())
    for packfile in PACKFILES:
        held = {
            bytes((kind,)) + mac: (place.offset, place.length)
            for (kind, mac, at), place in oracle.locations.items()
            if at == packfile
        }
        assert index.locations_in(packfile) == held
        rows = listed.get(packfile)
        names = [] if rows is None else zip(rows.types.tolist(), rows.names(), rows.lengths.tolist(), strict=True)
        assert {bytes((kind,)) + mac: length for kind, mac, length in names} == {
            name: length for name, (_, length) in held.items()
        }


def index_that_sorts_after(searches: int) -> Index:
    """An index whose locations become columns once `searches` bytes were searched."""
    index = Index()
    index._locations = Locations(searches)
    return index


@settings(max_examples=150)
@given(stores, st.sampled_from([0, 400, 5000, 1 << 30]))
def test_merge_agrees_with_dictionaries(states: dict[bytes, State], searches: int) -> None:
    index = index_that_sorts_after(searches)
    index.apply_all(states)
    order, lost = order_states(states)
    assert list(index.states) == order
    assert sorted([*order, *lost]) == sorted(states)
    agree(index, oracle_of(states, order))


@settings(max_examples=150)
@given(st.lists(states, max_size=6), st.sampled_from([0, 400, 1 << 30]))
def test_states_that_come_later_find_what_was_already_sorted(states: list[State], searches: int) -> None:
    index, oracle = index_that_sorts_after(searches), Oracle()
    for number, state in enumerate(states):
        index.apply(bytes([number]) * 32, state)
        for run in state.runs:
            for entry in run.read():
                oracle.apply(entry)
        agree(index, oracle)


@given(stores)
def test_parents_come_before_children_and_earlier_siblings_first(states: dict[bytes, State]) -> None:
    order, lost = order_states(states)
    place = {identifier: number for number, identifier in enumerate(order)}
    for identifier in order:
        parent = states[identifier].parent
        assert parent not in states or place[parent] < place[identifier]
    for identifier in lost:
        # Whatever is lost hangs on a cycle.
        seen = set()
        while identifier not in seen:
            seen.add(identifier)
            identifier = states[identifier].parent  # noqa: PLW2901
        assert identifier in lost
    siblings = [identifier for identifier in order if states[identifier].parent not in states]
    assert siblings == sorted(siblings, key=lambda identifier: (states[identifier].timestamp_ns, identifier))


def test_cycle_of_parents_is_told_and_not_applied() -> None:
    one, two, three = (bytes([n]) * 32 for n in (1, 2, 3))
    index = Index()
    index.apply_all({one: State((), 1, two), two: State((), 2, one), three: State((), 3)})
    assert list(index.states) == [three]
    assert index.unreachable == (one, two)


def test_parent_that_no_file_holds_is_told() -> None:
    index = Index()
    index.apply_all({b"1" * 32: State((), 1), b"2" * 32: State((), 2, b"9" * 32)})
    assert index.missing_parents == {b"2" * 32: b"9" * 32}


def test_last_state_and_its_serial_are_for_the_next_writer() -> None:
    index = Index()
    assert (index.last_state, index.serial) == (ZERO_MAC, None)
    index.apply_all({b"1" * 32: State((), 2, serial=b"s" * 16), b"2" * 32: State((), 1)})
    assert (index.last_state, index.serial) == (b"1" * 32, b"s" * 16)


def test_listing_snapshots_does_not_import_numpy() -> None:
    script = """
import sys
from caldav_backup.kloset.index import Index
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.state import LocationEntry, PackfileEntry, State, make_run
index = Index()
runs = make_run([LocationEntry(5, 1, b"i" * 32, b"p" * 32, 0, 1)]), make_run([PackfileEntry(b"p" * 32, b"s" * 32, 0)])
index.apply(b"s" * 32, State(runs, 0))
assert index.snapshot_ids() == [b"i" * 32]
assert index.contains(ResourceType.SNAPSHOT, b"i" * 32)
assert not index.contains(ResourceType.CHUNK, b"i" * 32)
assert "numpy" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True)
