"""How a store is encrypted, as CONFIG tells it.

Owns the bytes of that part (`docs/design/format.md`, "CONFIG"). What the values do is told in `keys` and `encryption`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from caldav_backup.kloset import encryption, records
from caldav_backup.kloset.errors import Damaged, UnsupportedStore
from caldav_backup.kloset.fields import Fields
from caldav_backup.kloset.keys import PBKDF2, Argon2id, KDFCost, KDFParameters, Scrypt

_SMALLEST_SEGMENT: Final = 512
_LARGEST_SEGMENT: Final = 1 << 30


class _KDFShape(NamedTuple):
    """How CONFIG writes the parameters of one key derivation function: a field, and what is in it."""

    field: str
    cost: type[KDFCost]
    parts: tuple[tuple[str, str, Callable[[Any], bytes]], ...]

    def encode(self, cost: KDFCost) -> bytes:
        return records.named_map(**{name: encode(getattr(cost, attribute)) for name, attribute, encode in self.parts})

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


class EncryptionParameters(NamedTuple):
    """How blobs are sealed, how the key comes from the passphrase, and the canary that knows the key."""

    kdf: KDFParameters
    canary: bytes = b""
    subkey_algorithm: str = encryption.AES256_KW
    data_algorithm: str = encryption.AES256_GCM_SIV
    segment_size: int = encryption.SEGMENT_SIZE

    def check(self) -> None:
        """UnsupportedStore for an algorithm that is not known here, Damaged for a size that no store can have."""
        encryption.check_algorithms(self.subkey_algorithm, self.data_algorithm)
        if not _SMALLEST_SEGMENT <= self.segment_size <= _LARGEST_SEGMENT:
            raise Damaged(f"sealed segments of {self.segment_size} bytes cannot be")

    def to_bytes(self) -> bytes:
        """The field `Encryption` of CONFIG."""
        kdf = self.kdf
        name, shape = next((name, shape) for name, shape in _KDFS.items() if isinstance(kdf.cost, shape.cost))
        return records.named_map(
            SubKeyAlgorithm=records.string(self.subkey_algorithm),
            DataAlgorithm=records.string(self.data_algorithm),
            ChunkSize=records.shortest_int(self.segment_size),
            KDFParams=records.named_map(
                KDF=records.string(name), Salt=records.binary(kdf.salt), **{shape.field: shape.encode(kdf.cost)}
            ),
            Canary=records.binary(self.canary),
        )

    @classmethod
    def from_fields(cls, fields: Fields) -> EncryptionParameters:
        """What CONFIG says there. UnsupportedStore for a key derivation that is not known here, Damaged."""
        kdf = fields.record("KDFParams")
        name = kdf.text("KDF")
        if name not in _KDFS:
            raise UnsupportedStore(f"the store's key comes from {name[:32]!r}, which is not known here")
        shape = _KDFS[name]
        return cls(
            KDFParameters(kdf.data("Salt"), shape.decode(kdf.record(shape.field))),
            fields.data("Canary"),
            fields.text("SubKeyAlgorithm"),
            fields.text("DataAlgorithm"),
            fields.unsigned("ChunkSize"),
        )
