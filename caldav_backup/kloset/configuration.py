"""What a store was created with.

Owns the body of CONFIG, to the byte (`docs/design/format.md`, "CONFIG"): everything that readers and writers must take
from the store and not from constants. What the values do is told where they are used, and the file around them in
`unlocking`.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4

from caldav_backup.kloset import compression as compressions
from caldav_backup.kloset import encryption as encryptions
from caldav_backup.kloset import hashing as hashes
from caldav_backup.kloset import records
from caldav_backup.kloset.errors import Damaged, InvalidArgument, KlosetError, UnsupportedStore
from caldav_backup.kloset.fields import Fields, read_fields
from caldav_backup.kloset.keys import PBKDF2, SALT_SIZE, Argon2id, KDFCost, KDFParameters, Scrypt

FASTCDC: Final = "fastcdc-v1.0.0"

# What go-cdc-chunkers accepts.
SMALLEST_CHUNK: Final = 64
LARGEST_CHUNK: Final = 1 << 30
# What is held in memory as a whole, several times; the store of somebody else must not choose more.
_LARGEST_CHUNK_HERE: Final = 128 << 20
_SMALLEST_SEGMENT: Final = 512
_LARGEST_SEGMENT: Final = 1 << 30


class PackfileSizes(NamedTuple):
    """Bytes of a packfile; only the largest counts, after which a packfile is closed."""

    min_size: int = 0
    avg_size: int = 0
    max_size: int = 64 << 20


class ChunkSizes(NamedTuple):
    """Bytes of a chunk."""

    minimum: int
    normal: int
    maximum: int
    algorithm: str = FASTCDC


PLAKAR_CHUNKING: Final = ChunkSizes(512 << 10, 1 << 20, 8 << 20)
"""What plakar creates stores with; suits files better than events."""

DEFAULT_CHUNKING: Final = ChunkSizes(4 << 10, 16 << 10, 64 << 10)
"""Suits calendars, whose longest contents are listings of directories: one changed event changes few bytes of them."""


class CompressionParameters(NamedTuple):
    """How blobs are compressed. Everything but the algorithm is written down and never used."""

    algorithm: str
    level: int
    window_size: int = -1
    chunk_size: int = -1
    block_size: int = -1
    enable_crc: bool = False


class EncryptionParameters(NamedTuple):
    """How blobs are sealed, how the key comes from the passphrase, and the canary that knows the key."""

    kdf: KDFParameters
    canary: bytes = b""
    subkey_algorithm: str = encryptions.AES256_KW
    data_algorithm: str = encryptions.AES256_GCM_SIV
    segment_size: int = encryptions.SEGMENT_SIZE


# The levels that the reference writes beside each algorithm.
_LEVELS: Final = {compressions.LZ4: 131072, compressions.GZIP: -1, compressions.ZSTD: 2}


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything in CONFIG. `timestamp_ns` of creation, since the Unix epoch."""

    timestamp_ns: int
    repository_id: UUID
    packfile: PackfileSizes
    chunking: ChunkSizes
    hashing: str
    compression: CompressionParameters | None
    encryption: EncryptionParameters | None
    hash_bits: int = 256

    @classmethod
    def new(
        cls,
        *,
        encrypted: bool,
        compression: str | None = compressions.LZ4,
        hashing: str = hashes.BLAKE3,
        chunking: ChunkSizes = DEFAULT_CHUNKING,
        packfile: PackfileSizes = PackfileSizes(),  # noqa: B008 - a frozen value
        kdf: KDFCost = Argon2id(),  # noqa: B008 - a frozen value
        timestamp_ns: int | None = None,
        repository_id: UUID | None = None,
    ) -> Configuration:
        """A store that is still to be created; InvalidArgument for what no store can have.

        The canary of an encrypted one comes with its key: see `unlocking`.
        """
        made = cls(
            timestamp_ns=time.time_ns() if timestamp_ns is None else timestamp_ns,
            repository_id=repository_id or uuid4(),
            packfile=packfile,
            chunking=chunking,
            hashing=hashing,
            compression=CompressionParameters(compression, _LEVELS.get(compression, -1)) if compression else None,
            encryption=EncryptionParameters(KDFParameters(secrets.token_bytes(SALT_SIZE), kdf)) if encrypted else None,
        )
        try:
            made.check()
        except KlosetError as exc:
            raise InvalidArgument(f"no store can be created like this: {exc}") from exc
        return made

    @property
    def is_encrypted(self) -> bool:
        return self.encryption is not None

    def keyed(self, key: bytes | None) -> hashes.Keyed:
        """The hash that makes the store's MACs; `key` is None in a plaintext store."""
        return hashes.Keyed(self.hashing, key or hashes.plain_hash(self.hashing, self.repository_id.bytes))

    def check(self) -> None:
        """UnsupportedStore for an algorithm that is not known here, Damaged for sizes that no store can have."""
        hashes.plain_hash(self.hashing, b"")
        if self.compression is not None:
            compressions.compressor(self.compression.algorithm)
        if self.chunking.algorithm != FASTCDC:
            raise UnsupportedStore(f"the store cuts content by {self.chunking.algorithm[:32]!r}, not known here")
        sizes = self.chunking
        if not SMALLEST_CHUNK <= sizes.minimum < sizes.normal < sizes.maximum <= LARGEST_CHUNK:
            raise Damaged(f"chunks of {sizes.minimum} to {sizes.maximum} bytes, normally {sizes.normal}, cannot be")
        if sizes.maximum > _LARGEST_CHUNK_HERE:
            raise UnsupportedStore(
                f"the store has chunks of up to {sizes.maximum} bytes, more than the {_LARGEST_CHUNK_HERE} read here"
            )
        if self.packfile.max_size < 1:
            raise Damaged(f"packfiles of {self.packfile.max_size} bytes cannot be")
        if self.encryption is not None:
            encryptions.check_algorithms(self.encryption.subkey_algorithm, self.encryption.data_algorithm)
            if not _SMALLEST_SEGMENT <= self.encryption.segment_size <= _LARGEST_SEGMENT:
                raise Damaged(f"sealed segments of {self.encryption.segment_size} bytes cannot be")

    def to_bytes(self) -> bytes:
        """The body of CONFIG."""
        return _map(
            Timestamp=records.timestamp(self.timestamp_ns),
            RepositoryID=records.binary(self.repository_id.bytes),
            Packfile=_map(
                MinSize=records.uint64(self.packfile.min_size),
                AvgSize=records.uint64(self.packfile.avg_size),
                MaxSize=records.uint64(self.packfile.max_size),
            ),
            Chunking=_map(
                Algorithm=records.string(self.chunking.algorithm),
                MinSize=records.uint32(self.chunking.minimum),
                NormalSize=records.uint32(self.chunking.normal),
                MaxSize=records.uint32(self.chunking.maximum),
            ),
            Hashing=_map(Algorithm=records.string(self.hashing), Bits=records.uint32(self.hash_bits)),
            Compression=records.NIL if self.compression is None else _encode_compression(self.compression),
            Encryption=records.NIL if self.encryption is None else _encode_encryption(self.encryption),
        )

    @classmethod
    def from_bytes(cls, body: bytes) -> Configuration:
        """Damaged, or UnsupportedStore for an algorithm that is not known here."""
        fields = read_fields(body, "the store's CONFIG")
        read = cls(
            timestamp_ns=fields.time("Timestamp"),
            repository_id=UUID(bytes=fields.uuid("RepositoryID")),
            packfile=_decode_packfile(fields.record("Packfile")),
            chunking=_decode_chunking(fields.record("Chunking")),
            hashing=fields.record("Hashing").text("Algorithm"),
            compression=_decode_compression(fields.record("Compression")) if fields.has("Compression") else None,
            encryption=_decode_encryption(fields.record("Encryption")) if fields.has("Encryption") else None,
            hash_bits=fields.record("Hashing").unsigned("Bits"),
        )
        read.check()
        return read


