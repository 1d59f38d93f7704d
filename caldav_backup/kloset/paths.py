"""Paths inside a snapshot: absolute, separated by `/`, clean, raw bytes.

Owns their two orders, how they are cut and joined, and which names are refused (`docs/design/format.md`, "Paths"). As
`str` they carry bytes that are not UTF-8 as surrogate escapes; as `bytes` they are tree keys. Knows nothing of the
file system that this program runs on.
"""

from __future__ import annotations

from caldav_backup.kloset.errors import Damaged, InvalidArgument

ROOT = "/"

MAX_DEPTH = 1024
"""Directories inside each other that a walk goes into."""


def to_key(path: str) -> bytes:
    """The bytes of a path or name, as trees and dirpacks order them."""
    return path.encode("utf-8", "surrogateescape")


def from_key(key: bytes) -> str:
    return key.decode("utf-8", "surrogateescape")


def path_order(key: bytes) -> tuple[int, bytes]:
    """Sort key of plakar's PathCmp: shallow paths first, then by bytes; a directory's children are neighbours."""
    return key.count(b"/"), key


def join(directory: str, name: str) -> str:
    """Path of `name` in `directory`; the root's own entry is named `/`."""
    if directory != ROOT:
        return f"{directory}/{name}"
    return ROOT if name == ROOT else ROOT + name


def split(path: str) -> tuple[str, str]:
    """Directory and name of a path; the root lies in itself."""
    directory, _, name = path.rpartition("/")
    return directory or ROOT, name or ROOT


def ancestors(path: str) -> list[str]:
    """Every directory above `path`, the root first; nothing for the root."""
    if path == ROOT:
        return []
    segments = path.split("/")
    return [ROOT, *("/".join(segments[:end]) for end in range(2, len(segments)))]


def clean(path: str) -> str:
    """`path` as a user typed it, made absolute and clean; `..` never leads above the root."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in {"", "."}:
            kept.append(segment)
    return ROOT + "/".join(kept)


def is_clean(path: str) -> bool:
    """Whether `path` is absolute and has no empty, `.` or `..` segment."""
    if path == ROOT:
        return True
    return path.startswith("/") and _REFUSED.isdisjoint(path[1:].split("/"))


def is_name(name: str) -> bool:
    """Whether `name` can stand for one child of a directory."""
    return name not in _REFUSED and "/" not in name


def check_place(directory: str, name: str) -> None:
    """Damaged unless an entry may lie there: a hostile store must not lead a restore out of its target."""
    if is_name(name):
        if directory == ROOT or is_clean(directory):
            return
    elif name == ROOT and directory == ROOT:
        return
    raise Damaged(f"an entry has the impossible place {directory!r} / {name!r}; the store is damaged or hostile there")


def require_clean(path: str) -> str:
    """`path` again; InvalidArgument unless it is absolute and clean."""
    if not is_clean(path):
        raise InvalidArgument(f"{path!r} is not an absolute, clean path inside a snapshot")
    return path


_REFUSED = frozenset(("", ".", ".."))
