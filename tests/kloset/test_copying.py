"""A copy in another store holds what its original holds, whatever either of them is keyed, compressed or cut by."""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caldav_backup.kloset.btree import INDEX_TREE, XATTR_TREE, Tree
from caldav_backup.kloset.builder import SnapshotBuilder
from caldav_backup.kloset.configuration import DEFAULT_CHUNKING, PLAKAR_CHUNKING, ChunkSizes, Configuration
from caldav_backup.kloset.copying.listings import ListingReader
from caldav_backup.kloset.copying.planning import plan_copy
from caldav_backup.kloset.copying.stores import COPIED_FROM, copy_snapshots
from caldav_backup.kloset.directory_writer import File
from caldav_backup.kloset.dirpack import OTHER, Frame
from caldav_backup.kloset.duplicating import duplicate
from caldav_backup.kloset.entries import Class, Classification, CustomMetadata, Entry
from caldav_backup.kloset.errors import InvalidArgument, Locked, SameStore, StorageUnavailable
from caldav_backup.kloset.lock import Lock
from caldav_backup.kloset.objects import MODE_SYMLINK, FileInfo
from caldav_backup.kloset.packer import Packer
from caldav_backup.kloset.placement import placement_runs
from caldav_backup.kloset.reissue import Reissue, reissue
from caldav_backup.kloset.repository import Repository, read_configuration
from caldav_backup.kloset.resources import VERSION_1_0_0, ResourceType
from caldav_backup.kloset.snapshot import Snapshot
from caldav_backup.kloset.storage import Kind, MemoryStorage
from caldav_backup.kloset.summary import Summary
from caldav_backup.kloset.unlocking import Unlocked
from caldav_backup.kloset.xattrs import ALTERNATE_DATA_STREAM, ExtendedAttribute
from tests.kloset.conftest import load_golden
from tests.kloset.copies import assert_same, copy_all, create, facts, reopened
from tests.kloset.planted import Plant
from tests.kloset.stores import IMPORTER, SMALL_CHUNKS, WatchedStorage, body, build, some_files, two_calendars
from tests.kloset.test_golden import NAMES
from tests.kloset.test_roundtrip import Tree as Files
from tests.kloset.test_roundtrip import build as build_tree
from tests.kloset.test_roundtrip import trees

SMALLER_CHUNKS = ChunkSizes(64, 128, 256)

configurations = st.builds(
    Configuration.new,
    encrypted=st.booleans(),
    compression=st.sampled_from(["LZ4", "GZIP", "ZSTD", None]),
    hashing=st.sampled_from(["BLAKE3", "SHA256"]),
    chunking=st.sampled_from([SMALL_CHUNKS, SMALLER_CHUNKS, DEFAULT_CHUNKING, PLAKAR_CHUNKING]),
)


def a_store(storage: MemoryStorage | None = None, chunking: ChunkSizes = SMALL_CHUNKS) -> Repository:
    return create(Configuration.new(encrypted=False, chunking=chunking), storage)


def assert_sound(repository: Repository) -> None:
    assert list(reopened(repository).check(read_data=True)) == []


def one_changed(first: Snapshot, note: str = "!") -> Snapshot:
    """The two calendars with one event in one of them changed, and one gone."""

    def fill(builder: SnapshotBuilder) -> None:
        names = [file.name for file in some_files(12)]
        work = builder.open_directory("/work", mtime_ns=6 * 10**9, parents=[first])
        work.keep(names[:6])
        work.add([File(names[6], body(6, note), 10**9)])
        work.keep(names[8:])
        work.close({"user.caldav.displayname": b"Work", "user.caldav.color": note.encode()})
        builder.keep_directory("/home", parent=first)

    return build(first.repository, fill)


