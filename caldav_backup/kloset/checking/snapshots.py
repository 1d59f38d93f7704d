"""Checks one snapshot: its header, its trees, and that all of them tell of the same files.

Owns what can be wrong between the parts of a snapshot. What does not differ from a snapshot that was checked before is
not read again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from caldav_backup.kloset import paths
from caldav_backup.kloset.btree import ERROR_TREE, INDEX_TREE, VFS_TREE, XATTR_TREE, TreeType
from caldav_backup.kloset.checking.blobs import each_blob
from caldav_backup.kloset.checking.contents import ContentCheck, Subject
from caldav_backup.kloset.checking.directories import Child, Directory, DirectoryCheck
from caldav_backup.kloset.checking.findings import Finding, Findings, Progress, no_progress
from caldav_backup.kloset.checking.parts import NOTHING, Part
from caldav_backup.kloset.checking.pieces import Piece, split_leaves
from caldav_backup.kloset.checking.trees import TreeCheck
from caldav_backup.kloset.contents import Content
from caldav_backup.kloset.entries import Entry
from caldav_backup.kloset.errors import Damaged
from caldav_backup.kloset.failures import Failure
from caldav_backup.kloset.header import Header
from caldav_backup.kloset.live_blobs import MacSet
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.summary import Summary, SummaryBuilder
from caldav_backup.kloset.xattrs import ExtendedAttribute

# Trees over the files that plakar's maintenance knows; it refuses a snapshot with any other.
_KNOWN_INDEXES = frozenset(("content-type", "dirpack", "summary"))


class SnapshotsCheck:
    """The snapshots of one store, one after the other."""

    def __init__(
        self, repository: Repository, findings: Findings, read: Part = NOTHING, progress: Progress = no_progress
    ) -> None:
        self._repository = repository
        self._findings = findings
        self._shared = _Shared(ContentCheck(repository, findings, read), {}, MacSet(), progress)
        # What was checked, and the snapshot in which damage was found in it, "" for none.
        self._sources: dict[tuple[object, ...], str] = {}

    def check(self, identifier: bytes) -> Iterator[Finding]:
        try:
            header = self._repository.header(identifier)
        except Damaged as exc:
            self._findings.damage("snapshot", identifier.hex(), exc)
        else:
            # Directory, summaries and trees are named by their content, so the same ids are the same snapshot.
            source = (header.root, header.xattrs, header.errors, header.indexes, header.summary)
            before = self._sources.get(source)
            if before is None:
                count = self._findings.damaged
                one = _OneSnapshot(self._repository, self._findings, self._shared, header)
                yield from one.check()
                self._sources[source] = identifier.hex() if self._findings.damaged > count else ""
            elif before:
                message = f"it is the same as snapshot {before[:8]}, with the same damage"
                self._findings.damage("snapshot", identifier.hex(), message, like=before)
        yield from self._findings.drain()


class _Shared(NamedTuple):
    """What snapshots have in common, so that it is checked once.

    `directories` by path and a fingerprint of their listing and children: nightly snapshots share almost all of them.
    `sound` are ids of entries whose blobs are as they should be.
    """

    contents: ContentCheck
    directories: dict[tuple[str, bytes], Directory]
    sound: MacSet
    progress: Progress


class _OneSnapshot:
    def __init__(self, repository: Repository, findings: Findings, shared: _Shared, header: Header) -> None:
        self._repository = repository
        self._findings = findings
        self._contents, self._known, self._sound, self._progress = shared
        self._header = header
        self._where = header.identifier.hex()
        self._is_whole = True
        self._directories: dict[str, Directory] = {}
        self._attributes: set[bytes] = set()

    def check(self) -> Iterator[Finding]:
        listings = self._index("dirpack")
        yield from self._check_files(listings)
        self._check_attributes()
        yield from self._findings.drain()
        failures = self._check_failures()
        self._check_directories("dirpack", listings)
        self._check_summaries(self._index("summary"), failures)
        self._check_other_indexes()

    def _pairs(self, tree_type: TreeType, root: bytes, what: str) -> Iterator[Child]:
        tree = TreeCheck(self._repository, tree_type, self._findings, self._where, what)
        yield from tree.pairs(root)
        self._is_whole &= tree.is_whole

    def _index(self, name: str) -> dict[str, bytes] | None:
        root = self._header.find_index(name)
        if root is None:
            return None
        pairs = self._pairs(INDEX_TREE, root, f"{name} index")
        return {paths.from_key(key): value for key, value in pairs}

    # Files

    def _check_files(self, listings: Mapping[str, bytes] | None) -> Iterator[Finding]:
        """The file tree, directory by directory: the children of one are neighbours in it."""
        tree = TreeCheck(self._repository, VFS_TREE, self._findings, self._where, "file tree")
        for directory, group in groupby(split_leaves(tree.leaves(self._header.root)), key=itemgetter(0)):
            pieces = [piece for _, piece in group]
            if directory is None:
                self._check_root(pieces[0].values[0])
                continue
            self._check_directory(paths.from_key(directory), pieces, listings)
            yield from self._findings.drain()
        self._is_whole &= tree.is_whole
        for path in sorted(self._directories.keys() - self._all_directories()):
            self._findings.damage("entry", self._where, f"{path!r}: files lie in it, and it has no entry", path)
        for path in self._all_directories() - self._directories.keys():
            # Nothing in the file tree lies in it.
            self._check_directory(path, (), listings)
            yield from self._findings.drain()

    def _check_root(self, mac: bytes) -> None:
        try:
            entry = Entry.from_bytes(self._repository.get_blob(ResourceType.VFS_ENTRY, mac))
        except Damaged as exc:
            self._findings.damage("entry", self._where, f"'/': {exc}")
            return
        if entry.path != paths.ROOT or not entry.is_directory:
            self._findings.damage("entry", self._where, f"the file tree has the entry of {entry.path!r} at '/'")
        above = Directory()
        above.add(entry)
        self._attributes.update(above.attributes)

    def _check_directory(self, path: str, pieces: Sequence[Piece], listings: Mapping[str, bytes] | None) -> None:
        """A directory whose children stand in these pieces of leaves."""
        listing = None if listings is None else listings.get(path)
        known = (path, self._fingerprint(listing, pieces))
        found = self._known.get(known)
        if found is None:
            before = self._findings.damaged
            children = [pair for piece in pieces for pair in zip(piece.keys, piece.values, strict=True)]
            checked = DirectoryCheck(self._repository, self._contents, self._sound, self._findings, self._where)
            found = checked.check(path, children, listing, self._progress)
            if self._findings.damaged > before:
                found.damaged_in = self._where
            self._known[known] = found
        elif found.damaged_in:
            message = f"{path!r} is damaged as it is in snapshot {found.damaged_in[:8]}"
            self._findings.damage("directory", self._where, message, path, like=found.damaged_in)
        self._directories[path] = found
        self._attributes.update(self._directories[path].attributes)

    def _fingerprint(self, listing: bytes | None, pieces: Sequence[Piece]) -> bytes:
        """The same for the same listing and the same children, wherever the leaves of the tree end."""
        names, running = self._repository.keyed.start(), self._repository.keyed.start()
        for piece in pieces:
            names.update(b"\0".join(piece.keys) + b"\0")
            running.update(b"".join(piece.values))
        running.update(names.digest() + (listing or b""))
        return running.digest()

    def _all_directories(self) -> set[str]:
        below = {path for directory in self._directories.values() for path in directory.directories}
        return {paths.ROOT} | below

    def _check_directories(self, name: str, index: Mapping[str, bytes] | None) -> None:
        """That an index tells of the very directories that the file tree has."""
        if index is None or not self._is_whole:
            return
        directories = self._all_directories()
        for path in sorted(directories - index.keys()):
            self._findings.damage(f"{name} index", self._where, f"the directory {path!r} is missing in it")
        for path in sorted(index.keys() - directories):
            self._findings.damage(f"{name} index", self._where, f"it tells of {path!r}, which is no directory")

    # Extended attributes

    def _check_attributes(self) -> None:
        pairs = list(self._pairs(XATTR_TREE, self._header.xattrs, "attribute tree"))
        records = each_blob(self._repository, ResourceType.XATTR_ENTRY, [mac for _, mac in pairs])
        contents: list[Subject] = []
        for (key, _), record in zip(pairs, records, strict=True):
            try:
                if isinstance(record, Damaged):
                    raise record
                found = ExtendedAttribute.from_bytes(record)
            except Damaged as exc:
                self._damage_attribute(key, exc)
                continue
            if found.key != key:
                self._damage_attribute(key, f"it is stored as the attribute {found.name!r} of {found.path!r}")
            content = Content(found.object, f"the attribute {found.name!r} of {found.path!r}", found.size)
            contents.append(Subject(content, found.path, "attribute"))
        self._contents.tell_again(self._contents.check(contents, self._where), self._where, paths.ROOT)
        keys = {key for key, _ in pairs}
        for key in sorted(self._attributes - keys):
            self._damage_attribute(key, "an entry names it, and it is not stored")
        for key in sorted(key for key in keys - self._attributes if self._is_whole and key.endswith(b":")):
            message = f"{paths.from_key(key)!r}: it is stored, and its path's entry does not name it"
            self._findings.warn("attribute", self._where, message)

    def _damage_attribute(self, key: bytes, message: object) -> None:
        self._findings.damage("attribute", self._where, f"{paths.from_key(key)!r}: {message}")

    # Errors

    def _check_failures(self) -> dict[str, int]:
        """How many paths could not be read in each directory."""
        pairs = list(self._pairs(ERROR_TREE, self._header.errors, "error tree"))
        records = each_blob(self._repository, ResourceType.ERROR_ENTRY, [mac for _, mac in pairs])
        counts: dict[str, int] = {}
        for (key, _), record in zip(pairs, records, strict=True):
            path = paths.from_key(key)
            directory = paths.split(path)[0]
            counts[directory] = counts.get(directory, 0) + 1
            try:
                if isinstance(record, Damaged):
                    raise record
                if Failure.from_bytes(record).key != key:
                    raise Damaged("it is stored with the record of another path")
            except Damaged as exc:
                self._findings.damage("error", self._where, f"{path!r}: {exc}")
        return counts

    # Totals

    def _check_summaries(self, index: Mapping[str, bytes] | None, failures: Mapping[str, int]) -> None:
        self._check_directories("summary", index)
        if index is None or not self._is_whole:
            return
        expected = self._add_up(failures)
        stored = sorted(path for path in index.keys() & expected.keys())
        records = each_blob(self._repository, ResourceType.VFS_SUMMARY, [index[path] for path in stored])
        for path, record in zip(stored, records, strict=True):
            try:
                if isinstance(record, Damaged):
                    raise record
                self._compare(path, Summary.from_bytes(record), expected[path])
            except Damaged as exc:
                self._findings.damage("summary", self._where, f"the totals of {path!r}: {exc}")
        self._compare("the header", self._header.summary, expected[paths.ROOT])

    def _add_up(self, failures: Mapping[str, int]) -> dict[str, Summary]:
        """Totals of every directory from what was checked, the deepest first."""
        found: dict[str, Summary] = {}
        for path in sorted(self._directories, key=lambda path: path.count("/") - (path == paths.ROOT), reverse=True):
            directory = self._directories[path]
            totals: SummaryBuilder = deepcopy(directory.totals)
            for below in directory.directories:
                # One that is not there was told as damage before.
                totals.add_directory(found.get(below, Summary()))
            totals.add_errors(failures.get(path, 0))
            found[path] = totals.finish()
        return found

    def _compare(self, path: str, stored: Summary, expected: Summary) -> None:
        """Totals are for people, and plakar tolerates wrong ones."""
        differing = [
            f"{part}.{name}"
            for part in Summary._fields
            for name in getattr(stored, part)._fields
            if getattr(getattr(stored, part), name) != getattr(getattr(expected, part), name)
        ]
        if differing:
            self._findings.warn("summary", self._where, f"the totals of {path!r} are wrong: {', '.join(differing)}")

    # Other indexes

    def _check_other_indexes(self) -> None:
        """Those that nothing else is checked against: that they are sound trees over entries that exist."""
        for name, _, root in self._header.indexes:
            if name in ("dirpack", "summary"):
                continue
            macs = [value for _, value in self._pairs(INDEX_TREE, root, f"{name} index")]
            if name not in _KNOWN_INDEXES:
                self._findings.warn(
                    "snapshot", self._where, f"it has an index {name!r}, at which plakar's maintenance stops"
                )
                continue
            missing = sum(
                not places for places in self._repository.index.find_locations_of(ResourceType.VFS_ENTRY, macs)
            )
            if missing:
                self._findings.warn("content-type index", self._where, f"{missing} of its entries are not stored")
