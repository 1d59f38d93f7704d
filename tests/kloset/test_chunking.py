"""Cuts are the ones that plakar's chunker makes, in one piece or streamed."""

from __future__ import annotations

import hashlib
import re
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caldav_backup.kloset.chunking import Chunker, cut, masks, spaced_mask
from caldav_backup.kloset.configuration import ChunkSizes
from caldav_backup.kloset.gear import GEAR

KIB = 1024
PLAKAR = ChunkSizes(512 * KIB, 1024 * KIB, 8192 * KIB)
TINY = ChunkSizes(64, 128, 512)

# Made by go-cdc-chunkers v1.1.0 from the bytes of `pseudo_random` and from zeros.
VECTORS = """
random 0 524288/1048576/8388608: 0
random 100 524288/1048576/8388608: 100
random 524288 524288/1048576/8388608: 524288
random 524289 524288/1048576/8388608: 524289
random 1000000 524288/1048576/8388608: 1000000
random 5000000 524288/1048576/8388608: 1260099 2153121 1586780
random 8000000 524288/1048576/8388608: 1260099 2153121 1608935 1807280 1170565
zero 20000000 524288/1048576/8388608: 8388608 8388608 3222784
random 50000 256/1024/4096: 1690 1636 1136 1826 1123 1193 1542 1212 1123 1208 638 1118 886 1326 1156 1231 1321 \
1379 1092 957 1257 1434 687 1680 1054 1155 1524 1213 1341 1168 754 1244 1004 673 1283 1350 1447 1232 873 1458 \
1084 292
random 200000 2048/8192/65536: 11540 8975 9050 9157 8878 8548 8936 8946 2233 6678 3828 9788 10402 5249 9322 \
11008 4366 6787 10317 11421 12867 2213 8200 9813 1478
random 200000 4096/8192/65536: 9218 9599 9354 9889 9106 10670 10950 9751 6435 10656 8561 9643 8452 9771 10884 \
7836 8913 14429 8524 8608 8663 88
"""


def pseudo_random(length: int) -> bytes:
    """The linear congruential bytes of the vectors, by jumps of 4096 steps at once."""
    import numpy as np

    factor, offset, block = 6364136223846793005, 1442695040888963407, 4096
    factors, offsets = [1], [0]
    for _ in range(block):
        factors.append(factors[-1] * factor % 2**64)
        offsets.append((offsets[-1] * factor + offset) % 2**64)
    steps = np.array(factors[1:], dtype=np.uint64), np.array(offsets[1:], dtype=np.uint64)
    state, blocks = 1, []
    for _ in range(0, length, block):
        states = steps[0] * np.uint64(state) + steps[1]
        blocks.append((states >> np.uint64(56)).astype(np.uint8).tobytes())
        state = int(states[-1])
    return b"".join(blocks)[:length]


def plain_cut(content: bytes, sizes: ChunkSizes) -> list[int]:
    """The definition, one byte at a time: the oracle."""
    small, large = masks(sizes)
    lengths: list[int] = []
    while content or not lengths:
        window = content[: sizes.maximum]
        normal, fingerprint, length = min(sizes.normal, len(window)), 0, len(window)
        for position in range(sizes.minimum, len(window)):
            fingerprint = (2 * fingerprint + GEAR[window[position]]) % 2**64
            if fingerprint & (small if position < normal else large) == 0:
                length = position
                break
        lengths.append(length)
        content = content[length:]
    return lengths


def stream(pieces: list[bytes], sizes: ChunkSizes) -> list[bytes]:
    chunker = Chunker(sizes)
    chunks = [chunk for piece in pieces for chunk in chunker.feed(piece)]
    return chunks + list(chunker.finish())


def test_gear_table_is_the_published_one() -> None:
    packed = struct.pack("<256Q", *GEAR)
    assert hashlib.sha256(packed).hexdigest() == "c4e8f68dd1d035055021eec0298fdf67af2b77a8b690d418533cdb3970760372"


