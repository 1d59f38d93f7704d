from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caldav_backup.kloset.codec import Codec
from caldav_backup.kloset.configuration import Configuration
from caldav_backup.kloset.errors import Damaged, KlosetError

KEY = bytes(range(32))
CALENDAR = b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"


def make(*, encrypted: bool, compression: str | None) -> Codec:
    configuration = Configuration.new(encrypted=encrypted, compression=compression)
    return Codec(configuration, KEY if encrypted else None)


CODECS = {
    f"{compression}-{'encrypted' if encrypted else 'plaintext'}": make(encrypted=encrypted, compression=compression)
    for encrypted in (True, False)
    for compression in ("LZ4", "GZIP", "ZSTD", None)
}
EVERY = pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)


@EVERY
@given(data=st.binary(max_size=300))
def test_what_was_encoded_is_decoded(codec: Codec, data: bytes) -> None:
    assert codec.decode(codec.encode(data), len(data)) == data


@EVERY
@given(pieces=st.lists(st.binary(max_size=300), max_size=4))
def test_what_was_encoded_in_pieces_is_decoded_as_a_whole(codec: Codec, pieces: list[bytes]) -> None:
    whole = b"".join(pieces)
    assert codec.decode(b"".join(codec.encode_pieces(pieces)), len(whole)) == whole


@EVERY
def test_long_pieces_have_the_same_segments_as_the_whole(codec: Codec) -> None:
    pieces = [bytes([number]) * 70_000 + random.Random(number).randbytes(70_000) for number in range(4)]
    stored = b"".join(codec.encode_pieces(pieces))
    assert codec.decode(stored, 560_000) == b"".join(pieces)


@EVERY
def test_more_than_the_limit_is_damage(codec: Codec) -> None:
    stored = codec.encode(bytes(1000))
    with pytest.raises(Damaged):
        codec.decode(stored, 999)


def test_without_compression_and_encryption_bytes_stay_as_they_are() -> None:
    assert CODECS["None-plaintext"].encode(CALENDAR) == CALENDAR


@pytest.mark.parametrize(
    ("name", "length"), [("None-plaintext", 0), ("LZ4-plaintext", 15), ("None-encrypted", 40), ("LZ4-encrypted", 83)]
)
def test_an_empty_blob_has_the_length_of_the_format(name: str, length: int) -> None:
    assert len(CODECS[name].encode(b"")) == length


@pytest.mark.parametrize("name", [name for name in CODECS if name.endswith("-encrypted")])
@given(flip=st.integers(1, 255), place=st.floats(0, 1, exclude_max=True))
def test_every_changed_byte_of_sealed_bytes_is_noticed(name: str, flip: int, place: float) -> None:
    codec = CODECS[name]
    stored = bytearray(codec.encode(CALENDAR))
    stored[int(place * len(stored))] ^= flip
    with pytest.raises(Damaged):
        codec.decode(stored, 1000)


@EVERY
@given(garbage=st.binary(max_size=120))
def test_garbage_raises_nothing_but_named_errors(codec: Codec, garbage: bytes) -> None:
    try:
        decoded = codec.decode(garbage, 1000)
    except KlosetError:
        return
    # Without encryption anything may be a stream by chance; the MAC of the blob tells.
    assert len(decoded) <= 1000


def test_equal_blobs_look_different_when_they_are_encrypted() -> None:
    codec = CODECS["LZ4-encrypted"]
    assert len({codec.encode(CALENDAR) for _ in range(100)}) == 100
