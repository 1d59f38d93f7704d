"""What surrounds each of a store's files: magic, kind and version in front, a MAC behind.

Owns the frame (`docs/design/format.md`, "The envelope"); what is in it is told where the kind of file is. A packfile is
written and read in pieces: `header` begins it, and `read_header` is all that can be checked of a part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from hmac import compare_digest
from itertools import chain
from struct import Struct
from typing import TYPE_CHECKING, Final, NamedTuple

from caldav_backup.kloset.errors import Damaged, UnsupportedStore
from caldav_backup.kloset.resources import (
    MAC_SIZE,
    VERSION_1_0_0,
    VERSION_1_1_0,
    ResourceType,
    version_text,
)

if TYPE_CHECKING:
    from caldav_backup.kloset.hashing import Hash
    from caldav_backup.kloset.resources import BytesLike

_HEADER: Final = Struct("<8sII")
_MAGIC: Final = b"_KLOSET_"
_OLD_MAGIC: Final = b"_PLAKAR_"  # of the format's first days; never written

HEADER_SIZE: Final = _HEADER.size
OVERHEAD: Final = HEADER_SIZE + MAC_SIZE

_READABLE: Final = {
    ResourceType.CONFIG: (VERSION_1_0_0,),
    ResourceType.LOCK: (VERSION_1_0_0,),
    ResourceType.STATE: (VERSION_1_0_0, VERSION_1_1_0),
    ResourceType.PACKFILE: (VERSION_1_0_0,),
}

MacFunction = Callable[["BytesLike"], bytes]


class Envelope(NamedTuple):
    """An opened file: its version, and the body as it is stored."""

    version: int
    body: bytes


def header(resource_type: ResourceType, version: int) -> bytes:
    """The 16 bytes in front of a body."""
    return _HEADER.pack(_MAGIC, resource_type, version)


def wrap(resource_type: ResourceType, version: int, body: BytesLike, mac: MacFunction) -> bytes:
    """The bytes of a whole file."""
    content = header(resource_type, version) + body
    return content + mac(content)


def wrap_pieces(
    resource_type: ResourceType, version: int, body: Iterable[BytesLike], running: Hash
) -> Iterator[BytesLike]:
    """The same for a body in pieces; `running` is the keyed hash, fed with nothing yet."""
    for piece in chain((header(resource_type, version),), body):
        running.update(piece)
        yield piece
    yield running.digest()


def read_header(resource_type: ResourceType, content: BytesLike, name: str) -> int:
    """The version of a file that begins with `content`; `name` is for messages.

    Damaged when it is no file of this kind, UnsupportedStore for a version that is not known here.
    """
    if len(content) < HEADER_SIZE:
        raise Damaged(f"{name} is cut short: it has only {len(content)} bytes")
    magic, kind, version = _HEADER.unpack_from(content)
    if magic not in (_MAGIC, _OLD_MAGIC) or kind != resource_type:
        raise Damaged(f"{name} does not begin like a {resource_type.name.lower()} of a store; it is damaged or foreign")
    if version not in _READABLE[resource_type]:
        raise UnsupportedStore(
            f"{name} has version {version_text(version)}, which is not known here; a newer version may read it"
        )
    return int(version)


def unwrap(resource_type: ResourceType, content: BytesLike, mac: MacFunction, name: str) -> Envelope:
    """Version and body of a whole file; `name` is for messages.

    Damaged when a byte of it was changed, UnsupportedStore for a version that is not known here.
    """
    version = read_header(resource_type, content, name)
    whole = memoryview(content)
    end = len(whole) - MAC_SIZE
    if end < HEADER_SIZE:
        raise Damaged(f"{name} is cut short: it has only {len(whole)} bytes")
    if not compare_digest(mac(whole[:end]), whole[end:]):
        raise Damaged(f"{name} is damaged: its checksum is wrong; use another copy of it if there is one")
    return Envelope(version, bytes(whole[HEADER_SIZE:end]))
