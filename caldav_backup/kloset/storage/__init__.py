"""Backends that keep a store's files, and which one a location means."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

from caldav_backup.kloset.errors import UnsupportedStore
from caldav_backup.kloset.storage.base import Kind, Storage, StorageWriter
from caldav_backup.kloset.storage.filesystem import FilesystemStorage
from caldav_backup.kloset.storage.memory import MemoryStorage
from caldav_backup.kloset.storage.ptar import PtarStorage

__all__ = ["FilesystemStorage", "Kind", "MemoryStorage", "PtarStorage", "Storage", "StorageWriter", "open_storage"]

_scheme_of = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*)://(.*)", re.DOTALL).fullmatch


def open_storage(location: str) -> Storage:
    """The storage at a location: the path of a directory or of a `.ptar` file, also with `file://`, `fs://`, `ptar://`.

    Touches nothing yet: whether a store is there shows when it is opened. UnsupportedStore for other schemes.
    """
    scheme, path = _split(location)
    if scheme == "ptar" or (scheme != "fs" and _is_archive(path)):
        return PtarStorage(path)
    return FilesystemStorage(path)


def _split(location: str) -> tuple[str, str]:
    match = _scheme_of(location)
    if match is None:
        return "", location
    scheme, path = match[1].lower(), match[2]
    if scheme == "file":
        return scheme, unquote(path.removeprefix("localhost"))
    if scheme in {"fs", "ptar"}:
        return scheme, path
    raise UnsupportedStore(f"no store can be kept at {scheme}:// here; name a directory or a .ptar file")


def _is_archive(path: str) -> bool:
    return path.endswith(".ptar") and not Path(path).is_dir()
