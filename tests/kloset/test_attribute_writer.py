"""Attributes lie where nobody deletes them."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from caldav_backup.kloset import (
    File,
    InvalidArgument,
    SnapshotBuilder,
)
from caldav_backup.kloset.btree import XATTR_TREE, Tree
from caldav_backup.kloset.contents import get_object
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.snapshot import Snapshot
from caldav_backup.kloset.xattrs import ExtendedAttribute
from tests.kloset.builds import (
    add_directory,
    assert_sound,
    make_store,
    some_files,
)
from tests.kloset.stores import IMPORTER, build


def test_attributes_lie_in_packfiles_that_plakars_maintenance_keeps() -> None:
    """It follows attributes to their entries only, and deletes packfiles in which it sees nothing else in use."""
    _, repository = make_store()
    large = random.Random(1).randbytes(100_000)

    def store(kept: Sequence[File], files: Sequence[File], parent: Snapshot, value: bytes) -> Snapshot:
        def fill(builder: SnapshotBuilder) -> None:
            directory = builder.open_directory("/work", parents=[parent])
            directory.keep([file.name for file in kept])
            directory.add(files)
            directory.close({"user.large": value, "user.small": b"small"})

        return build(repository, fill)

    first = store([], some_files(1), build(repository, lambda builder: add_directory(builder, "/work", [])), large)
    assert len(attribute_packfiles(first)) == 1
    shared = store(some_files(1), some_files(2)[1:], first, large + b"more")
    assert len(attribute_packfiles(shared)) == 2
    assert attribute_packfiles(shared) <= visible_packfiles(shared)
    # The file that kept the first packfile in use is gone, so no part of the large value may be left there.
    alone = store([], some_files(2, "x"), shared, large + b"more and more")
    assert attribute_packfiles(alone) <= visible_packfiles(alone)
    assert_sound(repository)


def test_no_attribute_is_torn_apart_where_a_packfile_is_full() -> None:
    _, repository = make_store(packfile_size=20_000)
    value = random.Random(2).randbytes(90_000)

    def fill(builder: SnapshotBuilder) -> None:
        add_directory(builder, "/home", some_files(200))
        directory = builder.open_directory("/work")
        directory.close({"user.large": value, "user.small": value[:64]})

    snapshot = build(repository, fill)
    assert len(repository.index.packfiles) > 1
    assert len(attribute_packfiles(snapshot)) == 1
    entry = repository.index.find_location(ResourceType.XATTR_ENTRY, find_attribute(snapshot, "user.large"))
    assert entry is not None
    assert {entry.packfile} == attribute_packfiles(snapshot)
    assert_sound(repository)


def find_attribute(snapshot: Snapshot, name: str) -> bytes:
    mac = Tree(snapshot.repository, XATTR_TREE, snapshot.header.xattrs).find(f"/work{name}:".encode())
    assert mac is not None
    return mac


def attribute_packfiles(snapshot: Snapshot) -> set[bytes]:
    """Packfiles without which a value of the newest snapshot is gone."""
    blobs = []
    for name in ("user.large", "user.small"):
        mac = find_attribute(snapshot, name)
        attribute = ExtendedAttribute.from_bytes(snapshot.repository.get_blob(ResourceType.XATTR_ENTRY, mac))
        content = get_object(snapshot.repository, attribute.object)
        blobs.append((ResourceType.OBJECT, attribute.object))
        blobs += [(ResourceType.CHUNK, chunk.mac) for chunk in content.chunks]
    # The newest copy is the one that the snapshot put there, if it put one.
    return {snapshot.repository.index.find_locations(kind, blob)[-1].packfile for kind, blob in blobs}


def visible_packfiles(snapshot: Snapshot) -> set[bytes]:
    """Packfiles that hold the entry of a file or attribute, or the header."""
    index = snapshot.repository.index
    blobs = [(ResourceType.VFS_ENTRY, frame.mac) for frame in snapshot.directory_frames("/work")]
    blobs += [(ResourceType.XATTR_ENTRY, find_attribute(snapshot, name)) for name in ("user.large", "user.small")]
    blobs.append((ResourceType.SNAPSHOT, snapshot.header.identifier))
    return {place.packfile for kind, mac in blobs for place in index.find_locations(kind, mac)}


def test_attributes_need_names() -> None:
    _, repository = make_store()
    for name in ("", "a\0b"):
        with (
            SnapshotBuilder(repository, importer=IMPORTER) as builder,
            pytest.raises(InvalidArgument, match="attribute"),
        ):
            builder.open_directory("/a").close({name: b""})
