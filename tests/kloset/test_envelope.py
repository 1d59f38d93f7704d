from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caldav_backup.kloset.envelope import HEADER_SIZE, OVERHEAD, read_header, unwrap, wrap, wrap_pieces
from caldav_backup.kloset.errors import Damaged, KlosetError, UnsupportedStore
from caldav_backup.kloset.hashing import Keyed
from caldav_backup.kloset.resources import VERSION_1_0_0, VERSION_1_1_0, ResourceType

KEYED = Keyed("BLAKE3", bytes(range(32)))
MAC = KEYED.mac
STATE = ResourceType.STATE


@given(body=st.binary(max_size=100), version=st.sampled_from([VERSION_1_0_0, VERSION_1_1_0]))
def test_what_was_wrapped_comes_back(body: bytes, version: int) -> None:
    content = wrap(STATE, version, body, MAC)
    assert len(content) == len(body) + OVERHEAD
    assert unwrap(STATE, memoryview(content), MAC, "it") == (version, body)
    assert read_header(STATE, content[:HEADER_SIZE], "it") == version


@given(pieces=st.lists(st.binary(max_size=100), max_size=4))
def test_a_body_in_pieces_is_wrapped_like_the_whole(pieces: list[bytes]) -> None:
    wrapped = b"".join(wrap_pieces(STATE, VERSION_1_1_0, pieces, KEYED.start()))
    assert wrapped == wrap(STATE, VERSION_1_1_0, b"".join(pieces), MAC)


def test_the_frame_is_that_of_the_format() -> None:
    content = wrap(STATE, VERSION_1_1_0, b"body", MAC)
    assert content[:20] == b"_KLOSET_\x03\0\0\0\x00\x01\x01\x00body"
    assert content[20:] == MAC(content[:20])


@given(body=st.binary(max_size=50), flip=st.integers(1, 255), place=st.floats(0, 1, exclude_max=True))
def test_every_changed_byte_is_noticed(body: bytes, flip: int, place: float) -> None:
    content = bytearray(wrap(STATE, VERSION_1_1_0, body, MAC))
    content[int(place * len(content))] ^= flip
    with pytest.raises(KlosetError):
        unwrap(STATE, content, MAC, "it")


def test_a_file_cut_short_or_continued_is_damaged() -> None:
    content = wrap(STATE, VERSION_1_1_0, b"body", MAC)
    for keep in range(len(content)):
        with pytest.raises(Damaged, match="the state 12"):
            unwrap(STATE, content[:keep], MAC, "the state 12")
    with pytest.raises(Damaged):
        unwrap(STATE, content + b"\0", MAC, "it")


def test_a_file_of_another_kind_is_damage() -> None:
    content = wrap(STATE, VERSION_1_0_0, b"body", MAC)
    with pytest.raises(Damaged, match="packfile"):
        unwrap(ResourceType.PACKFILE, content, MAC, "it")


@pytest.mark.parametrize(
    ("kind", "version"),
    [
        (ResourceType.STATE, 0x00010101),
        (ResourceType.STATE, 0x00020000),
        (ResourceType.LOCK, VERSION_1_1_0),
        (ResourceType.PACKFILE, VERSION_1_1_0),
    ],
)
def test_a_newer_version_is_not_supported(kind: ResourceType, version: int) -> None:
    with pytest.raises(UnsupportedStore, match="newer"):
        unwrap(kind, wrap(kind, version, b"body", MAC), MAC, "it")


def test_a_mac_of_another_store_is_noticed() -> None:
    content = wrap(STATE, VERSION_1_0_0, b"body", Keyed("BLAKE3", bytes(32)).mac)
    with pytest.raises(Damaged):
        unwrap(STATE, content, MAC, "it")
