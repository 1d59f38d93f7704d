from __future__ import annotations

import tracemalloc

import lz4.frame
import pytest
import zstandard
from hypothesis import example, given
from hypothesis import strategies as st

from caldav_backup.kloset.compression import compress, compress_pieces, decompress
from caldav_backup.kloset.errors import Damaged, UnsupportedStore

ALGORITHMS = ["LZ4", "GZIP", "ZSTD"]
ANY = [*ALGORITHMS, None]
REFERENCE_HEADER = bytes.fromhex("04224d186470b9")


@pytest.mark.parametrize("algorithm", ANY)
@given(content=st.binary(max_size=2000), factor=st.sampled_from([1, 7, 200]))
def test_what_was_compressed_comes_back(algorithm: str | None, content: bytes, factor: int) -> None:
    content *= factor
    assert decompress(algorithm, compress(algorithm, content), len(content)) == content


@pytest.mark.parametrize("algorithm", ANY)
def test_any_buffer_can_be_compressed(algorithm: str | None) -> None:
    for buffer in (b"abc", bytearray(b"abc"), memoryview(b"xabcx")[1:4]):
        assert decompress(algorithm, memoryview(compress(algorithm, buffer)), 3) == b"abc"


@pytest.mark.parametrize("algorithm", ANY)
def test_one_byte_above_the_limit_is_damage(algorithm: str | None) -> None:
    with pytest.raises(Damaged):
        decompress(algorithm, compress(algorithm, bytes(1000)), 999)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_bomb_is_refused_before_it_goes_off(algorithm: str) -> None:
    bomb = compress(algorithm, bytes(64 << 20))
    tracemalloc.start()
    with pytest.raises(Damaged):
        decompress(algorithm, bomb, 1000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_an_empty_encoding_is_an_empty_blob(algorithm: str) -> None:
    assert decompress(algorithm, b"", 10) == b""
    assert decompress(algorithm, compress(algorithm, b""), 0) == b""


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@given(content=st.binary(max_size=300), keep=st.floats(0.001, 0.999))
@example(content=b"", keep=0.75)
def test_a_stream_cut_short_is_damaged(algorithm: str, content: bytes, keep: float) -> None:
    stream = compress(algorithm, content)
    with pytest.raises(Damaged):
        decompress(algorithm, stream[: max(1, int(len(stream) * keep))], 1000)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_bytes_behind_a_stream_are_damage(algorithm: str) -> None:
    for stream in (compress(algorithm, b"content"), compress(algorithm, b"")):
        for follower in (b"x", stream):
            with pytest.raises(Damaged):
                decompress(algorithm, stream + follower, 1000)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@given(garbage=st.binary(min_size=1, max_size=100))
def test_garbage_is_damaged(algorithm: str, garbage: bytes) -> None:
    with pytest.raises(Damaged):
        decompress(algorithm, garbage, 1000)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_no_changed_bit_goes_unnoticed(algorithm: str) -> None:
    content = b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"
    whole = compress(algorithm, content)
    for stream in (whole, b"".join(compress_pieces(algorithm, [content]))):
        for bit in range(8 * len(stream)):
            changed = bytearray(stream)
            changed[bit // 8] ^= 1 << bit % 8
            try:
                # A header has bits that mean nothing, such as gzip's time.
                assert decompress(algorithm, bytes(changed), 1000) == content
            except Damaged:
                continue


def test_plakars_frame_of_nothing_is_read() -> None:
    assert decompress("LZ4", REFERENCE_HEADER + bytes.fromhex("00000000055dcc02"), 0) == b""


def test_large_content_has_plakars_frame_header() -> None:
    assert compress("LZ4", bytes(5 << 20)).startswith(REFERENCE_HEADER)


def test_other_valid_frames_are_read() -> None:
    content = b"BEGIN:VEVENT\r\n" * 30000
    assert decompress("LZ4", lz4.frame.compress(content, block_linked=True, store_size=True), 1 << 20) == content
    unsized = zstandard.ZstdCompressor(write_content_size=False).compress(content)
    assert decompress("ZSTD", unsized, 1 << 20) == content
    with pytest.raises(Damaged):
        decompress("ZSTD", unsized, 1000)


def test_gzip_is_the_same_at_any_time() -> None:
    assert compress("GZIP", b"content")[4:8] == bytes(4)


def test_an_unknown_algorithm_is_not_supported() -> None:
    with pytest.raises(UnsupportedStore, match="LZMA"):
        compress("LZMA", b"")
    with pytest.raises(UnsupportedStore, match="LZMA"):
        decompress("LZMA", b"", 0)
