from __future__ import annotations

import contextlib
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caldav_backup.kloset.configuration import (
    DEFAULT_CHUNKING,
    PLAKAR_CHUNKING,
    ChunkSizes,
    Configuration,
    PackfileSizes,
)
from caldav_backup.kloset.errors import Damaged, InvalidArgument, KlosetError, UnsupportedStore
from caldav_backup.kloset.keys import PBKDF2, Argon2id, KDFCost, Scrypt

COSTS: list[KDFCost] = [Argon2id(), Scrypt(), PBKDF2(), Argon2id(1, 16, 2), PBKDF2(1 << 40, "SHA512")]


def make(*, encrypted: bool = True, kdf: KDFCost = Argon2id()) -> Configuration:  # noqa: B008 - a frozen value
    return Configuration.new(encrypted=encrypted, kdf=kdf)


@pytest.mark.parametrize("encrypted", [True, False])
@pytest.mark.parametrize("compression", ["LZ4", "GZIP", "ZSTD", None])
@pytest.mark.parametrize("hashing", ["BLAKE3", "SHA256"])
def test_what_was_written_is_read(encrypted: bool, compression: str | None, hashing: str) -> None:
    configuration = Configuration.new(encrypted=encrypted, compression=compression, hashing=hashing)
    assert Configuration.from_bytes(configuration.to_bytes()) == configuration


@given(
    timestamp_ns=st.integers(-(1 << 60), 1 << 60),
    repository_id=st.uuids(),
    largest=st.integers(1, (1 << 64) - 1),
    sizes=st.tuples(st.integers(64, 100), st.integers(101, 999), st.integers(1000, 128 << 20)),
    kdf=st.sampled_from(COSTS),
)
def test_any_values_survive(
    timestamp_ns: int, repository_id: UUID, largest: int, sizes: tuple[int, int, int], kdf: KDFCost
) -> None:
    configuration = Configuration.new(
        encrypted=True,
        timestamp_ns=timestamp_ns,
        repository_id=repository_id,
        packfile=PackfileSizes(0, 0, largest),
        chunking=ChunkSizes(*sizes),
        kdf=kdf,
    )
    assert Configuration.from_bytes(configuration.to_bytes()) == configuration


def test_the_defaults_are_those_of_the_format() -> None:
    configuration = make()
    assert configuration.packfile == (0, 0, 64 << 20)
    assert configuration.chunking == DEFAULT_CHUNKING
    assert configuration.compression == ("LZ4", 131072, -1, -1, -1, False)
    assert configuration.hashing == "BLAKE3"
    assert configuration.encryption is not None
    assert configuration.encryption[2:] == ("AES256-KW", "AES256-GCM-SIV", 65536)
    assert configuration.encryption.kdf.cost == Argon2id(time=4, memory=262144, threads=1)
    assert configuration.repository_id.version == 4
    assert PLAKAR_CHUNKING == (524288, 1048576, 8388608, "fastcdc-v1.0.0")


def test_two_stores_share_neither_id_nor_salt() -> None:
    one, other = make(), make()
    assert one.repository_id != other.repository_id
    assert one.encryption is not None
    assert other.encryption is not None
    assert one.encryption.kdf.salt != other.encryption.kdf.salt


def test_macs_of_plaintext_stores_depend_on_their_id() -> None:
    configuration = replace(make(encrypted=False), repository_id=UUID("a8d8cba1411e45b9a391604349759870"))
    expected = "f6256fe9ac1f335a75ac3c42a14e94b2374700013d054465343209ac7123687f"
    assert configuration.keyed(None).mac(b"").hex() == expected


def test_macs_of_encrypted_stores_depend_on_the_key_alone() -> None:
    key = bytes.fromhex("ae74180f6fbe368e3c677a499f90d7114123b01e0ad0305ca8c0290dcde5b1f6")
    expected = "6d543f047369df99cdb38acdc2a1d72aa9f0ca46bc1921397b4b62e132558ddb"
    assert make().keyed(key).mac(b"").hex() == expected


@pytest.mark.parametrize(
    ("field", "value"),
    [("compression", "LZMA"), ("hashing", "MD5"), ("chunking", ChunkSizes(64, 128, 256, "ultracdc"))],
)
def test_no_store_is_created_with_what_nobody_could_read(field: str, value: object) -> None:
    with pytest.raises(InvalidArgument):
        Configuration.new(encrypted=False, **{field: value})  # type: ignore[arg-type]


SIZES = [(63, 128, 256), (128, 128, 256), (64, 256, 256), (0, 0, 0), (64, 128, 1 << 31)]


@pytest.mark.parametrize("sizes", SIZES)
def test_impossible_chunk_sizes_are_refused(sizes: tuple[int, int, int]) -> None:
    with pytest.raises(InvalidArgument):
        Configuration.new(encrypted=False, chunking=ChunkSizes(*sizes))
    with pytest.raises(Damaged):
        Configuration.from_bytes(replace(make(), chunking=ChunkSizes(*sizes)).to_bytes())


def test_impossible_sizes_of_packfiles_and_segments_are_refused() -> None:
    configuration = make()
    assert configuration.encryption is not None
    for impossible in (
        replace(configuration, packfile=PackfileSizes(0, 0, 0)),
        replace(configuration, encryption=configuration.encryption._replace(segment_size=0)),
        replace(configuration, encryption=configuration.encryption._replace(segment_size=1 << 40)),
    ):
        with pytest.raises(Damaged):
            Configuration.from_bytes(impossible.to_bytes())


@pytest.mark.parametrize(
    ("known", "unknown"),
    [
        (b"LZ4", b"LZ5"),
        (b"BLAKE3", b"BLAKE4"),
        (b"fastcdc-v1", b"fastcdc-v2"),
        (b"AES256-KW", b"AES256-KX"),
        (b"AES256-GCM-SIV", b"AES256-GCM-SIW"),
        (b"\xa8ARGON2ID", b"\xa8ARGON2IX"),
    ],
)
def test_unknown_algorithms_are_not_supported(known: bytes, unknown: bytes) -> None:
    body = make().to_bytes()
    assert body.count(known) == 1
    with pytest.raises(UnsupportedStore):
        Configuration.from_bytes(body.replace(known, unknown))


@given(body=st.binary(max_size=200))
def test_garbage_raises_a_named_error(body: bytes) -> None:
    with pytest.raises(KlosetError):
        Configuration.from_bytes(body)


@given(st.data())
@pytest.mark.parametrize("kdf", COSTS[:3])
def test_a_changed_byte_is_another_value_or_a_named_error(kdf: KDFCost, data: st.DataObject) -> None:
    body = bytearray(make(kdf=kdf).to_bytes())
    at = data.draw(st.integers(0, len(body) - 1))
    body[at] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(KlosetError):
        Configuration.from_bytes(bytes(body))