def _map(**values: bytes) -> bytes:
    parts = [records.map_header(len(values))]
    for name, value in values.items():
        parts += (records.string(name), value)
    return b"".join(parts)


def _decode_packfile(fields: Fields) -> PackfileSizes:
    return PackfileSizes(fields.unsigned("MinSize"), fields.unsigned("AvgSize"), fields.unsigned("MaxSize"))


def _decode_chunking(fields: Fields) -> ChunkSizes:
    minimum, normal, maximum = map(fields.unsigned, ("MinSize", "NormalSize", "MaxSize"))
    return ChunkSizes(minimum, normal, maximum, fields.text("Algorithm"))


def _encode_compression(parameters: CompressionParameters) -> bytes:
    return _map(
        Algorithm=records.string(parameters.algorithm),
        Level=records.shortest_int(parameters.level),
        WindowSize=records.shortest_int(parameters.window_size),
        ChunkSize=records.shortest_int(parameters.chunk_size),
        BlockSize=records.shortest_int(parameters.block_size),
        EnableCRC=records.boolean(parameters.enable_crc),
    )


def _decode_compression(fields: Fields) -> CompressionParameters:
    level, window, chunk, block = map(fields.signed, ("Level", "WindowSize", "ChunkSize", "BlockSize"))
    return CompressionParameters(fields.text("Algorithm"), level, window, chunk, block, fields.flag("EnableCRC"))


