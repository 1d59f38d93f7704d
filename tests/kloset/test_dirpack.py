"""Frames of a directory's entries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caldav_backup.kloset.dirpack import DIRECTORY, MAX_FRAME, OTHER, Frame, read_frames
from caldav_backup.kloset.errors import Damaged
from tests.kloset.test_entries import ENTRY, EVENT

frames = st.lists(
    st.builds(
        Frame,
        st.sampled_from([DIRECTORY, OTHER]),
        st.binary(min_size=1, max_size=60),
        st.binary(min_size=32, max_size=32),
    ),
    max_size=5,
)


@given(frames, st.lists(st.integers(1, 50), max_size=20))
def test_frames_survive_however_the_stream_is_cut(frames: list[Frame], lengths: list[int]) -> None:
    stream = b"".join(frame.to_bytes() for frame in frames)
    pieces = []
    for length in lengths:
        pieces.append(stream[:length])
        stream = stream[length:]
    assert list(read_frames([*pieces, stream], "/cal")) == frames


def test_frame_gives_its_entry() -> None:
    assert Frame(OTHER, ENTRY, bytes(32)).entry() == EVENT


@given(st.integers(1, 69))
def test_stream_that_ends_inside_a_frame_is_refused(length: int) -> None:
    stream = Frame(OTHER, b"x" * 33, bytes(32)).to_bytes()
    with pytest.raises(Damaged, match="/cal"):
        list(read_frames([stream[:length]], "/cal"))


@pytest.mark.parametrize(
    "head", [b"\x03\x40\x00\x00\x00", b"\x02\x20\x00\x00\x00", b"\x02" + (MAX_FRAME + 1).to_bytes(4, "little")]
)
def test_impossible_frame_is_refused_before_it_is_gathered(head: bytes) -> None:
    with pytest.raises(Damaged):
        list(read_frames([head + bytes(64)], "/cal"))
