"""A disk that forgets at a power cut whatever was not synced, and what is left of a store then.

The files are really written, for programs to read; beside that every call is noted. What a cut leaves is computed from
the notes, by rules that are weaker than those of any file system in use, so that nothing depends on one of them:
content is safe once its file was synced; a name, or the absence of one, once its directory was; of all the rest any
part may be there or not, in any combination. A file that was renamed from one directory to another may have both
names, or none.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import BinaryIO, NamedTuple

from caldav_backup.kloset.storage import Kind, MemoryStorage
from caldav_backup.kloset.storage.disk import SystemDisk


class Fortune(Enum):
    """What happens to that which was not synced."""

    LOST = "all of it is lost"
    NAMES_ONLY = "names are there, contents are not"
    SCATTERED = "some of it is there, as chance will have it"


@dataclass(eq=False)
class Node:
    """A file with its content, or a directory, whatever it is called."""

    content: bytearray | None = None


class Named(NamedTuple):
    """A name appears in a directory, or goes away."""

    path: Path
    node: Node | None


class Written(NamedTuple):
    node: Node
    size: int


class FileSynced(NamedTuple):
    node: Node
    size: int


class DirectorySynced(NamedTuple):
    path: Path


Note = Named | Written | FileSynced | DirectorySynced


class ForgetfulDisk(SystemDisk):
    """Notes what happens. `root`: the directory that is there from the beginning and stays."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.notes: list[Note] = []
        self._nodes: dict[Path, Node] = {}

    def create_file(self, path: Path) -> BinaryIO:
        file = super().create_file(path)
        node = Node(bytearray())
        self._name(path, node)
        return _NotedFile(file, node, self.notes)  # type: ignore[return-value]

    def sync_file(self, file: BinaryIO) -> None:
        assert isinstance(file, _NotedFile)
        super().sync_file(file.file)
        self.notes.append(FileSynced(file.node, len(file.node.content or b"")))

    def rename(self, old: Path, new: Path) -> None:
        super().rename(old, new)
        self._name(new, self._nodes[old])
        self._name(old, None)

    def remove_file(self, path: Path) -> None:
        super().remove_file(path)
        self._name(path, None)

    def make_directory(self, path: Path, mode: int) -> None:
        super().make_directory(path, mode)
        self._name(path, Node())

    def sync_directory(self, path: Path) -> None:
        super().sync_directory(path)
        self.notes.append(DirectorySynced(path))

    def _name(self, path: Path, node: Node | None) -> None:
        self.notes.append(Named(path, node))
        if node is None:
            del self._nodes[path]
        else:
            self._nodes[path] = node

    def cut(self, after: int, fortune: Fortune, chance: random.Random) -> dict[Path, bytes]:
        """The files that are there when the power fails after the first `after` notes."""
        return _Cut(self.notes[:after], self.root, fortune, chance).files()


@dataclass
class _NotedFile:
    """What `FileWriter` uses of a file."""

    file: BinaryIO
    node: Node
    notes: list[Note]

    def write(self, data: bytes) -> int:
        assert self.node.content is not None
        self.node.content += data
        self.notes.append(Written(self.node, len(self.node.content)))
        return self.file.write(data)

    def fileno(self) -> int:
        return self.file.fileno()

    def close(self) -> None:
        self.file.close()


@dataclass
class _Cut:
    """Goes through the notes once, then decides about what is left open."""

    notes: list[Note]
    root: Path
    fortune: Fortune
    chance: random.Random
    durable: dict[Path, Node] = field(default_factory=dict)
    pending: dict[Path, list[Named]] = field(default_factory=dict)
    synced: dict[Node, int] = field(default_factory=dict)
    written: dict[Node, int] = field(default_factory=dict)

    def files(self) -> dict[Path, bytes]:
        for note in self.notes:
            match note:
                case Named():
                    self.pending.setdefault(note.path.parent, []).append(note)
                case Written():
                    self.written[note.node] = note.size
                case FileSynced():
                    self.synced[note.node] = note.size
                case DirectorySynced():
                    self._settle(self.pending.pop(note.path, []), lambda: True)
        for left in self.pending.values():
            self._settle(left, self._is_there)
        return {path: self._content(node) for path, node in self.durable.items() if self._is_file(path, node)}

    def _settle(self, names: list[Named], is_there: Callable[[], bool]) -> None:
        for name in names:
            if not is_there():
                continue
            if name.node is None:
                self.durable.pop(name.path, None)
            else:
                self.durable[name.path] = name.node

    def _is_there(self) -> bool:
        if self.fortune is Fortune.SCATTERED:
            return self.chance.random() < 0.5
        return self.fortune is Fortune.NAMES_ONLY

    def _content(self, node: Node) -> bytes:
        assert node.content is not None
        safe, most = self.synced.get(node, 0), self.written.get(node, 0)
        if self.fortune is not Fortune.SCATTERED or safe == most:
            return bytes(node.content[:safe])
        # Later pieces may be there without earlier ones, which are zero then.
        size = self.chance.randint(safe, most)
        gap = self.chance.randint(safe, size)
        return bytes(node.content[:safe]) + bytes(gap - safe) + bytes(node.content[gap:size])

    def _is_file(self, path: Path, node: Node) -> bool:
        above = (parent for parent in path.parents if parent != self.root and self.root in parent.parents)
        return node.content is not None and all(parent in self.durable for parent in above)


def as_storage(files: dict[Path, bytes], store: Path) -> MemoryStorage:
    """What `FilesystemStorage` would find at `store`, without making the directories again."""
    storage = MemoryStorage("what the power cut left")
    for path, content in files.items():
        if path == store / "CONFIG":
            storage.configuration = content
        elif len(path.name) == 64:
            storage.files[Kind(path.relative_to(store).parts[0]), bytes.fromhex(path.name)] = content
    return storage
