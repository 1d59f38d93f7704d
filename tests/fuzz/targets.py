"""The parsers of the store, each with valid samples and a way to make it look at changed ones.

Where a MAC or a compressed frame surrounds what is parsed, it is made anew around the changed bytes: whoever knows the
passphrase could write them. What comes out is used a little, for a parser must not leave traps for its callers.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache, partial
from tempfile import NamedTemporaryFile
from typing import NamedTuple, Protocol

from blake3 import blake3

from caldav_backup.kloset import (
    Header,
    Repository,
    compression,
    dirpack,
    encryption,
    envelope,
    keys,
    records,
    unlocking,
)
from caldav_backup.kloset.btree import Node, Root
from caldav_backup.kloset.entries import Entry
from caldav_backup.kloset.errors import Damaged, InvalidArgument
from caldav_backup.kloset.failures import Failure
from caldav_backup.kloset.fields import Fields
from caldav_backup.kloset.index import Index
from caldav_backup.kloset.locks import Lock
from caldav_backup.kloset.objects import Object
from caldav_backup.kloset.packfile import RECORD_SIZE, Footer, IndexRecord, index_to_bytes, read_contents
from caldav_backup.kloset.resources import VERSION_1_0_0, VERSION_1_1_0, ResourceType
from caldav_backup.kloset.state import State
from caldav_backup.kloset.storage import Kind, PtarStorage
from caldav_backup.kloset.summary import Summary
from caldav_backup.kloset.templates import EntryTemplate
from caldav_backup.kloset.xattrs import ExtendedAttribute
from tests.kloset.conftest import GOLDEN
from tests.rot.small import Small, make_small

KEY = bytes(range(32))
LIMIT = 1 << 16
BLOBS = 1 << 20
"""Bytes of blobs in front of a packfile's index."""
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


class Target(NamedTuple):
    """One parser. `share` of all inputs go to it, against the others' shares."""

    name: str
    samples: Sequence[bytes]
    parse: Callable[[bytes], object]
    share: int = 10


@cache
def plain() -> Small:
    return make_small(encrypted=False, compression=None)


@cache
def opened() -> Repository:
    return plain().open(plain().storage)


@cache
def blobs(kind: ResourceType) -> list[bytes]:
    """All blobs of a kind in the small store."""
    repository = opened()
    found = {}
    for packfile in repository.index.packfiles:
        for name in repository.index.locations_in(packfile):
            if name[0] == kind:
                found[name[1:]] = repository.get_blob(kind, name[1:])
    return list(found.values())


def targets() -> list[Target]:
    return [*_containers(), *_frames(), *_records(), *_streams()]


# Containers


