from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESGCMSIV
from cryptography.hazmat.primitives.keywrap import aes_key_wrap
from hypothesis import given
from hypothesis import strategies as st

from caldav_backup.kloset import encryption
from caldav_backup.kloset.encryption import check_algorithms, check_canary, make_canary, open_sealed, seal
from caldav_backup.kloset.errors import Damaged, UnsupportedStore, WrongPassphrase

KEY = bytes(32)
WRAPPED = bytes.fromhex("246d75815315bd8b40ac141ba1cbca56785ae73cbbafa7fd20f4c91a99312c946edff8132c8259b4")
HELLO = WRAPPED + bytes.fromhex("000102030405060708090a0bfd6e1082bf94aae0926164db28900995e3e0d475f2")


def test_streams_of_the_format_are_opened() -> None:
    assert open_sealed(KEY, WRAPPED) == b""
    assert open_sealed(KEY, HELLO) == b"hello"


def test_streams_of_the_format_are_made_from_its_subkey_and_nonce() -> None:
    chosen = (bytes(range(32)), bytes(range(12)))
    encryption._fresh.append(chosen)
    assert seal(KEY, b"") == WRAPPED
    encryption._fresh.append(chosen)
    assert seal(KEY, b"hello") == HELLO


@given(data=st.binary(max_size=300), segment_size=st.integers(1, 100))
def test_what_was_sealed_is_opened(data: bytes, segment_size: int) -> None:
    stream = seal(KEY, data, segment_size)
    segments = -(-len(data) // segment_size)
    assert len(stream) == 40 + len(data) + 28 * segments
    assert open_sealed(KEY, memoryview(bytearray(stream)), segment_size) == data


@pytest.mark.parametrize("size", [65535, 65536, 65537, 131072, 200000])
def test_long_streams_have_segments_of_64_kib(size: int) -> None:
    data = os.urandom(size)
    stream = seal(KEY, data)
    assert len(stream) == 40 + size + 28 * -(-size // 65536)
    assert open_sealed(KEY, stream) == data


@pytest.mark.parametrize("data", [b"", b"x", bytes(50)])
def test_every_flipped_byte_is_noticed(data: bytes) -> None:
    stream = seal(KEY, data, 20)
    for at in range(len(stream)):
        flipped = bytearray(stream)
        flipped[at] ^= 1 << at % 8
        with pytest.raises(Damaged):
            open_sealed(KEY, flipped, 20)


def test_a_stream_cut_inside_a_segment_is_damaged() -> None:
    stream = seal(KEY, bytes(50), 20)
    borders = {40, 40 + 48, 40 + 96}
    for keep in set(range(len(stream))) - borders:
        with pytest.raises(Damaged):
            open_sealed(KEY, stream[:keep], 20)


def test_no_subkey_or_nonce_is_used_twice() -> None:
    with ThreadPoolExecutor(4) as threads:
        streams = list(threads.map(lambda _: seal(KEY, b"x"), range(2000)))
    assert len({stream[:40] for stream in streams}) == len(streams)
    assert len({stream[40:52] for stream in streams}) == len(streams)


def test_another_key_opens_nothing() -> None:
    with pytest.raises(Damaged):
        open_sealed(b"\x01" * 32, HELLO)


def test_subkeys_under_gcm_are_read() -> None:
    subkey, nonce = bytes(range(32)), bytes(range(12))
    wrapped = nonce + AESGCM(KEY).encrypt(nonce, subkey, None)
    stream = wrapped + nonce + AESGCMSIV(subkey).encrypt(nonce, b"hello", None)
    assert open_sealed(KEY, stream, subkey_algorithm="AES256-GCM") == b"hello"
    with pytest.raises(Damaged):
        open_sealed(KEY, bytes([stream[0] ^ 1]) + stream[1:], subkey_algorithm="AES256-GCM")


def test_a_canary_knows_its_key() -> None:
    canary = make_canary(KEY)
    assert len(canary) == 100
    check_canary(KEY, canary)
    with pytest.raises(WrongPassphrase):
        check_canary(b"\x01" * 32, canary)
    with pytest.raises(Damaged):
        check_canary(KEY, canary[:-1])
    with pytest.raises(Damaged):
        check_canary(KEY, canary[:39])


def test_unknown_algorithms_are_not_supported() -> None:
    check_algorithms("AES256-KW", "AES256-GCM-SIV")
    check_algorithms("AES256-GCM", "AES256-GCM-SIV")
    for subkeys, blobs in (("AES512-KW", "AES256-GCM-SIV"), ("AES256-KW", "ROT13")):
        with pytest.raises(UnsupportedStore):
            check_algorithms(subkeys, blobs)


def test_subkeys_are_wrapped_as_rfc_3394_says() -> None:
    # RFC 3394 §4.6.
    kek = bytes(range(32))
    subkey = bytes.fromhex("00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f")
    wrapped = bytes.fromhex("28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21")
    assert aes_key_wrap(kek, subkey) == wrapped
    nonce = bytes(12)
    assert open_sealed(kek, wrapped + nonce + AESGCMSIV(subkey).encrypt(nonce, b"hello", None)) == b"hello"
