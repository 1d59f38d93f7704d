"""Streams of state files."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caldav_backup.kloset.errors import Damaged
from caldav_backup.kloset.resources import VERSION_1_0_0, VERSION_1_1_0, ZERO_MAC
from caldav_backup.kloset.state import (
    LOCATION_STRIDE,
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
from tests.kloset.test_objects import macs, unsigned32, unsigned64

SERIAL = bytes(range(16))
bytes8 = st.integers(0, 255)
entries = st.one_of(
    st.builds(LocationEntry, bytes8, unsigned32, macs, macs, unsigned64, unsigned32, unsigned32),
    st.builds(ColouredEntry, bytes8, macs, unsigned64),
    st.builds(PackfileEntry, macs, macs, unsigned64),
    st.builds(DeleteEntry, st.sampled_from([2, 3, 4]), bytes8, macs, macs),
)


def state_of(*entries: Entry, parent: bytes = ZERO_MAC) -> State:
    return State(tuple(make_run([entry]) for entry in entries), 1_700_000_000_000_000_000, parent, SERIAL)


def entries_of(state: State) -> list[Entry]:
    return [entry for run in state.runs for entry in run.read()]


@given(st.lists(entries, max_size=12), macs)
def test_state_survives_the_round_trip(entries: list[Entry], parent: bytes) -> None:
    state = state_of(*entries, parent=parent)
    read = State.from_bytes(state.to_bytes(), VERSION_1_1_0)
    assert entries_of(read) == entries
    assert (read.parent, read.serial, read.timestamp_ns) == (parent, SERIAL, state.timestamp_ns)
    assert read.to_bytes() == state.to_bytes()


def test_neighbouring_entries_of_one_type_become_one_run() -> None:
    places = [LocationEntry(9, VERSION_1_0_0, bytes([n]) * 32, b"\x02" * 32, 0x02_02_02_02, 0x55) for n in range(9)]
    state = state_of(*places, ColouredEntry(5, ZERO_MAC, 0), places[0])
    read = State.from_bytes(state.to_bytes(), VERSION_1_1_0)
    assert [(run.type, len(run.entries)) for run in read.runs] == [
        (EntryType.LOCATION, 9 * LOCATION_STRIDE),
        (EntryType.COLOURED, 46),
        (EntryType.LOCATION, LOCATION_STRIDE),
    ]


def test_location_entry_has_one_byte_for_the_type() -> None:
    entry = LocationEntry(7, VERSION_1_0_0, b"m" * 32, b"p" * 32, 3, 4)
    run = make_run([entry]).entries
    assert run == b"\x02\x55\x00\x00\x00\x07\x00\x00\x01\x00" + b"m" * 32 + b"p" * 32 + b"\x03" + bytes(
        7
    ) + b"\x04" + bytes(7)
    assert entry.location == Location(b"p" * 32, 3, 4)


def test_entries_of_unknown_types_and_configurations_are_skipped() -> None:
    known = make_run([ColouredEntry(5, b"i" * 32, 9)]).entries
    strange = b"\x05\x03\x00\x00\x00abc" + known + b"\x63\x00\x00\x00\x00" + b"\x64\x01\x00\x00\x00z"
    stream = state_of().to_bytes()
    read = State.from_bytes(stream[:32] + strange + stream[32:], VERSION_1_1_0)
    assert entries_of(read) == [ColouredEntry(5, b"i" * 32, 9)]


def test_old_version_has_no_parent_and_no_deletions() -> None:
    stream = state_of(DeleteEntry(2), ColouredEntry(5, b"i" * 32, 9)).to_bytes()[32:]
    read = State.from_bytes(stream, VERSION_1_0_0)
    assert entries_of(read) == [ColouredEntry(5, b"i" * 32, 9)]
    assert read.parent == ZERO_MAC


STREAM = state_of(LocationEntry(7, 1, b"m" * 32, b"p" * 32, 3, 4), PackfileEntry(b"p" * 32, b"s" * 32, 5)).to_bytes()


@pytest.mark.parametrize("length", range(len(STREAM)))
def test_state_cut_short_is_refused(length: int) -> None:
    with pytest.raises(Damaged):
        State.from_bytes(STREAM[:length], VERSION_1_1_0)


def test_bytes_behind_the_end_are_refused() -> None:
    with pytest.raises(Damaged):
        State.from_bytes(STREAM + b"\0", VERSION_1_1_0)


def test_known_type_of_another_length_is_refused() -> None:
    with pytest.raises(Damaged, match="instead of 85"):
        State.from_bytes(STREAM[:33] + struct.pack("<I", 84) + STREAM[37:], VERSION_1_1_0)


def test_deletion_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(Damaged, match="unknown kind"):
        State.from_bytes(state_of(DeleteEntry(2), DeleteEntry(5)).to_bytes(), VERSION_1_1_0)


@given(st.integers(0, len(STREAM) - 1), st.integers(1, 255))
def test_changed_state_is_either_refused_or_another_state(place: int, change: int) -> None:
    changed = bytearray(STREAM)
    changed[place] ^= change
    try:
        read = State.from_bytes(bytes(changed), VERSION_1_1_0)
    except Damaged:
        return
    assert isinstance(read, State)
