"""One snapshot, read by path: its entries, listings, contents, attributes, errors and totals.

Owns the way from a path to what lies there. Nothing is read before it is asked for, and no look-up reads a whole
tree. Every byte that is handed out was verified by a MAC on the way.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from caldav_backup.kloset import dirpack, paths
from caldav_backup.kloset.btree import ERROR_TREE, INDEX_TREE, VFS_TREE, XATTR_TREE, Tree
from caldav_backup.kloset.contents import Content, read_contents, stream_content
from caldav_backup.kloset.dirpack import Frame
from caldav_backup.kloset.entries import Entry
from caldav_backup.kloset.errors import BlobMissing, Damaged, PathNotFound
from caldav_backup.kloset.failures import Failure
from caldav_backup.kloset.links import follow_links
from caldav_backup.kloset.objects import CALENDAR
from caldav_backup.kloset.paths import MAX_DEPTH
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.summary import Summary
from caldav_backup.kloset.templates import EntryTemplate
from caldav_backup.kloset.xattrs import EXTENDED, ExtendedAttribute, attribute_key

if TYPE_CHECKING:
    from caldav_backup.kloset.header import Header
    from caldav_backup.kloset.repository import Repository


class Snapshot:
    """The read side of one snapshot of an open repository."""

    def __init__(self, repository: Repository, header: Header) -> None:
        self.repository = repository
        self.header = header
        self._tree = Tree(repository, VFS_TREE, header.root)
        self._attributes = Tree(repository, XATTR_TREE, header.xattrs)
        self._failures = Tree(repository, ERROR_TREE, header.errors)
        self._dirpacks = self._open_index("dirpack")
        self._summaries = self._open_index("summary")

    def __repr__(self) -> str:
        return f"<Snapshot {self.header.identifier.hex()[:8]}>"

    def _open_index(self, name: str) -> Tree | None:
        root = self.header.find_index(name)
        return None if root is None else Tree(self.repository, INDEX_TREE, root)

    def _not_found(self, path: str) -> PathNotFound:
        return PathNotFound(
            f"snapshot {self.header.identifier.hex()[:8]} has nothing at {path!r}; list it to see its paths"
        )

    # Entries

    def entry(self, path: str) -> Entry:
        """The entry at an absolute, clean path; a symbolic link itself, not what it leads to. PathNotFound."""
        entry = self.find_entry(path)
        if entry is None:
            raise self._not_found(path)
        return entry

    def find_entry(self, path: str) -> Entry | None:
        """The same, or None."""
        mac = self._tree.find(paths.to_key(paths.require_clean(path)))
        if mac is None:
            return None
        return self._entry_at(path, mac)

    def _entry_at(self, path: str, mac: bytes) -> Entry:
        entry = Entry.from_bytes(self._entry_record(path, mac))
        if entry.path != path:
            raise Damaged(f"the entry found at {path!r} is of {entry.path!r}; the store is damaged there")
        return entry

    def _entry_record(self, path: str, mac: bytes) -> bytes:
        try:
            return self.repository.get_blob(ResourceType.VFS_ENTRY, mac)
        except BlobMissing:
            # plakar, on top of entries that it did not make itself, leaves out their blobs; the directory has them.
            if path == paths.ROOT or self._dirpacks is None:
                raise
            for frame in self.directory_frames(paths.split(path)[0]):
                if frame.mac == mac and self.repository.keyed.mac(frame.record) == mac:
                    return frame.record
            raise

    def resolve(self, path: str) -> Entry:
        """The entry that a path leads to when symbolic links in it are followed. PathNotFound, also for a loop."""
        wanted = paths.clean(path)
        entry = self.find_entry(wanted)
        if entry is None or entry.is_symlink:
            # Mostly there is no link at all; a path through one is not in the tree.
            entry = follow_links(self, wanted)
        if entry is None:
            raise self._not_found(path)
        return entry

    # Directories

    def list_directory(self, path: str) -> Iterator[Entry]:
        """Entries of a directory's direct children, names in ascending byte order. PathNotFound for anything else."""
        if self._dirpacks is None:
            yield from self._list_by_tree(path)
            return
        last = b""
        for frame in self.directory_frames(path):
            entry = _entry_in(path, frame)
            last = _next_name(path, last, paths.to_key(entry.name))
            yield entry

    def list_names(self, path: str) -> Iterator[str]:
        """The names alone, in the same order; many times faster, as entries of like files are not decoded."""
        if self._dirpacks is None:
            yield from (entry.name for entry in self._list_by_tree(path))
            return
        template = EntryTemplate(path, CALENDAR)
        last = b""
        for frame in self.directory_frames(path):
            plain = template.match(frame.record)
            name = plain.name if plain is not None else paths.to_key(_entry_in(path, frame).name)
            last = _next_name(path, last, name)
            yield paths.from_key(name)

    def directory_frames(self, path: str) -> Iterator[Frame]:
        """The same as raw records with their ids. That each id fits its record is for a check to verify."""
        return dirpack.read_frames(self._listing(path), path)

    def _listing(self, path: str) -> Iterator[bytes]:
        mac = None if self._dirpacks is None else self._dirpacks.find(paths.to_key(paths.require_clean(path)))
        if mac is None:
            raise self._no_listing(path)
        return stream_content(self.repository, Content(mac, f"the listing of {path!r}"))

    def _no_listing(self, path: str) -> PathNotFound | Damaged:
        """A path without a listing is no directory, or the snapshot is damaged."""
        if self._dirpacks is not None and self.entry(path).is_directory:
            return Damaged(f"the directory {path!r} has no listing; the store is damaged there")
        return PathNotFound(f"snapshot {self.header.identifier.hex()[:8]} has no directory at {path!r}")

    def _list_by_tree(self, path: str) -> Iterator[Entry]:
        """Children by the file tree, for a snapshot without listings: they are neighbours there."""
        if not self.entry(path).is_directory:
            raise self._no_listing(path)
        prefix = paths.to_key(path if path == paths.ROOT else path + "/")
        for key, mac in self._tree.scan(prefix):
            name = key[len(prefix) :]
            if name and (not key.startswith(prefix) or b"/" in name):
                return
            if name:
                yield self._entry_at(paths.from_key(key), mac)

    def walk(self, path: str = paths.ROOT) -> Iterator[Entry]:
        """The entry at `path` and everything below it, each directory before its children, names ascending."""
        top = self.entry(path)
        yield top
        open_directories = [self.list_directory(path)] if top.is_directory else []
        while open_directories:
            entry = next(open_directories[-1], None)
            if entry is None:
                open_directories.pop()
                continue
            yield entry
            if entry.is_directory:
                if len(open_directories) == MAX_DEPTH:
                    raise Damaged(f"{entry.path!r} lies deeper than {MAX_DEPTH} directories; the store is damaged")
                open_directories.append(self.list_directory(entry.path))

    # Contents

    def read(self, entry: Entry | str) -> bytes:
        """The whole content of a regular file; by path, symbolic links are followed."""
        if isinstance(entry, str):
            entry = self.resolve(entry)
        return next(read_contents(self.repository, [_content_of(entry)]))

    def stream(self, entry: Entry | str) -> Iterator[bytes]:
        """The same in pieces of at most a chunk."""
        if isinstance(entry, str):
            entry = self.resolve(entry)
        return stream_content(self.repository, _content_of(entry))

    def read_many(self, entries: Iterable[Entry]) -> Iterator[tuple[Entry, bytes]]:
        """Regular files with their contents, in the given order; neighbours in the store are read together."""
        waiting: list[Entry] = []

        def contents() -> Iterator[Content]:
            for entry in entries:
                waiting.append(entry)
                yield _content_of(entry)

        for content in read_contents(self.repository, contents()):
            yield waiting.pop(0), content

    # Extended attributes

    def extended_attributes(self, path: str) -> dict[str, bytes]:
        """All extended attributes of the entry at `path`, whole."""
        names = self.entry(path).extended_attributes
        found = {name: self.extended_attribute(path, name) for name in names}
        missing = [name for name, value in found.items() if value is None]
        if missing:
            raise Damaged(
                f"the attribute {missing[0]!r} of {path!r} is listed but not stored; the store is damaged there"
            )
        return {name: value for name, value in found.items() if value is not None}

    def extended_attribute(self, path: str, name: str) -> bytes | None:
        """One extended attribute, or None where there is none of that name; nothing else of the path is read."""
        mac = self._attributes.find(attribute_key(path, name))
        if mac is None:
            return None
        found = ExtendedAttribute.from_bytes(self.repository.get_blob(ResourceType.XATTR_ENTRY, mac))
        if (found.path, found.name) != (path, name):
            # Keys do not separate path and name: `/a` + `bc` is `/ab` + `c`.
            return None
        what = f"the attribute {name!r} of {path!r}"
        return next(read_contents(self.repository, [Content(found.object, what, found.size)]))

    def attributes_by_path(
        self, *, only: Collection[str] | None = None, but: Collection[str] = ()
    ) -> dict[str, dict[str, bytes]]:
        """Extended attributes of all paths, read together: those named in `only` (None: all), none named in `but`."""
        ids = [mac for key, mac in self._attributes if _may_be_named(key, only, but)]
        records = self.repository.get_blobs(ResourceType.XATTR_ENTRY, ids)
        found = [ExtendedAttribute.from_bytes(record) for _, record in records]
        wanted = [each for each in found if each.kind == EXTENDED and (only is None or each.name in only)]
        contents = (Content(each.object, f"the attribute {each.name!r} of {each.path!r}", each.size) for each in wanted)
        by_path: dict[str, dict[str, bytes]] = {}
        for each, value in zip(wanted, read_contents(self.repository, contents), strict=True):
            by_path.setdefault(each.path, {})[each.name] = value
        return by_path

    # Errors and totals

    def failed_paths(self) -> Iterator[str]:
        """Paths that could not be read when the snapshot was made, ascending; why is not looked up."""
        return (paths.from_key(key) for key, _ in self._failures)

    def errors(self) -> Iterator[tuple[str, str]]:
        """Paths that could not be read when the snapshot was made, ascending, each with its message."""
        pairs = list(self._failures)
        records = self.repository.get_blobs(ResourceType.ERROR_ENTRY, [mac for _, mac in pairs])
        for (key, _), (_, record) in zip(pairs, records, strict=True):
            yield paths.from_key(key), Failure.from_bytes(record).message

    def summary(self, path: str = paths.ROOT) -> Summary:
        """Totals of a directory. PathNotFound unless `path` is one."""
        if path == paths.ROOT:
            return self.header.summary
        mac = None if self._summaries is None else self._summaries.find(paths.to_key(paths.require_clean(path)))
        if mac is None:
            raise PathNotFound(f"snapshot {self.header.identifier.hex()[:8]} has no totals of a directory {path!r}")
        return Summary.from_bytes(self.repository.get_blob(ResourceType.VFS_SUMMARY, mac))

    def summaries(self) -> dict[str, Summary]:
        """Totals of all directories, read together; none where the snapshot has no such index."""
        pairs = list(self._summaries or ())
        records = self.repository.get_blobs(ResourceType.VFS_SUMMARY, [mac for _, mac in pairs])
        found = zip(pairs, records, strict=True)
        return {paths.from_key(key): Summary.from_bytes(record) for (key, _), (_, record) in found}


def _may_be_named(key: bytes, only: Collection[str] | None, but: Collection[str]) -> bool:
    """Nothing separates path and name in a key, so only its end can be looked at."""
    if only is not None:
        return any(key.endswith(attribute_key("", name)) for name in only)
    return not any(key.endswith(attribute_key("", name)) for name in but)


def _entry_in(directory: str, frame: Frame) -> Entry:
    entry = frame.entry()
    if entry.parent_path != directory or entry.name == paths.ROOT:
        raise Damaged(f"the listing of {directory!r} holds the entry of {entry.path!r}; the store is damaged there")
    return entry


def _next_name(directory: str, last: bytes, name: bytes) -> bytes:
    """`name` again, which must come behind `last`: a listing that repeats itself would never end."""
    if name <= last:
        raise Damaged(f"the listing of {directory!r} does not ascend at {name!r}; the store is damaged there")
    return name


def _content_of(entry: Entry) -> Content:
    if not entry.is_file or not entry.has_object:
        raise PathNotFound(f"{entry.path!r} is no regular file, so there is no content to read")
    return Content(entry.object, repr(entry.path), entry.size)