def test_pseudo_random_bytes_are_those_of_the_vectors() -> None:
    assert (
        hashlib.sha256(pseudo_random(5_000_000)).hexdigest()
        == "3eb1d1164004bf8b741ef19e9c6a27eae259ca026509e66e95367465c387132c"
    )


@pytest.mark.parametrize(
    ("sizes", "small", "large"),
    [
        (PLAKAR, 0xAAAAAAAAAAA00000, 0x9249249249249000),
        (ChunkSizes(256, 1024, 4096), 0x8421084210842100, 0x8080808080808080),
        (ChunkSizes(4096, 8192, 65536), 0x8888888888888880, 0x8421084210842000),
        (ChunkSizes(2048, 8192, 65536), 0x0003590703530000, 0x0000D90003530000),
    ],
)
def test_masks_follow_the_normal_size(sizes: ChunkSizes, small: int, large: int) -> None:
    assert masks(sizes) == (small, large)


def test_spaced_mask_begins_at_the_highest_bit() -> None:
    assert spaced_mask(1) == 1 << 63
    assert spaced_mask(64) == 2**64 - 1


@pytest.mark.parametrize("vector", VECTORS.strip().splitlines())
def test_cuts_are_those_of_the_reference(vector: str) -> None:
    match = re.fullmatch(r"(random|zero) (\d+) (\d+)/(\d+)/(\d+): ([\d ]+)", vector)
    assert match
    kind, length, minimum, normal, maximum, expected = match.groups()
    content = pseudo_random(int(length)) if kind == "random" else bytes(int(length))
    assert cut(content, ChunkSizes(int(minimum), int(normal), int(maximum))) == list(map(int, expected.split()))


def test_a_golden_file_of_plakar_is_cut_alike() -> None:
    blocks = (hashlib.sha256(b"kloset-golden-big" + struct.pack(">Q", i)).digest() for i in range(6 << 15))
    assert cut(b"".join(blocks), PLAKAR) == [1168888, 1888464, 1173265, 1165606, 895233]


contents = st.one_of(
    st.binary(max_size=4000),
    st.builds(lambda piece, times: piece * times, st.binary(min_size=1, max_size=300), st.integers(1, 40)),
)
sizes_of_chunks = st.sampled_from(
    [TINY, ChunkSizes(64, 100, 101), ChunkSizes(100, 256, 3000), ChunkSizes(65, 128, 200)]
)


@given(contents, sizes_of_chunks)
def test_blocks_cut_as_the_definition_does(content: bytes, sizes: ChunkSizes) -> None:
    assert cut(content, sizes) == plain_cut(content, sizes)


def test_cuts_across_block_borders_are_those_of_the_definition() -> None:
    sizes = ChunkSizes(100, 20_000, 200_000)
    content = pseudo_random(300_000)
    assert cut(content, sizes) == plain_cut(content, sizes)


@given(st.lists(contents, max_size=8), sizes_of_chunks)
def test_a_stream_is_cut_like_the_whole(pieces: list[bytes], sizes: ChunkSizes) -> None:
    content = b"".join(pieces)
    chunks = stream(pieces, sizes)
    assert b"".join(chunks) == content
    assert list(map(len, chunks)) == cut(content, sizes)


def test_a_stream_of_many_chunks_ends_at_a_cut_without_an_empty_chunk() -> None:
    whole = pseudo_random(2000)
    first = cut(whole, TINY)[0]
    assert stream([whole[:first]], TINY) == [whole[:first]]
    assert stream([bytes(512), bytes(512)], TINY) == [bytes(512), bytes(512)]


def test_chunks_come_before_the_stream_ends() -> None:
    chunker = Chunker(TINY)
    assert sum(len(list(chunker.feed(bytes(512)))) for _ in range(10)) == 10
    assert list(chunker.finish()) == []
