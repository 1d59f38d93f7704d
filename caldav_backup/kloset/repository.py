"""An open store: its configuration, its keys, its index, and everything that is reached through them.

Owns opening and creating, the list of snapshots, and the commit of a state. How blobs are read is told in `blobs`,
what a snapshot holds in `snapshot`, how one is made in `builder`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Self

from caldav_backup.kloset import envelope, unlocking
from caldav_backup.kloset.blobs import BlobReader
from caldav_backup.kloset.codec import Codec
from caldav_backup.kloset.errors import (
    AmbiguousSnapshot,
    Damaged,
    InvalidArgument,
    SnapshotNotFound,
    StorageFileMissing,
)
from caldav_backup.kloset.header import Header
from caldav_backup.kloset.headers import Headers, Unreadable
from caldav_backup.kloset.identity import StoreIdentity, identity_of, require_identity
from caldav_backup.kloset.index import Index
from caldav_backup.kloset.recency import newest_first
from caldav_backup.kloset.resources import MAC_SIZE, VERSION_1_1_0, BytesLike, ResourceType
from caldav_backup.kloset.snapshot import Snapshot
from caldav_backup.kloset.state import ColouredEntry, Run, State, make_run
from caldav_backup.kloset.states import read_new_states
from caldav_backup.kloset.storage import Kind, Storage
from caldav_backup.kloset.succession import latest_first

if TYPE_CHECKING:
    from caldav_backup.kloset.checking.findings import Finding
    from caldav_backup.kloset.configuration import Configuration

STATE_LIMIT = 1 << 30
"""Most bytes of one state after inflating: 12 million locations."""
LOCK_LIMIT = 1 << 16
MOST_INFLATED = 64
"""How many times its own size a state may become: every entry has a MAC, which cannot be compressed."""
MIN_PREFIX = 4
"""Hexadecimal digits that name a snapshot at least."""


def read_configuration(storage: Storage) -> Configuration:
    """What CONFIG says; in an encrypted store it is genuine only once the passphrase has opened it."""
    return unlocking.parse(storage.read_configuration())


class Repository:
    """One open store. Not for several threads at once, but for a lock's refreshment."""

    def __init__(
        self,
        storage: Storage,
        unlocked: unlocking.Unlocked,
        index: Index | None = None,
        unreadable: Unreadable | None = None,
    ) -> None:
        """For `create`, `open` and the check, which brings an index of its own."""
        self.storage = storage
        self.configuration = unlocked.configuration
        self.codec = Codec(unlocked.configuration, unlocked.key)
        self.keyed = unlocked.configuration.keyed(unlocked.key)
        self._unlocked = unlocked
        self._index = index
        self._tell_unreadable = unreadable
        self.blobs = BlobReader(
            storage, self.codec, self.keyed, self.configuration.chunking.maximum, lambda: self.index
        )
        self._headers = Headers(self.blobs, unreadable)

    def __repr__(self) -> str:
        return f"<Repository {self.configuration.repository_id} at {self.storage.location}>"

    @classmethod
    def create(cls, storage: Storage, configuration: Configuration, *, passphrase: bytes | None = None) -> Self:
        """Make an empty store. StoreExists, PassphraseRequired or PassphraseNotExpected."""
        unlocked = unlocking.lock(configuration, passphrase)
        storage.create(unlocking.to_file(unlocked))
        return cls(storage, unlocked)

    @classmethod
    def open(
        cls,
        storage: Storage,
        *,
        passphrase: bytes | None = None,
        expected: StoreIdentity | None = None,
        allow_kdf_cost: bool = False,
        unreadable: Unreadable | None = None,
    ) -> Repository:
        """Open a store, whose identity must be the `expected` one before a passphrase is tried on it.

        With `unreadable`, `snapshots` leaves out those whose header is damaged, and tells it once of each.

        StoreNotFound, UnsupportedStore, StoreIdentityChanged, PassphraseRequired, PassphraseNotExpected,
        ExcessiveKDFCost, WrongPassphrase, Damaged.
        """
        content = storage.read_configuration()
        if expected is not None:
            require_identity(storage.location, identity_of(unlocking.parse(content)), expected)
        unlocked = unlocking.unlock(content, passphrase, allow_cost=allow_kdf_cost)
        return cls(storage, unlocked, unreadable=unreadable)

    @property
    def identity(self) -> StoreIdentity:
        return identity_of(self.configuration)

    def with_index(self, index: Index) -> Repository:
        """The same store seen through another index."""
        return Repository(self.storage, self._unlocked, index, self._tell_unreadable)

    # Files

    def seal_file(self, resource_type: ResourceType, version: int, stream: BytesLike) -> bytes:
        """A state or lock as its file holds it."""
        return envelope.wrap(resource_type, version, self.codec.encode(stream), self.keyed.mac)

    def open_file(self, resource_type: ResourceType, content: bytes, name: str) -> tuple[int, bytes]:
        """Version and stream of a state's or lock's file; Damaged, UnsupportedStore."""
        opened = envelope.unwrap(resource_type, content, self.keyed.mac, name)
        limit = LOCK_LIMIT if resource_type == ResourceType.LOCK else STATE_LIMIT
        return opened.version, self.codec.decode(opened.body, min(limit, MOST_INFLATED * len(opened.body) + LOCK_LIMIT))

    # The index

    @property
    def index(self) -> Index:
        """What all states say; read when first needed. Damaged, naming the state, when one cannot be read."""
        if self._index is None:
            index = Index()
            index.apply_all(read_new_states(self, ()))
            self._index = index
        return self._index

    def refresh(self) -> None:
        """Take up states that others wrote since the index was read."""
        known = self.index.heads.keys() | set(self.index.unreachable)
        self.index.apply_all(read_new_states(self, known))

    def forget_states(self) -> None:
        """Read all states anew when they are needed next: after many were merged, or long ago."""
        self._index = None

    def look_for_lost_packfiles(self) -> None:
        """List the packfiles, so that nothing counts as stored that lay in one which is gone. StorageError."""
        self.index.mark_lost(frozenset(self.storage.ids(Kind.PACKFILE)))

    def read_state(self, identifier: bytes) -> State:
        """One state. Damaged, naming it."""
        name = f"the state {identifier.hex()} of the store at {self.storage.location}"
        try:
            version, stream = self.open_file(ResourceType.STATE, self.storage.read(Kind.STATE, identifier), name)
            return State.from_bytes(stream, version)
        except (Damaged, StorageFileMissing) as exc:
            what = str(exc) if name in str(exc) else f"{name} cannot be read ({exc})"
            raise Damaged(f"{what}; run a check, or bring it back from a copy of the store") from exc

    def put_state(self, identifier: bytes, runs: Sequence[Run], *, timestamp_ns: int | None = None) -> State:
        """Commit what `runs` say as a new state: from now on everybody sees it."""
        state = State(
            tuple(runs),
            time.time_ns() if timestamp_ns is None else timestamp_ns,
            self.index.last_state,
            self.index.serial or self.configuration.repository_id.bytes,
        )
        self._put(identifier, state)
        return state

    def _put(self, identifier: bytes, state: State) -> None:
        self.write_state(identifier, state)
        self.index.apply(identifier, state)

    def write_state(self, identifier: bytes, state: State) -> None:
        """Store a state as it is, and leave the index alone."""
        pieces = self.codec.encode_pieces(state.pieces())
        writer = self.storage.open_writer(Kind.STATE)
        try:
            for piece in envelope.wrap_pieces(ResourceType.STATE, VERSION_1_1_0, pieces, self.keyed.start()):
                writer.write(piece)
            writer.commit(identifier)
        except BaseException:
            writer.abort()
            raise

    # Blobs

    def has_blob(self, resource_type: ResourceType, mac: bytes) -> bool:
        """Whether a blob need not be stored again."""
        return self.index.contains(resource_type, mac)

    def get_blob(self, resource_type: ResourceType, mac: bytes) -> bytes:
        """One verified blob; every copy is tried. BlobMissing, or Damaged when all copies are."""
        return self.blobs.get_blob(resource_type, mac)

    def get_blobs(self, resource_type: ResourceType, macs: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
        """Verified blobs with their MACs in the given order; neighbours in a packfile are read together."""
        return self.blobs.get_blobs(resource_type, macs)

    # Snapshots

    def snapshots(self) -> list[Header]:
        """Headers of all snapshots that were not removed, the oldest first.

        Damaged, naming the snapshot, when one cannot be read, unless `open` was told whom to tell of it.
        """
        return sorted(
            self._headers.find_all(self.index.snapshot_ids()),
            key=lambda header: (header.timestamp_ns, header.identifier),
        )

    def snapshots_newest_first(self) -> Iterator[Header]:
        """The same in the opposite order, and a header is read only when its turn comes near; see `recency`."""
        return newest_first(self.index, self._headers.find, self._headers.read_together)

    def snapshots_latest_first(self) -> Iterator[Header]:
        """The same by the order of commits, which a clock that jumps does not change; see `succession`."""
        return latest_first(self.index, self._headers.find, self._headers.read_together)

    def header(self, identifier: bytes) -> Header:
        """The header of one snapshot. SnapshotNotFound, or Damaged."""
        if not self._headers.is_known(identifier) and not self.index.find_locations(ResourceType.SNAPSHOT, identifier):
            raise self._unknown(identifier.hex())
        return self._headers.get(identifier)

    def snapshot(self, identifier: bytes) -> Snapshot:
        """One snapshot, to read it by path. SnapshotNotFound, or Damaged."""
        if not self.index.has_snapshot(identifier):
            raise self._unknown(identifier.hex())
        return Snapshot(self, self.header(identifier))

    def find_snapshot(self, prefix: str) -> Header:
        """The snapshot whose identifier begins with these hexadecimal digits, or began: see `current_id`.

        SnapshotNotFound, AmbiguousSnapshot.
        """
        digits = self.current_id(prefix).lower()
        if len(digits) < MIN_PREFIX or not set(digits) <= set("0123456789abcdef"):
            raise InvalidArgument(
                f"{prefix!r} names no snapshot: give at least {MIN_PREFIX} hexadecimal digits of its id"
            )
        found = [identifier for identifier in self.index.snapshot_ids() if identifier.hex().startswith(digits)]
        if not found:
            raise self._unknown(prefix)
        if len(found) > 1:
            candidates = ", ".join(sorted(identifier.hex()[: len(digits) + 8] for identifier in found))
            raise AmbiguousSnapshot(f"more than one snapshot begins with {prefix}: {candidates}; give more digits")
        return self.header(found[0])

    def current_id(self, prefix: str) -> str:
        """The id, in hexadecimal, of the snapshot whose last one began like this before it was issued again.

        `prefix` as it is when it names a snapshot that is there, or none, or several.
        """
        digits = prefix.lower()
        if len(digits) < MIN_PREFIX or any(each.hex().startswith(digits) for each in self.index.snapshot_ids()):
            return prefix
        newest = {self.index.reissued_as(old) for old in self.index.commits.reissued if old.hex().startswith(digits)}
        there = [each for each in newest if each is not None and self.index.has_snapshot(each)]
        return there[0].hex() if len(there) == 1 else prefix

    def remove_snapshot(self, identifier: bytes) -> None:
        """The same as `remove_snapshots`, of one."""
        self.remove_snapshots([identifier])

    def remove_snapshots(self, identifiers: Iterable[bytes]) -> None:
        """Remove snapshots from the list in one commit: all or none; nothing to remove writes nothing.

        Who reads one of them meanwhile goes on undisturbed: its blobs go when a later maintenance finds that nothing
        needs them. SnapshotNotFound when one is not there.
        """
        removed = list(dict.fromkeys(identifiers))
        for identifier in removed:
            if not self.index.has_snapshot(identifier):
                raise self._unknown(identifier.hex())
        if not removed:
            return
        now = time.time_ns()
        mark = make_run([ColouredEntry(ResourceType.SNAPSHOT, identifier, now) for identifier in removed])
        state = State((mark,), now, self.index.last_state, self.index.serial or self.configuration.repository_id.bytes)
        # Named by its content, as plakar's `rm` does it.
        self._put(self.keyed.mac(state.to_bytes()), state)

    def check(self, *, read_data: bool = False) -> Iterator[Finding]:
        """What is wrong with the store, contents included with `read_data`; see `check`, which can do more."""
        from caldav_backup.kloset.check import check

        return check(self, read_data=read_data)

    def _unknown(self, name: str) -> SnapshotNotFound:
        return SnapshotNotFound(
            f"the store at {self.storage.location} has no snapshot {name[: 2 * MAC_SIZE]}; list them"
        )
