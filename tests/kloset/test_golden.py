"""Stores that plakar wrote: everything that is known of them is found, and every record encodes to the same bytes."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any, NamedTuple

import pytest

from caldav_backup.kloset import dirpack
from caldav_backup.kloset.btree import XATTR_TREE, Node, Root, Tree
from caldav_backup.kloset.contents import get_object
from caldav_backup.kloset.entries import NOT_REGULAR, Entry
from caldav_backup.kloset.errors import PathNotFound, SnapshotNotFound
from caldav_backup.kloset.failures import Failure
from caldav_backup.kloset.header import Header
from caldav_backup.kloset.identity import StoreIdentity
from caldav_backup.kloset.keys import derive_key
from caldav_backup.kloset.locks import Lock
from caldav_backup.kloset.objects import MODE_PIPE, Object
from caldav_backup.kloset.repository import Repository, read_configuration
from caldav_backup.kloset.resources import VERSION_1_1_0, ResourceType
from caldav_backup.kloset.snapshot import Snapshot
from caldav_backup.kloset.state import EntryType, LocationEntry, State
from caldav_backup.kloset.storage import Kind
from caldav_backup.kloset.summary import Summary
from caldav_backup.kloset.unlocking import Unlocked
from caldav_backup.kloset.xattrs import ExtendedAttribute
from tests.kloset.conftest import GOLDEN, load_golden

NAMES = sorted(path.stem for path in GOLDEN.glob("*.json"))
ENCRYPTED = [name for name in NAMES if "encrypted" in name]


class Opened(NamedTuple):
    """An unpacked store, opened with its known key, and what must be found in it."""

    repository: Repository
    facts: dict[str, Any]

    def snapshots(self) -> list[tuple[Snapshot, dict[str, Any]]]:
        return [(self.repository.snapshot(bytes.fromhex(facts["id"])), facts) for facts in self.facts["snapshots"]]


@pytest.fixture(scope="module", params=NAMES)
def golden_store(request: pytest.FixtureRequest) -> Opened:
    """Opened with its known key: deriving it takes a second, so that is tried apart from what the store holds."""
    storage, facts = load_golden(request.param)
    key = bytes.fromhex(facts["key"]) if facts["key"] else None
    return Opened(Repository(storage, Unlocked(read_configuration(storage), key)), facts)


def test_configuration_and_secret_are_those_of_the_store(golden_store: Opened) -> None:
    repository, facts = golden_store
    configuration = repository.configuration
    assert configuration.repository_id.hex == facts["repository_id"]
    assert configuration.hashing == facts["hashing"]
    assert (configuration.compression.algorithm if configuration.compression else None) == facts["compression"]
    assert repository.identity == StoreIdentity(configuration.repository_id, facts["encrypted"])
    assert repository.keyed.mac(b"").hex() == facts["mac_of_empty"]


@pytest.mark.full
@pytest.mark.parametrize("name", ENCRYPTED)
def test_passphrase_gives_the_key_and_opens_the_store(name: str) -> None:
    storage, facts = load_golden(name)
    passphrase = facts["passphrase"].encode()
    encryption = read_configuration(storage).encryption
    assert encryption is not None
    assert derive_key(passphrase, encryption.kdf).hex() == facts["key"]
    headers = Repository.open(storage, passphrase=passphrase).snapshots()
    assert [header.identifier.hex() for header in headers] == [snapshot["id"] for snapshot in facts["snapshots"]]


def test_snapshots_are_listed_oldest_first_without_removed_ones(golden_store: Opened) -> None:
    repository, facts = golden_store
    listed = [header.identifier.hex() for header in repository.snapshots()]
    assert listed == [snapshot["id"] for snapshot in facts["snapshots"]]
    for removed in facts["removed_snapshots"]:
        with pytest.raises(SnapshotNotFound):
            repository.find_snapshot(removed)


def test_headers_say_what_plakar_was_told(golden_store: Opened) -> None:
    for snapshot, facts in golden_store.snapshots():
        header = golden_store.repository.find_snapshot(facts["id"][:8])
        assert header == snapshot.header
        assert header.timestamp_ns == facts["timestamp_ns"]
        assert list(header.tags) == facts["tags"]
        assert header.importer._asdict() == facts["importer"]
        for field in ("name", "category", "environment", "perimeter", "job"):
            assert getattr(header, field) == facts[field]


def entries_below(snapshot: Snapshot, root: str) -> dict[str, Entry]:
    return {entry.path[len(root) :].lstrip("/"): entry for entry in snapshot.walk(root)}


def test_every_entry_is_found_and_no_other(golden_store: Opened) -> None:
    for snapshot, facts in golden_store.snapshots():
        found = entries_below(snapshot, facts["root"])
        expected = {entry["path"]: entry for entry in facts["entries"] if not entry.get("unreadable")}
        assert found.keys() == expected.keys()
        for path, entry in found.items():
            assert_entry(golden_store.repository, entry, expected[path])
            assert snapshot.entry(entry.path) == entry


def assert_entry(repository: Repository, entry: Entry, fact: dict[str, Any]) -> None:
    assert repository.keyed.mac(entry.to_bytes()).hex() == fact["entry_mac"]
    assert (entry.mode, entry.mode & 0o777) == (fact["go_mode"], fact["perm"])
    assert entry.mtime_ns == fact["mtime_ns"]
    assert entry.symlink_target == fact.get("target", "")
    assert list(entry.extended_attributes) == sorted(fact.get("xattrs", ()))
    kinds = {"file": entry.is_file, "dir": entry.is_directory, "symlink": entry.is_symlink}
    assert kinds.get(fact["type"], bool(entry.mode & MODE_PIPE))
    if fact["type"] == "file":
        found = get_object(repository, entry.object)
        assert (entry.size, found.size) == (fact["size"], fact["size"])
        assert entry.object.hex() == fact["object_mac"]
        assert found.content_mac.hex() == fact["content_mac"]
        assert [chunk.length for chunk in found.chunks] == fact["chunks"]
        assert entry.content_type == found.content_type == fact["content_type"]
        assert entry.chunks == len(fact["chunks"])
    else:
        assert not entry.has_object
        assert entry.content_type == ("" if entry.is_directory else NOT_REGULAR)


def test_contents_are_the_source_files(golden_store: Opened) -> None:
    for snapshot, facts in golden_store.snapshots():
        wanted = {entry["path"]: entry["sha256"] for entry in facts["entries"] if "object_mac" in entry}
        files = [entry for entry in snapshot.walk(facts["root"]) if entry.is_file]
        contents = {
            entry.path[len(facts["root"]) :].lstrip("/"): content for entry, content in snapshot.read_many(files)
        }
        assert {path: sha256(content).hexdigest() for path, content in contents.items()} == wanted
        for entry in files:
            assert snapshot.read(entry) == contents[entry.path[len(facts["root"]) :].lstrip("/")]


def test_extended_attributes_are_read(golden_store: Opened) -> None:
    for snapshot, facts in golden_store.snapshots():
        for fact in facts["entries"]:
            if fact.get("unreadable"):
                continue
            path = f"{facts['root']}/{fact['path']}".rstrip("/")
            wanted = {name: bytes.fromhex(value) for name, value in fact.get("xattrs", {}).items()}
            assert snapshot.extended_attributes(path) == wanted
            for name, value in wanted.items():
                assert snapshot.extended_attribute(path, name) == value
            assert snapshot.extended_attribute(path, "user.none") is None
        keys = [key.decode() for key, _ in Tree(golden_store.repository, XATTR_TREE, snapshot.header.xattrs)]
        assert sorted(keys) == facts["xattr_keys"]


def test_errors_are_told_with_their_paths(golden_store: Opened) -> None:
    for snapshot, facts in golden_store.snapshots():
        assert dict(snapshot.errors()) == facts["errors"]


def test_links_are_followed_when_a_path_is_read(golden_store: Opened) -> None:
    for snapshot, facts in golden_store.snapshots():
        for fact in facts["entries"]:
            path = f"{facts['root']}/{fact['path']}"
            if fact["type"] != "symlink":
                continue
            if "nowhere" in fact["target"]:
                with pytest.raises(PathNotFound):
                    snapshot.read(path)
            else:
                assert snapshot.read(path) == snapshot.read(f"{facts['root']}/{fact['target']}")


def test_listing_is_the_same_by_tree_as_by_dirpack(golden_store: Opened) -> None:
    for snapshot, facts in golden_store.snapshots():
        for entry in snapshot.walk(facts["root"]):
            if entry.is_directory:
                assert list(snapshot._list_by_tree(entry.path)) == list(snapshot.list_directory(entry.path))


def test_summaries_count_the_files(golden_store: Opened) -> None:
    for snapshot, _ in golden_store.snapshots():
        files = [entry for entry in snapshot.walk() if entry.is_file]
        for totals in (snapshot.summary(), snapshot.header.summary):
            assert totals.directory.files + totals.below.files == len(files)
            assert totals.directory.size + totals.below.size == sum(entry.size for entry in files)


RECORDS: dict[ResourceType, Callable[[bytes], Any]] = {
    ResourceType.SNAPSHOT: Header.from_bytes,
    ResourceType.OBJECT: Object.from_bytes,
    ResourceType.VFS_ENTRY: Entry.from_bytes,
    ResourceType.VFS_SUMMARY: Summary.from_bytes,
    ResourceType.ERROR_ENTRY: Failure.from_bytes,
    ResourceType.XATTR_ENTRY: ExtendedAttribute.from_bytes,
    **dict.fromkeys(
        (ResourceType.VFS_BTREE, ResourceType.ERROR_BTREE, ResourceType.XATTR_BTREE, ResourceType.BTREE_ROOT),
        Root.from_bytes,
    ),
    **dict.fromkeys(
        (ResourceType.VFS_NODE, ResourceType.ERROR_NODE, ResourceType.XATTR_NODE, ResourceType.BTREE_NODE),
        Node.from_bytes,
    ),
}


def test_every_record_is_encoded_to_the_same_bytes(golden_store: Opened) -> None:
    repository = golden_store.repository
    seen = set()
    for state_id in repository.storage.ids(Kind.STATE):
        for run in repository.read_state(state_id).runs:
            for place in run.read() if run.type == EntryType.LOCATION else ():
                assert isinstance(place, LocationEntry)
                kind = ResourceType(place.resource_type)
                if kind in RECORDS and repository.has_blob(kind, place.mac):
                    record = repository.get_blob(kind, place.mac)
                    assert RECORDS[kind](record).to_bytes() == record
                    seen.add(kind)
    assert {ResourceType.SNAPSHOT, ResourceType.OBJECT, ResourceType.VFS_ENTRY, ResourceType.VFS_SUMMARY} <= seen


def test_every_listing_is_encoded_to_the_same_bytes(golden_store: Opened) -> None:
    for snapshot, _ in golden_store.snapshots():
        for entry in snapshot.walk():
            if entry.is_directory:
                frames = list(snapshot.directory_frames(entry.path))
                stream = b"".join(snapshot._listing(entry.path))
                assert b"".join(frame.to_bytes() for frame in frames) == stream
                kinds = [dirpack.DIRECTORY if frame.entry().is_directory else dirpack.OTHER for frame in frames]
                assert [frame.kind for frame in frames] == kinds


def test_every_state_and_lock_is_encoded_to_the_same_bytes(golden_store: Opened) -> None:
    repository = golden_store.repository
    for identifier in repository.storage.ids(Kind.STATE):
        version, stream = repository.open_file(
            ResourceType.STATE, repository.storage.read(Kind.STATE, identifier), "state"
        )
        assert version == VERSION_1_1_0
        assert State.from_bytes(stream, version).to_bytes() == stream
    for identifier in repository.storage.ids(Kind.LOCK):
        _, encoded = repository.open_file(ResourceType.LOCK, repository.storage.read(Kind.LOCK, identifier), "lock")
        assert Lock.from_bytes(encoded).to_bytes() == encoded