@pytest.mark.full
@settings(max_examples=25)
@given(trees, trees, configurations, configurations, st.dictionaries(st.sampled_from(["/a", "/b/c"]), st.text()))
def test_a_copy_holds_what_the_original_holds_whatever_the_two_stores_are_like(
    first: Files, second: Files, one: Configuration, other: Configuration, failures: dict[str, str]
) -> None:
    source, destination = create(one), create(other)
    before = build_tree(source, first, failures, None, {})
    build_tree(source, second, {}, before, first)
    build_tree(source, first, failures, None, {})
    assert all(copied.is_whole for copied in copy_all(source, destination))
    assert_same(source, reopened(destination), source.snapshots())
    assert_sound(destination)


@pytest.mark.full
@settings(max_examples=15)
@given(trees, trees, configurations)
def test_copied_night_by_night_or_at_once_the_trees_are_the_same(
    first: Files, second: Files, configuration: Configuration
) -> None:
    source = a_store()
    nightly, at_once = create(configuration), create(configuration)
    before = build_tree(source, first, {}, None, {})
    copy_all(source, nightly)
    build_tree(source, second, {"/x": "410 Gone"}, before, first)
    copy_all(reopened(source), reopened(nightly))
    copy_all(source, at_once)
    nightly = reopened(nightly)
    for header in source.snapshots():
        assert nightly.header(header.identifier) == at_once.header(header.identifier)
    assert_sound(nightly)


@pytest.mark.full
@pytest.mark.parametrize("name", NAMES)
def test_what_plakar_made_is_copied_whole(name: str) -> None:
    storage, known = load_golden(name)
    key = bytes.fromhex(known["key"]) if known["key"] else None
    source = Repository(storage, Unlocked(read_configuration(storage), key))
    destination = create(Configuration.new(encrypted=True, compression="GZIP", chunking=SMALL_CHUNKS))
    assert all(copied.is_whole for copied in copy_all(source, destination))
    assert_same(source, destination, source.snapshots())
    assert_sound(destination)


def test_all_that_an_entry_says_is_kept_even_what_no_calendar_has() -> None:
    plant = Plant()
    plant.add(Entry("/", FileInfo("link", mode=MODE_SYMLINK | 0o777, uid=7, username="a"), symlink_target="to"))
    file = plant.file("/file", b"content")
    plant.add(
        file._replace(
            security_descriptor=b"descriptor",
            file_attributes=3,
            entropy=0.0,
            classifications=(Classification("an analyzer", (Class("spam", 0.5),)),),
            custom_metadata=(CustomMetadata("a key", b"a value"),),
            tags=("a tag",),
            alternate_data_streams=("stream",),
        )
    )
    stream = ExtendedAttribute("/file", "stream", 5, plant.content(b"value"), ALTERNATE_DATA_STREAM)
    plant.attributes[stream.key] = plant.put(ResourceType.XATTR_ENTRY, stream.to_bytes())
    plant.grow()
    source, destination = plant.repository, a_store()
    copy_all(source, destination)
    assert_same(source, destination, source.snapshots())
    assert_sound(destination)


@pytest.mark.full
def test_without_indexes_a_snapshot_is_read_by_its_tree_and_gets_its_listings() -> None:
    plant = Plant(indexes=())
    plant.directory("/a")
    plant.file("/a/event.ics", b"content")
    plant.grow()
    source, destination = plant.repository, a_store()
    copy_all(source, destination)
    copy = destination.snapshots()[0]
    assert [index.name for index in copy.source.indexes] == ["dirpack"]
    assert_same(source, destination, source.snapshots())


@pytest.mark.full
def test_several_snapshots_share_a_packfile_and_a_state() -> None:
    source, storage = a_store(), MemoryStorage()
    first = build(source, two_calendars)
    for night in range(20):
        first = one_changed(first, str(night))
    destination = a_store(storage)
    assert len(copy_all(source, destination)) == 21
    assert sorted(kind.name for kind, _ in storage.files) == ["PACKFILE", "STATE"]
    assert_sound(destination)


def test_a_second_time_nothing_is_copied_and_nothing_written() -> None:
    source, storage = a_store(), MemoryStorage()
    build(source, two_calendars)
    destination = a_store(storage)
    copy_all(source, destination)
    before = dict(storage.files)
    plan = plan_copy(source, destination, source.snapshots())
    assert (plan.to_copy, plan.there) == ((), (source.snapshots()[0].identifier,))
    copy_all(source, destination)
    assert storage.files == before


