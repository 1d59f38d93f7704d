"""What snapshots need: all of it, nothing else, and shared parts are gone through once."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from caldav_backup.kloset.btree import INDEX_TREE
from caldav_backup.kloset.builder import SnapshotBuilder
from caldav_backup.kloset.checking.findings import Step
from caldav_backup.kloset.dirpack import Frame
from caldav_backup.kloset.errors import Damaged, UnsupportedStore
from caldav_backup.kloset.header import Header, Identity, Index
from caldav_backup.kloset.liveness import find_live_blobs, live_headers
from caldav_backup.kloset.objects import Object, ObjectChunk
from caldav_backup.kloset.repository import Repository, read_configuration
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.snapshot import Snapshot
from caldav_backup.kloset.storage import Kind
from caldav_backup.kloset.unlocking import Unlocked
from tests.kloset.checked import planted
from tests.kloset.conftest import load_golden
from tests.kloset.planted import Plant
from tests.kloset.stores import WatchedStorage, build, make_repository, some_files, two_calendars
from tests.kloset.test_golden import NAMES


def everything(repository: Repository) -> set[tuple[int, bytes]]:
    """All blobs that states know, padding apart."""
    names = (name for packfile in repository.index.packfiles for name in repository.index.locations_in(packfile))
    return {(name[0], name[1:]) for name in names if name[0] != ResourceType.RANDOM}


def live(repository: Repository) -> set[tuple[int, bytes]]:
    return set(find_live_blobs(repository, live_headers(repository)))


def test_everything_that_a_backup_stored_is_needed() -> None:
    _, repository = make_repository(encrypted=True)
    build(repository, two_calendars)
    assert live(repository) == everything(repository)


@pytest.mark.full
@pytest.mark.parametrize("name", NAMES)
def test_what_plakar_stored_is_needed_unless_it_was_removed(name: str) -> None:
    storage, facts = load_golden(name)
    key = bytes.fromhex(facts["key"]) if facts["key"] else None
    repository = Repository(storage, Unlocked(read_configuration(storage), key))
    dead = everything(repository) - live(repository)
    assert live(repository) <= everything(repository)
    removed = {bytes.fromhex(identifier) for identifier in facts["removed_snapshots"]}
    assert {mac for kind, mac in dead if kind == ResourceType.SNAPSHOT} <= removed
    assert bool(dead) == (name == "b-encrypted")


def test_what_only_a_removed_snapshot_held_is_not_needed() -> None:
    _, repository = make_repository()
    kept = build(repository, two_calendars)
    needed = live(repository)
    removed = build(repository, lambda builder: one_calendar(builder, "other"))
    assert live(repository) > needed
    repository.remove_snapshot(removed.header.identifier)
    assert live(repository) == needed
    assert live_headers(repository) == [kept.header]


@pytest.mark.full
def test_two_sets_of_snapshots_together_need_what_both_need() -> None:
    _, repository = make_repository()
    first, second = build(repository, two_calendars), build(repository, lambda builder: one_calendar(builder, "x"))
    alone = [set(find_live_blobs(repository, [snapshot.header])) for snapshot in (first, second)]
    assert set(find_live_blobs(repository, [first.header, second.header])) == alone[0] | alone[1]


def one_calendar(builder: SnapshotBuilder, note: str, count: int = 80) -> None:
    calendar = builder.open_directory("/work")
    calendar.add([*some_files(1, note), *some_files(count)[1:]])
    calendar.close({"user.caldav.displayname": note.encode(), "user.caldav.resources": bytes(2000)})


@pytest.mark.full
def test_a_snapshot_like_one_before_is_gone_through_with_few_reads() -> None:
    watched = WatchedStorage()
    _, repository = make_repository(storage=watched)
    headers = [build(repository, lambda builder: one_calendar(builder, "0")).header]
    find_live_blobs(repository, headers)
    alone = sum(length for _, length in watched.reads)
    headers += [build(repository, partial(one_calendar, note=note)).header for note in "1234"]
    watched.reads.clear()
    found = find_live_blobs(repository, headers)
    assert sum(length for _, length in watched.reads) < 3 * alone
    assert set(found) == everything(repository)


def test_progress_counts_snapshots() -> None:
    _, repository = make_repository()
    build(repository, two_calendars)
    steps: list[Step] = []
    find_live_blobs(repository, live_headers(repository), steps.append)
    assert steps == [Step("snapshots", 0, 1), Step("snapshots", 1, 1)]


# What is not as it should be


def refused(repository: Repository) -> str:
    with pytest.raises(Damaged) as caught:
        live(repository)
    assert "Run `check`, then `repair`, or remove that snapshot with `rm`" in str(caught.value)
    return str(caught.value)


def test_a_sound_planted_snapshot_needs_everything() -> None:
    repository = planted(indexes=("content-type",))
    assert live(repository) == everything(repository)


def test_entry_without_a_blob_is_found_in_the_listing() -> None:
    repository = planted(lambda plant: plant.without_blob("/a/b/03.ics"))
    assert live(repository) > everything(repository)
    assert len(live(repository)) == len(everything(repository)) + 1


def test_entry_that_only_the_listing_has_is_needed_with_its_content() -> None:
    def change(plant: Plant) -> None:
        plant.file("/c/unseen.ics", b"unseen")
        del plant.tree["/c/unseen.ics"]

    repository = planted(change)
    assert live(repository) == everything(repository)


def test_entry_that_only_the_tree_has_is_needed_with_its_content() -> None:
    def change(plant: Plant) -> None:
        plant.file("/c/unlisted.ics", b"unlisted")
        plant.without_frame("/c/unlisted.ics")

    repository = planted(change)
    assert live(repository) == everything(repository)


def test_snapshot_without_listings_is_followed_by_its_tree() -> None:
    plant = Plant(indexes=("summary",))
    plant.file("/one.ics", b"content")
    plant.grow()
    assert live(plant.repository) == everything(plant.repository)


@pytest.mark.parametrize(
    ("kind", "place"),
    [
        (ResourceType.SNAPSHOT, "its header"),
        (ResourceType.VFS_BTREE, "its file tree"),
        (ResourceType.VFS_NODE, "its file tree"),
        (ResourceType.XATTR_NODE, "its extended attributes"),
        (ResourceType.XATTR_ENTRY, "its extended attributes"),
        (ResourceType.ERROR_NODE, "its error index"),
        (ResourceType.ERROR_ENTRY, "its error index"),
        (ResourceType.BTREE_ROOT, "its index 'dirpack'"),
        (ResourceType.BTREE_NODE, "its index 'dirpack'"),
        (ResourceType.VFS_SUMMARY, "its index 'summary'"),
        (ResourceType.OBJECT, "its index 'dirpack'"),
        (ResourceType.CHUNK, "the listing"),
    ],
)
def test_whatever_is_missing_is_named_with_its_snapshot(kind: ResourceType, place: str) -> None:
    plant = Plant()
    plant.directory("/a")
    plant.attribute("/a", "user.x", b"value")
    plant.fail("/c", "gone")
    snapshot = plant.grow()
    packfile = next(iter(plant.repository.index.packfiles))
    for name in plant.repository.index.locations_in(packfile):
        if name[0] == kind:
            plant.repository.index._locations.remove(kind, name[1:], packfile)
    if kind == ResourceType.SNAPSHOT:
        with pytest.raises(Damaged, match="its header"):
            find_live_blobs(plant.repository, [snapshot.header])
        return
    message = refused(plant.repository)
    assert snapshot.header.identifier.hex() in message
    assert place in message


def test_missing_value_of_an_attribute_is_named() -> None:
    def change(plant: Plant) -> None:
        plant.attribute("/c", "user.y", b"lost value")
        plant._forgotten.add((ResourceType.CHUNK, plant.mac(b"lost value")))

    assert "its extended attributes cannot be read: no packfile holds the chunk" in refused(planted(change))


def test_unreadable_header_is_named() -> None:
    storage, repository = make_repository()
    snapshot = build(repository, two_calendars)
    for kind, packfile in list(storage.files):
        if kind is Kind.PACKFILE:
            storage.delete(kind, packfile)
    repository = Repository.open(storage)
    assert f"snapshot {snapshot.header.identifier.hex()} needs, for its header" in refused(repository)


def test_listing_that_ends_inside_an_entry_is_refused() -> None:
    def change(plant: Plant) -> None:
        frame = plant.frames["/a/b"][b"29.ics"]
        plant.frames["/a/b"][b"29.ics"] = CutShort(*frame)

    assert "it ends inside an entry" in refused(planted(change))


class CutShort(Frame):
    def to_bytes(self) -> bytes:
        return super().to_bytes()[:-1]


def test_entry_in_a_listing_that_its_mac_does_not_name_is_refused() -> None:
    def change(plant: Plant) -> None:
        frame = plant.frames["/a/b"][b"03.ics"]
        plant.frames["/a/b"][b"03.ics"] = frame._replace(mac=bytes(31) + b"x")

    assert "is not what its MAC says" in refused(planted(change))


@pytest.mark.parametrize("record", [b"\x01", b"\x81\xa6object\xc4\x01x", b"\x81\xa6object\xc0"])
def test_entry_that_does_not_say_what_it_holds_is_refused(record: bytes) -> None:
    def change(plant: Plant) -> None:
        plant.tree["/strange"] = plant.put(ResourceType.VFS_ENTRY, record)

    assert "does not say what it holds" in refused(planted(change))


@pytest.mark.parametrize(
    "record", [b"\x01", b"\x81\xa6chunks\x91\x80", b"\x81\xa6chunks\x91\x81\xaacontentMAC\xc4\x00"]
)
def test_object_that_does_not_say_what_it_is_made_of_is_refused(record: bytes) -> None:
    def change(plant: Plant) -> None:
        stored = plant.put(ResourceType.OBJECT, record)
        attribute = plant.attribute("/c", "user.z", b"")._replace(object=stored)
        plant.attributes[attribute.key] = plant.put(ResourceType.XATTR_ENTRY, attribute.to_bytes())

    assert "does not say what it is made of" in refused(planted(change))


def test_index_that_is_not_known_stops_everything() -> None:
    repository = planted(indexes=("a-new-one",))
    with pytest.raises(UnsupportedStore, match="an index 'a-new-one', which a newer program must have made"):
        live(repository)


def test_signature_is_needed_where_there_is_one() -> None:
    plant = Plant()
    header = plant.grow().header
    plant.store(replace(header, identifier=b"2" * 32, identity=Identity(b"somebody........", bytes(32))))
    assert "its signature cannot be read" in refused(plant.repository)


class Chopped(Plant):
    """Cuts every content into small chunks, so that two listings share most of theirs; and grows more than once."""

    grown = 0

    def store(self, header: Header) -> Snapshot:
        self.grown += 1
        return super().store(replace(header, identifier=bytes([self.grown]) * 32))

    def content(self, content: bytes) -> bytes:
        pieces = [content[start : start + 700] for start in range(0, len(content), 700)] or [b""]
        chunks = tuple(ObjectChunk(self.put(ResourceType.CHUNK, piece), len(piece)) for piece in pieces)
        return self.put(ResourceType.OBJECT, Object(self.mac(content), chunks).to_bytes())


def chopped() -> Chopped:
    plant = Chopped()
    plant.directory("/a")
    for number in range(40):
        plant.file(f"/a/{number:02}.ics", b"content %d" % number)
    return plant


def test_entries_of_listings_that_share_chunks_are_all_found() -> None:
    plant = chopped()
    plant.grow()
    plant.file("/a/39.ics", b"changed")
    plant.grow()
    assert len(live_headers(plant.repository)) == 2
    assert live(plant.repository) == everything(plant.repository)


def test_listing_that_begins_in_the_middle_of_another_is_refused() -> None:
    plant = chopped()
    header = plant.grow().header
    listing = plant.repository.snapshot(header.identifier)._dirpacks
    assert listing is not None
    found = Object.from_bytes(plant.blobs[ResourceType.OBJECT, listing.find(b"/a") or b""])
    shifted = plant.put(ResourceType.OBJECT, found._replace(chunks=found.chunks[1:]).to_bytes())
    index = Index("dirpack", "btree", plant.put_tree(INDEX_TREE, {b"/a": shifted}))
    source = header.source._replace(indexes=(*header.indexes, index))
    plant.store(replace(header, source=source))
    assert "the listing" in refused(plant.repository)
