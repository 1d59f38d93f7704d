"""What a store was created with.

Owns the body of CONFIG, to the byte (`docs/design/format.md`, "CONFIG"): everything that readers and writers must take
from the store and not from constants. What the values do is told where they are used, and the file around them in
`unlocking`.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import Final, NamedTuple
from uuid import UUID, uuid4

from caldav_backup.kloset import compression as compressions
from caldav_backup.kloset import hashing as hashes
from caldav_backup.kloset import records
from caldav_backup.kloset.encryption_parameters import EncryptionParameters
from caldav_backup.kloset.errors import Damaged, InvalidArgument, KlosetError, UnsupportedStore
from caldav_backup.kloset.fields import Fields, read_fields
from caldav_backup.kloset.keys import SALT_SIZE, Argon2id, KDFCost, KDFParameters

FASTCDC: Final = "fastcdc-v1.0.0"

# What go-cdc-chunkers accepts.
SMALLEST_CHUNK: Final = 64
LARGEST_CHUNK: Final = 1 << 30
# What is held in memory as a whole, several times; the store of somebody else must not choose more.
_LARGEST_CHUNK_HERE: Final = 128 << 20


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
            self.encryption.check()

    def to_bytes(self) -> bytes:
        """The body of CONFIG."""
        return records.named_map(
            Timestamp=records.timestamp(self.timestamp_ns),
            RepositoryID=records.binary(self.repository_id.bytes),
            Packfile=records.named_map(
                MinSize=records.uint64(self.packfile.min_size),
                AvgSize=records.uint64(self.packfile.avg_size),
                MaxSize=records.uint64(self.packfile.max_size),
            ),
            Chunking=records.named_map(
                Algorithm=records.string(self.chunking.algorithm),
                MinSize=records.uint32(self.chunking.minimum),
                NormalSize=records.uint32(self.chunking.normal),
                MaxSize=records.uint32(self.chunking.maximum),
            ),
            Hashing=records.named_map(Algorithm=records.string(self.hashing), Bits=records.uint32(self.hash_bits)),
            Compression=records.NIL if self.compression is None else _encode_compression(self.compression),
            Encryption=records.NIL if self.encryption is None else self.encryption.to_bytes(),
        )

    @classmethod
    def from_bytes(cls, body: bytes) -> Configuration:
        """Damaged, or UnsupportedStore for an algorithm that is not known here."""
        fields = read_fields(body, "the store's CONFIG")
        is_encrypted = fields.has("Encryption")
        read = cls(
            timestamp_ns=fields.time("Timestamp"),
            repository_id=UUID(bytes=fields.uuid("RepositoryID")),
            packfile=_decode_packfile(fields.record("Packfile")),
            chunking=_decode_chunking(fields.record("Chunking")),
            hashing=fields.record("Hashing").text("Algorithm"),
            compression=_decode_compression(fields.record("Compression")) if fields.has("Compression") else None,
            encryption=EncryptionParameters.from_fields(fields.record("Encryption")) if is_encrypted else None,
            hash_bits=fields.record("Hashing").unsigned("Bits"),
        )
        read.check()
        return read


def _decode_packfile(fields: Fields) -> PackfileSizes:
    return PackfileSizes(fields.unsigned("MinSize"), fields.unsigned("AvgSize"), fields.unsigned("MaxSize"))


def _decode_chunking(fields: Fields) -> ChunkSizes:
    minimum, normal, maximum = map(fields.unsigned, ("MinSize", "NormalSize", "MaxSize"))
    return ChunkSizes(minimum, normal, maximum, fields.text("Algorithm"))


def _encode_compression(parameters: CompressionParameters) -> bytes:
    return records.named_map(
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