def _containers() -> list[Target]:
    small, sealed = plain(), make_small(encrypted=True, compression="LZ4")
    configurations = [content for content in (small.storage.configuration, sealed.storage.configuration) if content]
    bodies = [content[envelope.HEADER_SIZE : -32] for content in configurations]
    files = [*configurations, *small.storage.files.values()]
    index = _index()
    footer = Footer(1, len(index) // RECORD_SIZE, BLOBS, opened().keyed.mac(index)).to_bytes()
    tails = [content[-800:-32] for (kind, _), content in small.storage.files.items() if kind is Kind.PACKFILE]
    return [
        Target("envelope", [file[:3000] for file in files], _unwrap),
        Target("configuration", bodies, _configuration, 20),
        Target("file CONFIG", configurations, unlocking.parse),
        Target("packfile index", [index], _packfile_of_index),
        Target("packfile footer", [footer], lambda changed: _packfile(index + changed + _length(changed))),
        Target("packfile tail", [*tails, index + footer + _length(footer)], _packfile),
        Target("ptar", [(GOLDEN / "h-encrypted.ptar").read_bytes()], _ptar, 1),
    ]


def _unwrap(content: bytes) -> object:
    for kind in (ResourceType.CONFIG, ResourceType.STATE, ResourceType.LOCK, ResourceType.PACKFILE):
        with suppress(Damaged):
            envelope.unwrap(kind, content, opened().keyed.mac, "it")
    return None


def _configuration(body: bytes) -> object:
    """As CONFIG of a plaintext store with a right MAC, and every key derivation that is cheap."""
    header = envelope.header(ResourceType.CONFIG, VERSION_1_0_0)
    found = unlocking.parse(header + body + blake3(header + body).digest())
    if found.encryption is None:
        return found
    cost = found.encryption.kdf.cost
    cost.check(keys.WITHOUT_CONSENT)
    if _is_cheap(cost):
        key = keys.derive_key(b"passphrase", found.encryption.kdf)
        encryption.check_canary(key, found.encryption.canary, found.encryption.subkey_algorithm)
    return found


def _is_cheap(cost: keys.KDFCost) -> bool:
    match cost:
        case keys.Argon2id():
            return cost.memory <= 4096 and cost.time <= 2
        case keys.Scrypt():
            return cost.n * cost.r * cost.p <= 1 << 12
        case _:
            return cost.iterations <= 1000


def _index() -> bytes:
    """A dozen records of a real index."""
    repository = opened()
    packfile = next(iter(repository.index.packfiles))
    places = list(repository.index.locations_in(packfile).items())[:12]
    found = [IndexRecord(name[0], VERSION_1_0_0, name[1:], *place) for name, place in places]
    return index_to_bytes(found)


def _packfile_of_index(index: bytes) -> object:
    footer = Footer(1, len(index) // RECORD_SIZE, BLOBS, opened().keyed.mac(index)).to_bytes()
    return _packfile(index + footer + _length(footer))


def _length(footer: bytes) -> bytes:
    return len(footer).to_bytes(4, "little")


def _packfile(tail: bytes) -> object:
    """A packfile with this tail behind some blobs."""
    start = envelope.HEADER_SIZE + BLOBS

    def read_range(offset: int, size: int) -> bytes:
        if offset < 0 or not 0 <= size <= start + len(tail) - offset:
            raise Damaged("there is nothing to read")
        return bytes(max(0, min(start - offset, size))) + tail[max(0, offset - start) : max(0, offset - start + size)]

    return read_contents(start + len(tail) + 32, read_range, opened().codec, opened().keyed, "it")


def _ptar(content: bytes) -> object:
    with NamedTemporaryFile(dir=MEMORY) as file:
        file.write(content)
        file.flush()
        storage = PtarStorage(file.name)
        unlocking.parse(storage.read_configuration())
        return [storage.read(kind, each) for kind in (Kind.STATE, Kind.PACKFILE) for each in storage.ids(kind)]


# Compressed frames, sealed segments


def _frames() -> list[Target]:
    contents = [b"", b"BEGIN:VCALENDAR\r\n" * 9, bytes(3000), bytes(range(256)) * 8]
    found = [
        Target(name, [compression.compress(name, content) for content in contents], partial(_inflate, name))
        for name in (compression.LZ4, compression.ZSTD, compression.GZIP)
    ]
    sealed = [encryption.seal(KEY, content, 512) for content in contents]
    canary = encryption.make_canary(KEY)
    return [
        *found,
        Target("sealed segments", sealed, lambda changed: encryption.open_sealed(KEY, changed, 512)),
        Target(
            "old sealed segments", sealed, lambda old: encryption.open_sealed(KEY, old, 512, encryption.AES256_GCM), 2
        ),
        Target("canary", [canary], lambda changed: encryption.check_canary(KEY, changed), 2),
    ]


def _inflate(algorithm: str, stream: bytes) -> object:
    content = compression.decompress(algorithm, stream, LIMIT)
    assert len(content) <= LIMIT
    return content


# Records


def _records() -> list[Target]:
    entries = blobs(ResourceType.VFS_ENTRY)
    trees = [*blobs(ResourceType.VFS_NODE), *blobs(ResourceType.BTREE_NODE), *blobs(ResourceType.XATTR_NODE)]
    roots = [*blobs(ResourceType.VFS_BTREE), *blobs(ResourceType.BTREE_ROOT)]
    lock = Lock(1_700_000_000_000_000_000, "host", exclusive=True).to_bytes()
    template = EntryTemplate("/home", "text/calendar")
    snapshots = blobs(ResourceType.SNAPSHOT)
    return [
        Target("MessagePack", [*entries, *snapshots, *trees], _message_pack, 20),
        Target("time", [b"\xb92026-02-28T00:00:00+00:00", records.timestamp(-1), b"\x92\x01\x02"], _time),
        Target("lock", [lock], partial(_again, Lock.from_bytes), 5),
        Target("header", snapshots, partial(_again, Header.from_bytes), 20),
        Target("tree root", roots, partial(_again, Root.from_bytes), 5),
        Target("tree node", trees, partial(_again, Node.from_bytes)),
        Target("entry", entries, partial(_again, Entry.from_bytes), 20),
        Target("entry by template", entries, template.match, 5),
        Target("object", blobs(ResourceType.OBJECT), partial(_again, Object.from_bytes)),
        Target("long object", blobs(ResourceType.OBJECT), _long_object),
        Target("summary", blobs(ResourceType.VFS_SUMMARY), partial(_again, Summary.from_bytes)),
        Target("attribute", blobs(ResourceType.XATTR_ENTRY), partial(_again, ExtendedAttribute.from_bytes)),
        Target("error", blobs(ResourceType.ERROR_ENTRY), partial(_again, Failure.from_bytes)),
    ]


class Record(Protocol):
    """What encodes itself."""

    def to_bytes(self) -> bytes: ...


def _again(parse: Callable[[bytes], Record], encoded: bytes) -> object:
    """What was read, encoded as another program may want it; numbers that do not fit are InvalidArgument then."""
    found = parse(encoded)
    with suppress(InvalidArgument):
        found.to_bytes()
    return repr(found)


def _message_pack(encoded: bytes) -> object:
    found = records.decode(encoded)
    if type(found) is dict:
        fields = Fields(found, "it")
        return [fields.has("version"), fields.unsigned("version"), fields.time("timestamp")]
    return found


def _time(encoded: bytes) -> object:
    return records.instant(records.decode(encoded))


def _long_object(encoded: bytes) -> object:
    """By the way of records that are too long to be decoded at once; it must agree with the short one."""
    found = records.decode_long(encoded, "chunks", lambda chunk: chunk)
    assert repr(found) == repr(records.decode(encoded))
    return found


# Streams


def _streams() -> list[Target]:
    small, repository = plain(), opened()
    states = [small.storage.files[Kind.STATE, each][envelope.HEADER_SIZE : -32] for each in repository.index.states]
    frames = [chunk for chunk in blobs(ResourceType.CHUNK) if chunk[:1] in (b"\x01", b"\x02")]
    return [
        Target("state", states, partial(_state, VERSION_1_1_0), 20),
        Target("old state", [state[32:] for state in states], partial(_state, VERSION_1_0_0)),
        Target("listing", frames, _listing, 20),
    ]


def _state(version: int, stream: bytes) -> object:
    """What is read goes into an index, beside a state that is sound."""
    state = State.from_bytes(stream, version)
    index = Index()
    index.apply_all({b"a" * 32: state, b"b" * 32: State((), 1, b"a" * 32), state.parent: state})
    for snapshot in index.snapshot_ids()[:3]:
        index.committed_ns(snapshot)
        index.find_locations(ResourceType.SNAPSHOT, snapshot)
    for packfile in list(index.packfiles)[:3]:
        index.locations_in(packfile)
    index.find_locations(ResourceType.CHUNK, b"a" * 32)
    return State.from_bytes(state.to_bytes(), VERSION_1_1_0)


def _listing(stream: bytes) -> object:
    """In pieces and at once, with the same result."""
    by_pieces = list(dirpack.read_frames((stream[at : at + 100] for at in range(0, len(stream), 100)), "it"))
    assert by_pieces == dirpack.cut_frames(stream, "it")[0]
    return [frame.entry().path for frame in by_pieces]
