"""From a passphrase to the key of a store.

Owns the key derivation functions that a store may name (`docs/design/format.md`, "CONFIG" and "Encryption") and the
bounds on what they may cost: their parameters are used before anything of the store is authenticated, so whoever can
write the storage chooses them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from caldav_backup.kloset.errors import Damaged, ExcessiveKDFCost, UnsupportedStore

KEY_SIZE: Final = 32
SALT_SIZE: Final = 16

_KIB: Final = 1 << 10
_GIB: Final = 1 << 30


@dataclass(frozen=True, slots=True)
class _Bounds:
    memory: int
    """Bytes."""
    passes: int
    """Times that the memory is worked through."""
    iterations: int
    """Of PBKDF2, which uses no memory; about 3 million in a second."""


WITHOUT_CONSENT: Final = _Bounds(memory=_GIB, passes=16, iterations=10_000_000)
AT_ALL: Final = _Bounds(memory=16 * _GIB, passes=1024, iterations=1_000_000_000)


@dataclass(frozen=True, slots=True)
class Argon2id:
    """Argon2id 1.3; the defaults take about a second. `memory` in KiB."""

    time: int = 4
    memory: int = 256 * _KIB
    threads: int = 1
    salt_size: int = SALT_SIZE
    key_size: int = KEY_SIZE

    def check(self, bounds: _Bounds) -> None:
        if self.time < 1 or not 1 <= self.threads <= 0xFF or self.memory < 8 * self.threads:
            raise _impossible(self)
        if self.memory * _KIB > bounds.memory or self.time > bounds.passes:
            raise _excessive(self, bounds)

    def derive(self, passphrase: bytes, salt: bytes) -> bytes:
        from cryptography.hazmat.primitives.kdf.argon2 import Argon2id as Derivation

        return Derivation(
            salt=salt, length=KEY_SIZE, iterations=self.time, lanes=self.threads, memory_cost=self.memory
        ).derive(passphrase)


@dataclass(frozen=True, slots=True)
class Scrypt:
    """scrypt, RFC 7914."""

    n: int = 32768
    r: int = 8
    p: int = 1
    salt_size: int = SALT_SIZE
    key_size: int = KEY_SIZE

    def check(self, bounds: _Bounds) -> None:
        # RFC 7914 §6: N is a power of two, and r·p stays below 2^30.
        if self.n < 2 or self.n & (self.n - 1) or min(self.r, self.p) < 1 or self.r * self.p >= 1 << 30:
            raise _impossible(self)
        if 128 * self.r * (self.n + self.p) > bounds.memory or self.p > bounds.passes:
            raise _excessive(self, bounds)

    def derive(self, passphrase: bytes, salt: bytes) -> bytes:
        from cryptography.hazmat.primitives.kdf.scrypt import Scrypt as Derivation

        return Derivation(salt=salt, length=KEY_SIZE, n=self.n, r=self.r, p=self.p).derive(passphrase)


@dataclass(frozen=True, slots=True)
class PBKDF2:
    """PBKDF2 with HMAC, RFC 8018."""

    iterations: int = 100_000
    hashing: str = "SHA256"
    salt_size: int = SALT_SIZE
    key_size: int = KEY_SIZE

    def check(self, bounds: _Bounds) -> None:
        if self.hashing != "SHA256":
            raise UnsupportedStore(f"the store's key derivation uses the hash {self.hashing[:32]!r}, not known here")
        if self.iterations < 1:
            raise _impossible(self)
        if self.iterations > bounds.iterations:
            raise _excessive(self, bounds)

    def derive(self, passphrase: bytes, salt: bytes) -> bytes:
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

        return PBKDF2HMAC(SHA256(), KEY_SIZE, salt, self.iterations).derive(passphrase)


KDFCost = Argon2id | Scrypt | PBKDF2


@dataclass(frozen=True, slots=True)
class KDFParameters:
    """What CONFIG says about the derivation of the key; none of it is secret."""

    salt: bytes
    cost: KDFCost


def derive_key(passphrase: bytes, parameters: KDFParameters, *, allow_cost: bool = False) -> bytes:
    """The store's key, 32 bytes, from the passphrase as typed (UTF-8, no line end).

    ExcessiveKDFCost above 1 GiB, 16 passes or 10 million iterations, unless `allow_cost`; above 16 GiB, 1024 passes or
    a thousand million iterations always. Damaged for parameters that no store can have.
    """
    cost = parameters.cost
    if cost.key_size != KEY_SIZE or not 8 <= len(parameters.salt) == cost.salt_size:
        raise _impossible(cost)
    cost.check(AT_ALL if allow_cost else WITHOUT_CONSENT)
    try:
        return cost.derive(passphrase, parameters.salt)
    except MemoryError as exc:
        raise ExcessiveKDFCost(f"this machine has not enough memory to unlock the store, which takes {cost}") from exc


def _impossible(cost: KDFCost) -> Damaged:
    return Damaged(f"the store's CONFIG asks for a key derivation that cannot be: {cost}; use another copy of it")


def _excessive(cost: KDFCost, bounds: _Bounds) -> ExcessiveKDFCost:
    advice = (
        "a store is never unlocked at such a cost" if bounds is AT_ALL else "allow it only if you chose it yourself"
    )
    return ExcessiveKDFCost(
        f"unlocking the store would take more than {bounds.memory >> 30} GiB of memory, {bounds.passes} passes or "
        f"{bounds.iterations} iterations: {cost}; {advice}"
    )
