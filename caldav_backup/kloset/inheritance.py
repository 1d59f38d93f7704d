"""What a new snapshot takes over from an earlier one without reading a file.

Owns the look-ups in one parent snapshot: its trees, once read, and the entries of its directories. Only `children`
reads something that grows with the number of files. Writes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cached_property

from caldav_backup.kloset import paths
from caldav_backup.kloset.btree import ERROR_TREE, INDEX_TREE, VFS_TREE, XATTR_TREE, Tree
from caldav_backup.kloset.dirpack import DIRECTORY, Frame
from caldav_backup.kloset.entries import Entry
from caldav_backup.kloset.errors import InvalidArgument, PathNotFound
from caldav_backup.kloset.path_map import PathMap
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.snapshot import Snapshot
from caldav_backup.kloset.summary import Summary
from caldav_backup.kloset.xattrs import ALTERNATE_DATA_STREAM, EXTENDED, attribute_key


class Inheritance:
    """Takes from one parent snapshot."""

    def __init__(self, parent: Snapshot) -> None:
        self.parent = parent
        self._repository = parent.repository
        self._header = parent.header
        self._child_frames: dict[str, dict[str, Frame]] = {}

    @cached_property
    def dirpacks(self) -> PathMap:
        """Every directory with the id of its listing's object."""
        return self._index("dirpack")

    @cached_property
    def summaries(self) -> PathMap:
        return self._index("summary")

    def _index(self, name: str) -> PathMap:
        root = self._header.find_index(name)
        if root is None:
            identifier = self._header.identifier.hex()[:8]
            raise InvalidArgument(
                f"nothing can be kept from snapshot {identifier}: it has no {name} index; store it anew"
            )
        return PathMap(Tree(self._repository, INDEX_TREE, root))

    @cached_property
    def attributes(self) -> PathMap:
        """Every extended attribute's tree key with its entry's id."""
        return PathMap(Tree(self._repository, XATTR_TREE, self._header.xattrs))

    @cached_property
    def failures(self) -> PathMap:
        """Every path that could not be read with its entry's id."""
        return PathMap(Tree(self._repository, ERROR_TREE, self._header.errors))

    def frame(self, path: str) -> Frame:
        """The entry of a directory. PathNotFound when the parent has no such directory."""
        if path == paths.ROOT:
            return self._root_frame
        directory, name = paths.split(path)
        if paths.to_key(directory) not in self.dirpacks:
            raise self._not_found(path)
        frame = self._directories_in(directory).get(name)
        if frame is None:
            raise self._not_found(path)
        return frame

    @cached_property
    def _root_frame(self) -> Frame:
        mac = Tree(self._repository, VFS_TREE, self._header.root).find(b"/")
        if mac is None:
            raise self._not_found(paths.ROOT)
        return Frame(DIRECTORY, self._repository.get_blob(ResourceType.VFS_ENTRY, mac), mac)

    def _directories_in(self, directory: str) -> dict[str, Frame]:
        if directory not in self._child_frames:
            frames = (frame for frame in self.parent.directory_frames(directory) if frame.kind == DIRECTORY)
            self._child_frames[directory] = {frame.entry().name: frame for frame in frames}
        return self._child_frames[directory]

    def _not_found(self, path: str) -> PathNotFound:
        return PathNotFound(f"snapshot {self._header.identifier.hex()[:8]} has no directory {path!r} to keep")

    def attributes_of(self, entry: Entry) -> dict[bytes, bytes]:
        """Tree keys and entry ids of the extended attributes that an entry lists."""
        keys = [attribute_key(entry.path, name, EXTENDED) for name in entry.extended_attributes]
        keys += [attribute_key(entry.path, name, ALTERNATE_DATA_STREAM) for name in entry.alternate_data_streams]
        return {key: self.attributes[key] for key in keys if key in self.attributes} if keys else {}

    def summary(self, directory: bytes, failed: int = 0) -> Summary:
        """The totals of a directory when `failed` more paths in or below it could not be read."""
        summary = Summary.from_bytes(self._repository.get_blob(ResourceType.VFS_SUMMARY, self.summaries[directory]))
        return summary._replace(below=summary.below._replace(errors=summary.below.errors + failed))

    def children(self, directories: Collection[bytes]) -> dict[bytes, tuple[list[bytes], list[bytes]]]:
        """Each of these directories with its children's tree keys and entry ids, ascending, in one pass."""
        found = {directory: (list[bytes](), list[bytes]()) for directory in directories}
        pairs = Tree(self._repository, VFS_TREE, self._header.root) if found else ()
        for key, mac in pairs:
            directory, _, name = key.rpartition(b"/")
            columns = found.get(directory or b"/")
            if columns is not None and name:
                columns[0].append(key)
                columns[1].append(mac)
        return found

    @property
    def root(self) -> bytes:
        """Id of the file tree's root record."""
        return self._header.root

    def has_all_of(self, dirpacks: Mapping[bytes, bytes], root_entry: bytes) -> bool:
        """Whether these are the parent's directories with the very same children: then its file tree is the same."""
        if self._header.find_index("dirpack") is None:
            return False
        return self.dirpacks == dirpacks and self._root_frame.mac == root_entry
