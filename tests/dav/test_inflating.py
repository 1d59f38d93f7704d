from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caldav_backup import dav
from caldav_backup.dav import requests
from caldav_backup.dav.answer import Answer
from caldav_backup.dav.inflating import PIECE, Damaged, UnknownEncoding, inflating
from tests.dav.fakes import BASE, run, streamed, transport


def raw_deflate(content: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(content) + compressor.flush()


ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "Deflate ": raw_deflate,
}


def inflate(encoding: str, pieces: list[bytes]) -> bytes:
    stream = inflating(encoding)
    assert stream is not None
    found = [inflated for piece in pieces for inflated in stream.pieces(piece)]
    stream.finish()
    assert all(len(each) <= PIECE for each in found)
    return b"".join(found)


@given(st.binary(max_size=2000), st.sampled_from(sorted(ENCODERS)), st.lists(st.integers(0, 2100)))
def test_inflating_undoes_compression_in_whatever_pieces_it_comes(
    content: bytes, encoding: str, cuts: list[int]
) -> None:
    compressed = ENCODERS[encoding](content)
    edges = [0, *sorted(min(cut, len(compressed)) for cut in cuts), len(compressed)]
    assert inflate(encoding, [compressed[begin:end] for begin, end in pairwise(edges)]) == content


def test_members_of_gzip_follow_each_other() -> None:
    assert inflate("gzip", [gzip.compress(b"one") + gzip.compress(b"two")]) == b"onetwo"


@given(st.binary(max_size=300))
def test_other_bytes_are_damaged_or_whatever_they_say(content: bytes) -> None:
    for encoding in ("gzip", "deflate"):
        try:
            inflate(encoding, [content])
        except Damaged:
            continue


@pytest.mark.parametrize("encoding", sorted(ENCODERS))
def test_a_body_that_ends_too_early_is_damaged(encoding: str) -> None:
    with pytest.raises(Damaged):
        inflate(encoding, [ENCODERS[encoding](b"content" * 100)[:-9]])
    assert inflate(encoding, []) == b""


def test_more_than_the_content_is_damaged() -> None:
    with pytest.raises(Damaged):
        inflate("deflate", [zlib.compress(b"x") + b"more"])


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "aes128gcm"])
def test_what_was_not_asked_for_is_not_known(encoding: str) -> None:
    with pytest.raises(UnknownEncoding):
        inflating(encoding)


def test_no_compression_needs_nothing() -> None:
    assert inflating("") is None
    assert inflating("identity") is None


def fail(body: bytes, encoding: str, limit: int) -> dav.DavError:
    async def read(answer: Answer) -> bytes:
        return await answer.read(limit)

    async def story() -> None:
        handle = streamed(200, body, headers={"content-encoding": encoding})
        async with transport(handle) as network:
            await network.exchange(requests.get(f"{BASE}/x"), read)

    with pytest.raises(dav.DavError) as caught:
        run(story())
    return caught.value


@pytest.mark.full
def test_a_bomb_is_refused_before_it_is_inflated() -> None:
    compressor = zlib.compressobj(9, wbits=zlib.MAX_WBITS | 16)
    bomb = b"".join([*(compressor.compress(bytes(1 << 20)) for _ in range(48)), compressor.flush()])
    assert len(bomb) < 100_000
    tracemalloc.start()
    try:
        error = fail(bomb, "gzip", 1_000_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert isinstance(error, dav.BadAnswer)
    assert "more than 1,000,000 bytes" in str(error)
    assert peak < 4_000_000


def test_a_bomb_in_a_bomb_is_not_even_begun() -> None:
    error = fail(gzip.compress(gzip.compress(b"x")), "gzip, gzip", 1_000_000)
    assert isinstance(error, dav.BadAnswer)
    assert "compressed in a way that was not asked for" in str(error)


def test_damage_and_an_early_end_are_bad_answers() -> None:
    assert "compression is damaged" in str(fail(b"no gzip", "gzip", 100))
    assert "compression is damaged" in str(fail(gzip.compress(b"x" * 999)[:-8], "gzip", 10_000))
