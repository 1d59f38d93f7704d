"""The state of a calendar that the next run compares with: one compact record per event, in the directory's order.

Owns the bytes of the extended attribute `user.caldav.resources`. A record is nine bytes (flags and a digest of ETag,
last modification and length); only where the key cannot be derived from the name does the key follow. The names stand
in the directory itself, so they are not stored a second time.

Layout: `01` (version of this layout), then for each entry of the directory in ascending byte order of its name::

    u8 flags | 8 bytes Version.digest() | with HAS_KEY: u16 BE length, key in UTF-8
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from caldav_backup.connectors.base import DIGEST_SIZE, Version

ATTRIBUTE = "resources"
LAYOUT = 1

#: Nothing proves that the record is still the same, so it is fetched again: the source gave no ETag, it was changed
#: just before it was read, or what the snapshot holds is an older copy.
ALWAYS_FETCH = 0x01
#: The name was changed or suffixed, so the key is written out.
HAS_KEY = 0x02

#: Longest key that can be written out.
MAX_KEY_BYTES = 0xFFFF

_KNOWN = ALWAYS_FETCH | HAS_KEY
_FIXED = 1 + DIGEST_SIZE


class KnownResource(NamedTuple):
    """What the last run knew of one record: `key` is None where the name says it."""

    digest: bytes | None
    key: str | None

    def matches(self, version: Version) -> bool:
        """True when `version` is proven to be the state that was stored."""
        return self.digest is not None and version.is_comparable and self.digest == version.digest()


#: A record that the parent holds and of which no version is known: it is fetched again.
UNKNOWN = KnownResource(None, None)


def encode_record(name: str, version: Version, *, is_settled: bool = True) -> bytes:
    """The record of one stored event, by the name it has in the directory; unsettled ones are fetched again."""
    flags = 0 if version.is_comparable and is_settled else ALWAYS_FETCH
    return _encode(flags, version.digest(), None if name == version.leaf else version.key)


def encode_known(known: KnownResource) -> bytes:
    """The record of an event that is kept as it was."""
    if known.digest is None:
        return _encode(ALWAYS_FETCH, bytes(DIGEST_SIZE), known.key)
    return _encode(0, known.digest, known.key)


def _encode(flags: int, digest: bytes, key: str | None) -> bytes:
    if key is None:
        return bytes((flags,)) + digest
    encoded = key.encode("utf-8", "surrogateescape")
    if len(encoded) > MAX_KEY_BYTES:
        # The next run does not know it again by its name, and fetches it.
        return bytes((flags | ALWAYS_FETCH,)) + digest
    return bytes((flags | HAS_KEY,)) + digest + len(encoded).to_bytes(2, "big") + encoded


def encode(records: Sequence[bytes]) -> bytes:
    """The attribute's value."""
    return bytes((LAYOUT,)) + b"".join(records)


def decode(value: bytes) -> Iterator[KnownResource]:
    """The records of an attribute's value; ends early, with nothing, where the layout is unknown or cut.

    Nothing is lost then: what has no record is fetched again.
    """
    if not value or value[0] != LAYOUT:
        return
    position = 1
    while position + _FIXED <= len(value):
        flags = value[position]
        digest = value[position + 1 : position + _FIXED]
        position += _FIXED
        if flags & ~_KNOWN:
            return
        key = None
        if flags & HAS_KEY:
            end = position + 2 + int.from_bytes(value[position : position + 2], "big")
            if end > len(value):
                return
            key = value[position + 2 : end].decode("utf-8", "surrogateescape")
            position = end
        yield KnownResource(None if flags & ALWAYS_FETCH else digest, key)
