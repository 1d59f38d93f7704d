"""The set of blobs is a set, however many there are and in whatever order they come."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caldav_backup.kloset.live_blobs import LiveBlobs, MacSet

# Zeros at the end are where texts of a fixed width go wrong.
_macs = st.lists(
    st.sampled_from([b"\0", b"\1", b"\xff", b"\0\1"]).map(lambda end: end.rjust(32, b"\7"))
    | st.binary(min_size=32, max_size=32)
    | st.integers(0, 300).map(lambda number: number.to_bytes(2, "big").ljust(32, b"\0"))
)


@settings(max_examples=15)
@given(st.lists(_macs, max_size=6))
def test_members_are_those_that_were_added(batches: list[list[bytes]]) -> None:
    found, expected = MacSet(), set[bytes]()
    for number, batch in enumerate(batches):
        assert found.add(batch) == [mac for mac in dict.fromkeys(batch) if mac not in expected]
        expected.update(batch)
        if number % 2:
            assert list(found) == sorted(expected)
        assert found.contains_many(batch) == [True] * len(batch)
        others = [mac[::-1] for mac in batch]
        assert found.contains_many(others) == [mac in expected for mac in others]
        if number % 3 == 2 and others:
            assert found.contains_array(np.array(others, "S32")).tolist() == [mac in expected for mac in others]
    assert len(found) == len(expected)
    assert list(found) == sorted(expected)


@pytest.mark.full
def test_members_beyond_those_that_wait_are_found() -> None:
    macs = [number.to_bytes(4, "little").ljust(32, b"\3") for number in range(34_000)]
    found = MacSet()
    for start in range(0, len(macs), 17_000):
        assert found.add(macs[start : start + 17_000]) == macs[start : start + 17_000]
    assert found.add(macs) == []
    assert found.contains_many([macs[5], bytes(32)]) == [True, False]
    assert list(found) == sorted(macs)


def test_blobs_of_another_type_are_others() -> None:
    live = LiveBlobs()
    assert live.add(9, [b"a" * 32, b"b" * 32]) == [b"a" * 32, b"b" * 32]
    assert live.add(7, [b"a" * 32]) == [b"a" * 32]
    assert live.contains(7, b"a" * 32)
    assert not live.contains(7, b"b" * 32)
    assert not live.contains(12, b"a" * 32)
    assert live.contains_many(12, [b"a" * 32]) == [False]
    array = np.array([b"a" * 32, b"b" * 32])
    assert [live.contains_array(kind, array).tolist() for kind in (9, 7, 12)] == [
        [True] * 2,
        [True, False],
        [False] * 2,
    ]
    assert list(live) == [(7, b"a" * 32), (9, b"a" * 32), (9, b"b" * 32)]
    assert (len(live), live.count(9), live.count(5)) == (3, 2, 0)
