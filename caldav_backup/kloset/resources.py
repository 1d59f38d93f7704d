"""Kinds of things in a store, versions of their records, and the size of the MACs that name them.

Owns the numbers of `docs/design/format.md`, "Overview". Knows nothing of how any of the kinds is laid out.
"""

from __future__ import annotations

import secrets
from enum import IntEnum
from typing import Final

BytesLike = bytes | bytearray | memoryview

MAC_SIZE: Final = 32
"""Bytes of a MAC."""

ZERO_MAC: Final = bytes(MAC_SIZE)
"""Stands for "none" wherever a record has room for a MAC."""


def random_identifier() -> bytes:
    """A name for a snapshot, a state or a lock that nobody else has given: 32 random bytes."""
    return secrets.token_bytes(MAC_SIZE)


class ResourceType(IntEnum):
    """What a file or a blob is. The number 8 must not be used."""

    CONFIG = 1
    LOCK = 2
    STATE = 3
    PACKFILE = 4
    SNAPSHOT = 5
    SIGNATURE = 6
    OBJECT = 7
    CHUNK = 9
    VFS_BTREE = 10
    VFS_NODE = 11
    VFS_ENTRY = 12
    ERROR_BTREE = 13
    ERROR_NODE = 14
    ERROR_ENTRY = 15
    XATTR_BTREE = 16
    XATTR_NODE = 17
    XATTR_ENTRY = 18
    BTREE_ROOT = 19
    BTREE_NODE = 20
    VFS_SUMMARY = 21
    RANDOM = 255


def version_number(major: int, minor: int, patch: int) -> int:
    """The u32 that a store writes for a version."""
    return major << 16 | minor << 8 | patch


def version_text(version: int) -> str:
    """`1.1.0` for 0x00010100."""
    return f"{version >> 16}.{version >> 8 & 0xFF}.{version & 0xFF}"


VERSION_1_0_0: Final = version_number(1, 0, 0)
VERSION_1_1_0: Final = version_number(1, 1, 0)

# Their blobs are named by a snapshot identifier or by nothing at all, so a MAC over the content proves nothing.
NOT_NAMED_BY_CONTENT: Final = frozenset({ResourceType.SNAPSHOT, ResourceType.SIGNATURE, ResourceType.RANDOM})