def test_of_a_night_in_which_nothing_changed_only_the_header_is_read() -> None:
    """Once for the plan; once more to see that nothing in it is unknown here."""
    watched = WatchedStorage()
    source, destination = a_store(watched), a_store()
    build(source, two_calendars)
    build(source, two_calendars)
    headers = source.snapshots()
    copy_all(source, destination, headers[:1])
    reader = reopened(source)
    headers = reader.snapshots()
    watched.reads.clear()
    copy_all(reader, destination, headers)
    assert len(watched.reads) == 1


@pytest.mark.full
def test_of_a_night_with_one_change_no_other_content_is_read_or_stored() -> None:
    source, storage = a_store(chunking=DEFAULT_CHUNKING), MemoryStorage()
    first = build(source, lambda builder: _large(builder, 500))
    destination = a_store(storage, DEFAULT_CHUNKING)
    copy_all(source, destination)
    whole = sum(map(len, storage.files.values()))
    one_more = build(source, lambda builder: _one_more(builder, first))
    copy_all(reopened(source), reopened(destination))
    assert sum(map(len, storage.files.values())) - whole < whole / 4
    assert_same(source, reopened(destination), [one_more.header])


def _large(builder: SnapshotBuilder, files: int) -> None:
    directory = builder.open_directory("/large")
    directory.add(some_files(files))
    directory.close({"user.caldav.resources": bytes(files)})


def _one_more(builder: SnapshotBuilder, first: Snapshot) -> None:
    directory = builder.open_directory("/large", parents=[first])
    directory.keep([file.name for file in some_files(500)])
    directory.add([File("later.ics", body(7, "later"), 10**9)])
    directory.close({"user.caldav.resources": bytes(501)})


def damage_contents(storage: MemoryStorage, repository: Repository, path: str) -> dict[tuple[Kind, bytes], bytes]:
    """Change a byte of a file's content in the newest snapshot; the storage's files as they were before."""
    before = dict(storage.files)
    snapshot = repository.snapshot(repository.snapshots()[-1].identifier)
    _damage(storage, repository, ResourceType.OBJECT, snapshot.entry(path).object)
    return before


