"""Which store a run uses."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import unquote

from caldav_backup.settings.errors import SettingsError
from caldav_backup.settings.locations import Location
from caldav_backup.settings.options import Kind

if TYPE_CHECKING:
    from caldav_backup.settings.book import Settings
    from caldav_backup.settings.directories import Directories


def resolve_store(
    option: str | None, environ: Mapping[str, str], settings: Settings, directories: Directories
) -> Location:
    """`--store`, ``CALDAV_BACKUP_STORE``, ``PLAKAR_REPOSITORY``, the default store of the settings, the data directory.

    Each of them is a directory or `@name`. The result's `location` is an absolute path.
    """
    chosen = (
        option or environ.get("CALDAV_BACKUP_STORE") or environ.get("PLAKAR_REPOSITORY") or settings.default_store()
    )
    return absolute(settings.given_location(Kind.STORE, chosen or str(directories.data / "store")))


def absolute(store: Location) -> Location:
    """`store` with an absolute path: the form under which a store is remembered, whatever directory a run starts in."""
    path = store.location
    scheme, separator, rest = path.partition("://")
    prefix = "ptar://" if scheme.lower() == "ptar" else ""
    if separator and scheme.lower() not in {"file", "fs", "ptar"}:
        raise SettingsError(f"{store.title}: stores are directories or .ptar files so far, and {scheme}:// is neither")
    if separator:
        path = unquote(rest.removeprefix("localhost")) if scheme.lower() == "file" else rest
    elif path.startswith("fs:"):
        # plakar's own spelling of a directory.
        path = path.removeprefix("fs:")
    absolute_path = os.path.abspath(os.path.expanduser(path))  # resolve() would follow links
    return Location(store.kind, store.name, prefix + absolute_path, store.options, store.secrets)
