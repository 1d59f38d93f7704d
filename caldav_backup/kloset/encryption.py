"""Sealing bytes under a store's key, so that nobody without it can read or make them.

Owns the stream of `docs/design/format.md`, "Encryption": a fresh subkey for each stream, wrapped under the key (RFC
3394), then segments in AES-256-GCM-SIV (RFC 8452). Where the key comes from is told in `keys`. The stream marks neither
its end nor the order of its segments; the MAC around it does.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESGCMSIV
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from caldav_backup.kloset.errors import Damaged, UnsupportedStore, WrongPassphrase
from caldav_backup.kloset.keys import KEY_SIZE

if TYPE_CHECKING:
    from caldav_backup.kloset.resources import BytesLike

SEGMENT_SIZE: Final = 65536
"""Plain bytes of every segment but the last."""

AES256_KW: Final = "AES256-KW"
AES256_GCM: Final = "AES256-GCM"  # of old stores; never written
AES256_GCM_SIV: Final = "AES256-GCM-SIV"

_NONCE_SIZE: Final = 12
_TAG_SIZE: Final = 16
SEGMENT_OVERHEAD: Final = _NONCE_SIZE + _TAG_SIZE
"""Bytes by which each sealed segment is longer than a plain one."""
_WRAPPED_SIZE: Final = {AES256_KW: KEY_SIZE + 8, AES256_GCM: _NONCE_SIZE + KEY_SIZE + _TAG_SIZE}
SEALED_HEAD: Final = max(_WRAPPED_SIZE.values())
"""Most bytes in front of the first segment."""
_BATCH: Final = 64
_CANARY_SIZE: Final = 32

_fresh: list[tuple[bytes, bytes]] = []


def seal(key: bytes, data: BytesLike, segment_size: int = SEGMENT_SIZE) -> bytes:
    """The stream that holds `data`: 40 bytes, and 28 for each segment, longer. May be called from any thread."""
    subkey, nonce = _take_fresh()
    wrapped = aes_key_wrap(key, subkey)
    size = len(data)
    if size == 0:
        return wrapped
    encrypt = AESGCMSIV(subkey).encrypt
    if size <= segment_size:
        return wrapped + nonce + encrypt(nonce, data, None)
    parts = [wrapped]
    whole = memoryview(data)
    for start in range(0, size, segment_size):
        nonce = os.urandom(_NONCE_SIZE)
        parts += (nonce, encrypt(nonce, whole[start : start + segment_size], None))
    return b"".join(parts)


def seal_pieces(key: bytes, pieces: Iterable[BytesLike], segment_size: int = SEGMENT_SIZE) -> Iterator[bytes]:
    """The same stream for content that comes in pieces, and of which no more than one and a segment is held."""
    subkey, _ = _take_fresh()
    yield aes_key_wrap(key, subkey)
    encrypt = AESGCMSIV(subkey).encrypt
    for segment in _segments(pieces, segment_size):
        nonce = os.urandom(_NONCE_SIZE)
        yield nonce + encrypt(nonce, segment, None)


def _segments(pieces: Iterable[BytesLike], size: int) -> Iterator[bytes]:
    """The same bytes in pieces of this size, but for the last."""
    gathered = bytearray()
    for piece in pieces:
        gathered += piece
        whole = len(gathered) - len(gathered) % size
        for start in range(0, whole, size):
            yield bytes(gathered[start : start + size])
        del gathered[:whole]
    if gathered:
        yield bytes(gathered)


def open_sealed(
    key: bytes, stream: BytesLike, segment_size: int = SEGMENT_SIZE, subkey_algorithm: str = AES256_KW
) -> bytes:
    """What was sealed. Damaged when the stream was changed, or not made with this key."""
    whole = memoryview(stream)
    at = _WRAPPED_SIZE[subkey_algorithm]
    try:
        subkey = _unwrap(key, whole[:at], subkey_algorithm)
    except (InvalidUnwrap, InvalidTag) as exc:
        raise Damaged("sealed bytes do not begin with a key of this store; the store is damaged there") from exc
    return _open_segments(subkey, whole[at:], segment_size)


def make_canary(key: bytes) -> bytes:
    """What CONFIG keeps so that a passphrase can be tried: 32 random bytes, sealed."""
    return seal(key, os.urandom(_CANARY_SIZE))


def check_canary(key: bytes, canary: bytes, subkey_algorithm: str = AES256_KW) -> None:
    """WrongPassphrase unless the canary was sealed with this key; Damaged when it was changed since."""
    at = _WRAPPED_SIZE[subkey_algorithm]
    try:
        subkey = _unwrap(key, canary[:at], subkey_algorithm)
    except (InvalidUnwrap, InvalidTag) as exc:
        raise WrongPassphrase("the passphrase does not open the store, unless the file CONFIG is damaged") from exc
    _open_segments(subkey, memoryview(canary)[at:], SEGMENT_SIZE)


def check_algorithms(subkey_algorithm: str, data_algorithm: str) -> None:
    """UnsupportedStore unless this module can open what these made."""
    if subkey_algorithm not in _WRAPPED_SIZE or data_algorithm != AES256_GCM_SIV:
        raise UnsupportedStore(
            f"the store is encrypted with {subkey_algorithm[:32]!r} and {data_algorithm[:32]!r}, "
            "which is not known here; a newer version may read it"
        )


def _unwrap(key: bytes, wrapped: BytesLike, algorithm: str) -> bytes:
    if len(wrapped) != _WRAPPED_SIZE[algorithm]:
        raise Damaged(f"sealed bytes end after {len(wrapped)}; the store is damaged there")
    if algorithm == AES256_KW:
        return aes_key_unwrap(key, bytes(wrapped))
    return AESGCM(key).decrypt(bytes(wrapped[:_NONCE_SIZE]), wrapped[_NONCE_SIZE:], None)


def _open_segments(subkey: bytes, segments: memoryview, segment_size: int) -> bytes:
    size = len(segments)
    if size == 0:
        return b""
    decrypt = AESGCMSIV(subkey).decrypt
    stride = segment_size + SEGMENT_OVERHEAD
    parts = []
    try:
        for start in range(0, size, stride):
            end = start + stride
            nonce = bytes(segments[start : start + _NONCE_SIZE])
            parts.append(decrypt(nonce, segments[start + _NONCE_SIZE : end], None))
    # A segment shorter than its nonce and tag is a ValueError.
    except (InvalidTag, ValueError) as exc:
        raise Damaged("sealed bytes were changed or cut short; the store is damaged there") from exc
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _take_fresh() -> tuple[bytes, bytes]:
    """A subkey and a nonce that nobody else gets; asking the system for many at once takes a tenth of the time."""
    try:
        # One atomic step, so that no two threads take the same.
        return _fresh.pop()
    except IndexError:
        block = os.urandom(_BATCH * (KEY_SIZE + _NONCE_SIZE))
        cuts = range(0, len(block), KEY_SIZE + _NONCE_SIZE)
        pairs = [(block[at : at + KEY_SIZE], block[at + KEY_SIZE : at + KEY_SIZE + _NONCE_SIZE]) for at in cuts]
        taken = pairs.pop()
        _fresh.extend(pairs)
        return taken


# A forked process must not seal with what its parent still holds.
os.register_at_fork(after_in_child=_fresh.clear)