def _damage(storage: MemoryStorage, repository: Repository, kind: ResourceType, mac: bytes) -> None:
    place = repository.index.find_locations(kind, mac)[0]
    content = bytearray(storage.files[Kind.PACKFILE, place.packfile])
    # Behind the envelope's header.
    content[place.offset + 16 + place.length // 2] ^= 1
    storage.files[Kind.PACKFILE, place.packfile] = bytes(content)


def test_what_cannot_be_read_is_missing_in_a_partial_copy_and_the_rest_goes_on() -> None:
    storage = MemoryStorage()
    source, destination = a_store(storage), a_store()
    original = build(source, two_calendars)
    whole = facts(original)
    intact = damage_contents(storage, source, "/work/event-0003.ics")

    (copied,) = copy_all(reopened(source), destination)
    assert [loss.path for loss in copied.losses] == ["/work/event-0003.ics"]
    assert copied.identifier not in (None, original.header.identifier)
    (partial,) = destination.snapshots()
    assert "partial" in partial.tags
    assert dict(partial.context)[COPIED_FROM] == original.header.identifier.hex()
    copy = destination.snapshot(partial.identifier)
    expected = dict(whole["contents"])
    del expected["/work/event-0003.ics"]
    assert facts(copy)["contents"] == expected
    assert "/work/event-0003.ics" in dict(copy.errors())
    assert_sound(destination)

    # The same again adds nothing; once the original is mended, the whole comes under its own id.
    copy_all(reopened(source), reopened(destination))
    assert len(reopened(destination).snapshots()) == 1
    storage.files |= intact
    assert all(each.is_whole for each in copy_all(reopened(source), reopened(destination)))
    assert_same(reopened(source), reopened(destination), [original.header])


@pytest.mark.full
def test_a_damaged_listing_costs_its_directory_and_what_is_below_it() -> None:
    storage = MemoryStorage()
    source, destination = a_store(storage), a_store()
    original = build(source, two_calendars)
    _damage(storage, source, ResourceType.OBJECT, _listing(original, "/home"))
    (copied,) = copy_all(reopened(source), destination)
    assert [loss.path for loss in copied.losses] == ["/home"]
    copy = destination.snapshot(destination.snapshots()[0].identifier)
    assert len(list(copy.list_directory("/work"))) == 13
    assert list(copy.list_directory("/home")) == []
    assert_sound(destination)


def _listing(snapshot: Snapshot, path: str) -> bytes:
    root = snapshot.header.find_index("dirpack")
    assert root is not None
    return dict(Tree(snapshot.repository, INDEX_TREE, root))[path.encode()]


@pytest.mark.full
def test_a_damaged_attribute_is_missing_in_its_entry_too() -> None:
    storage = MemoryStorage()
    source, destination = a_store(storage), a_store()
    original = build(source, two_calendars)
    attributes = dict(Tree(source, XATTR_TREE, original.header.xattrs))
    entry = ExtendedAttribute.from_bytes(
        source.get_blob(ResourceType.XATTR_ENTRY, attributes[b"/workuser.caldav.color:"])
    )
    _damage(storage, source, ResourceType.OBJECT, entry.object)
    (copied,) = copy_all(reopened(source), destination)
    assert [loss.path for loss in copied.losses] == ["/work"]
    copy = destination.snapshot(destination.snapshots()[0].identifier)
    assert copy.extended_attributes("/work") == {"user.caldav.displayname": b"Work"}
    assert_sound(destination)


@pytest.mark.full
def test_the_next_snapshot_does_not_lack_the_attribute_that_was_damaged_in_the_one_before() -> None:
    storage = MemoryStorage()
    source, destination = a_store(storage), a_store()
    original = build(source, two_calendars)

    def with_another_colour(builder: SnapshotBuilder) -> None:
        another = {"user.caldav.displayname": b"Work", "user.caldav.color": b"#00ff00"}
        builder.keep_directory("/work", parent=original, xattrs=another)
        builder.keep_directory("/home", parent=original)

    second = build(source, with_another_colour)
    attributes = dict(Tree(source, XATTR_TREE, original.header.xattrs))
    _damage(storage, source, ResourceType.XATTR_ENTRY, attributes[b"/workuser.caldav.color:"])
    copied = copy_all(reopened(source), destination)
    assert [each.is_whole for each in copied] == [False, True]
    assert_same(source, destination, [second.header])
    assert_sound(destination)


@pytest.mark.full
def test_a_snapshot_whose_trees_are_gone_is_told_and_the_others_are_copied() -> None:
    storage = MemoryStorage()
    source, destination = a_store(storage), a_store()
    first = build(source, two_calendars)
    second = one_changed(first)
    root = second.header.find_index("dirpack")
    assert root is not None
    _damage(storage, source, ResourceType.BTREE_ROOT, root)
    copied = {each.original: each for each in copy_all(reopened(source), destination)}
    assert copied[second.header.identifier].identifier is None
    assert copied[first.header.identifier].is_whole
    assert_same(source, destination, [first.header])


def test_what_was_removed_from_the_destination_comes_back_only_when_asked_for() -> None:
    source, destination = a_store(), a_store()
    original = build(source, two_calendars).header
    copy_all(source, destination)
    destination.remove_snapshot(original.identifier)
    plan = plan_copy(source, destination, [original])
    assert (plan.to_copy, plan.removed) == ((), (original.identifier,))
    again = plan_copy(source, destination, [original], again=True)
    copy_snapshots(source, destination, again, partial_tag="partial")
    assert_same(source, reopened(destination), [original])
    findings = list(reopened(destination).check(read_data=True))
    assert all("are in no state" in each.message for each in findings)  # the header that was removed


@pytest.mark.full
def test_a_snapshot_that_was_issued_again_is_not_copied_twice_but_a_duplicate_is() -> None:
    source, destination = a_store(), a_store()
    original = build(source, two_calendars).header
    copy_all(source, destination)
    new = reissue(source, [Reissue(original, ("pinned",))])[original.identifier]
    plan = plan_copy(source, destination, source.snapshots())
    assert (plan.to_copy, plan.there) == ((), (new,))
    other = duplicate(source, [Reissue(source.header(new), ())])[new]
    assert [header.identifier for header in plan_copy(source, destination, source.snapshots()).to_copy] == [
        other.identifier
    ]


@pytest.mark.full
def test_a_snapshot_that_each_store_issued_again_for_itself_is_there() -> None:
    source, destination = a_store(), a_store()
    original = build(source, two_calendars).header
    copy_all(source, destination)
    copy = destination.header(original.identifier)
    pinned = reissue(destination, [Reissue(copy, ("pinned",))])[original.identifier]
    assert plan_copy(source, destination, source.snapshots()).there == (original.identifier,)
    new = reissue(source, [Reissue(original, ("another",))])[original.identifier]
    assert plan_copy(source, destination, source.snapshots()).there == (new,)
    destination.remove_snapshot(pinned)
    assert plan_copy(source, destination, source.snapshots()).removed == (new,)


def test_a_duplicate_shares_everything_and_keeps_the_time() -> None:
    source = a_store()
    original = build(source, two_calendars).header
    made = duplicate(source, [Reissue(original, original.tags)])[original.identifier]
    assert {header.identifier for header in reopened(source).snapshots()} == {original.identifier, made.identifier}
    assert replace(made, identifier=original.identifier) == original
    assert duplicate(source, []) == {}
    with pytest.raises(InvalidArgument, match="name it once"):
        duplicate(source, [Reissue(original, ())] * 2)
    assert_sound(source)


def test_stores_with_the_same_id_are_refused() -> None:
    configuration = Configuration.new(encrypted=False)
    one, other = create(configuration, MemoryStorage("one")), create(configuration, MemoryStorage("other"))
    with pytest.raises(SameStore, match="copy of the other's files"):
        plan_copy(one, other, [])
    with pytest.raises(SameStore, match="the store itself"):
        plan_copy(one, reopened(one), [])


def test_a_destination_under_maintenance_is_left_alone() -> None:
    source, storage = a_store(), MemoryStorage()
    build(source, two_calendars)
    destination = a_store(storage)
    lock = Lock(time.time_ns(), "elsewhere", exclusive=True)
    storage.write(Kind.LOCK, bytes(32), destination.seal_file(ResourceType.LOCK, VERSION_1_0_0, lock.to_bytes()))
    with pytest.raises(Locked):
        copy_all(source, destination)
    assert {kind for kind, _ in storage.files} == {Kind.LOCK}


class Dying(MemoryStorage):
    """Takes so many packfiles, and no more."""

    packfiles = 1_000_000

    def open_writer(self, kind: Kind):  # type: ignore[no-untyped-def]
        if kind is Kind.PACKFILE:
            self.packfiles -= 1
            if self.packfiles < 0:
                raise StorageUnavailable("the disk is gone")
        return super().open_writer(kind)


@pytest.mark.full
def test_an_interrupted_copy_keeps_what_was_committed_and_the_next_goes_on() -> None:
    source, storage = a_store(), Dying()
    first = build(source, two_calendars)
    second = one_changed(first)
    destination = a_store(storage)
    storage.packfiles = 1
    minutes = count()
    with pytest.raises(StorageUnavailable):
        copy_snapshots(
            source,
            destination,
            plan_copy(source, destination, source.snapshots()),
            partial_tag="partial",
            clock=lambda: 60.0 * next(minutes),
        )
    assert [header.identifier for header in reopened(destination).snapshots()] == [first.header.identifier]
    assert not list(storage.ids(Kind.LOCK))
    storage.packfiles = 1
    assert [each.original for each in copy_all(source, reopened(destination))] == [second.header.identifier]
    assert_same(source, reopened(destination), source.snapshots())
    assert_sound(destination)


@pytest.mark.full
def test_what_a_lost_packfile_of_the_destination_held_is_stored_again() -> None:
    source, storage = a_store(), MemoryStorage()
    first = build(source, two_calendars)
    destination = a_store(storage)
    copy_all(source, destination)
    storage.delete(Kind.PACKFILE, next(storage.ids(Kind.PACKFILE)))
    second = one_changed(first)
    destination = reopened(destination)
    copy_all(source, destination, [second.header])
    assert facts(reopened(destination).snapshot(second.header.identifier)) == facts(second)


@pytest.mark.full
def test_snapshots_of_one_source_follow_each_other_in_the_order_of_their_commits() -> None:
    source, destination = a_store(), a_store()
    late = build(source, two_calendars, timestamp_ns=2 * 10**18).header
    early = build(source, two_calendars, timestamp_ns=10**18).header
    other = SnapshotBuilder(source, importer=IMPORTER._replace(origin="other"), timestamp_ns=1).finish()
    plan = plan_copy(source, destination, source.snapshots())
    assert [header.identifier for header in plan.to_copy] == [late.identifier, early.identifier, other.identifier]
    copy_all(source, destination)
    assert reopened(destination).index.snapshot_ids() == [late.identifier, early.identifier, other.identifier]


@pytest.mark.full
def test_what_a_maintenance_of_the_source_moved_meanwhile_is_found() -> None:
    storage = MemoryStorage()
    maker, destination = a_store(storage), a_store()
    build(maker, two_calendars)
    reader = reopened(maker)
    headers = reader.snapshots()
    (packfile,) = storage.ids(Kind.PACKFILE)
    # The same once more, in other packfiles.
    storage.delete(Kind.PACKFILE, packfile)
    build(maker, two_calendars)
    packer = Packer(storage, maker.codec, maker.keyed, 1 << 26)
    packer.add(ResourceType.SNAPSHOT, headers[0].identifier, headers[0].to_bytes())
    maker.put_state(bytes(32), placement_runs(packer.finish(), bytes(32)))
    (copied,) = copy_all(reader, destination, headers)
    assert copied.is_whole
    assert_sound(destination)


@pytest.mark.full
def test_an_impossible_name_is_copied_into_no_store() -> None:
    plant = Plant()
    file = plant.file("/event.ics", b"content")
    hostile = file._replace(info=file.info._replace(name="..")).to_bytes()
    plant.frames["/"][b".."] = Frame(OTHER, hostile, plant.mac(hostile))
    plant.root_summary = Summary()
    plant.grow()
    destination = a_store()
    (copied,) = copy_all(plant.repository, destination)
    assert ["impossible name" in loss.message for loss in copied.losses] == [True]
    assert [entry.path for entry in destination.snapshot(destination.snapshots()[0].identifier).walk()] == ["/"]


@pytest.mark.full
@pytest.mark.parametrize("limit", [0, 2000, 1 << 20])
def test_what_was_read_of_a_listing_is_not_read_again_as_long_as_there_is_room(limit: int) -> None:
    watched = WatchedStorage()
    source = a_store(watched)
    first = build(source, two_calendars)
    second = one_changed(first)
    source = reopened(source)
    assert source.snapshots()
    reader = ListingReader(source, limit)
    expected = [list(snapshot.directory_frames("/work")) for snapshot in (first, second)]
    read: list[int] = []
    listings = [_listing(snapshot, "/work") for snapshot in (first, second)]
    for listing, frames in zip((*listings, listings[1]), (*expected, expected[1]), strict=True):
        watched.reads.clear()
        assert list(reader.frames("/work", listing)) == frames
        read.append(sum(length for _, length in watched.reads))
    watched.reads.clear()
    assert list(ListingReader(source, limit).frames("/work", listings[1])) == expected[1]
    assert (read[2] < sum(length for _, length in watched.reads)) == bool(limit)