class _KDFShape(NamedTuple):
    """How CONFIG writes the parameters of one key derivation function: a field, and what is in it."""

    field: str
    cost: type[KDFCost]
    parts: tuple[tuple[str, str, Callable[[Any], bytes]], ...]

    def encode(self, cost: KDFCost) -> bytes:
        return _map(**{name: encode(getattr(cost, attribute)) for name, attribute, encode in self.parts})

    def decode(self, fields: Fields) -> KDFCost:
        values: dict[str, Any] = {
            attribute: fields.text(name) if encode is records.string else fields.unsigned(name)
            for name, attribute, encode in self.parts
        }
        return self.cost(**values)


_KDFS: Final = {
    "ARGON2ID": _KDFShape(
        "argon2id",
        Argon2id,
        (
            ("SaltSize", "salt_size", records.uint32),
            ("Time", "time", records.uint32),
            ("Memory", "memory", records.uint32),
            ("Threads", "threads", records.uint8),
            ("KeyLen", "key_size", records.uint32),
        ),
    ),
    "SCRYPT": _KDFShape(
        "scrypt",
        Scrypt,
        (
            ("SaltSize", "salt_size", records.uint32),
            ("N", "n", records.shortest_int),
            ("R", "r", records.shortest_int),
            ("P", "p", records.shortest_int),
            ("KeyLen", "key_size", records.shortest_int),
        ),
    ),
    "PBKDF2": _KDFShape(
        "pbkdf2",
        PBKDF2,
        (
            ("SaltSize", "salt_size", records.uint32),
            ("Iterations", "iterations", records.shortest_int),
            ("KeyLen", "key_size", records.shortest_int),
            ("Hashing", "hashing", records.string),
        ),
    ),
}


def _encode_encryption(parameters: EncryptionParameters) -> bytes:
    kdf = parameters.kdf
    name, shape = next((name, shape) for name, shape in _KDFS.items() if isinstance(kdf.cost, shape.cost))
    return _map(
        SubKeyAlgorithm=records.string(parameters.subkey_algorithm),
        DataAlgorithm=records.string(parameters.data_algorithm),
        ChunkSize=records.shortest_int(parameters.segment_size),
        KDFParams=_map(
            KDF=records.string(name), Salt=records.binary(kdf.salt), **{shape.field: shape.encode(kdf.cost)}
        ),
        Canary=records.binary(parameters.canary),
    )


def _decode_encryption(fields: Fields) -> EncryptionParameters:
    kdf = fields.record("KDFParams")
    name = kdf.text("KDF")
    if name not in _KDFS:
        raise UnsupportedStore(f"the store's key comes from {name[:32]!r}, which is not known here")
    shape = _KDFS[name]
    return EncryptionParameters(
        KDFParameters(kdf.data("Salt"), shape.decode(kdf.record(shape.field))),
        fields.data("Canary"),
        fields.text("SubKeyAlgorithm"),
        fields.text("DataAlgorithm"),
        fields.unsigned("ChunkSize"),
    )
