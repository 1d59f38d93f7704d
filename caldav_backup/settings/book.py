"""All settings of a user: `sources.yml`, `destinations.yml`, `stores.yml` in plakar's shape, and `config.yml`.

Owns which file holds what, the overrides from the environment, and the changes that `source add` and its like make.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from caldav_backup.settings.addresses import expanded
from caldav_backup.settings.config import Config, check_keys
from caldav_backup.settings.document import change_document, read_document
from caldav_backup.settings.errors import SettingsError, UnknownName
from caldav_backup.settings.locations import Location, location_of
from caldav_backup.settings.names import check_name, suggestion
from caldav_backup.settings.options import Kind, overridden
from caldav_backup.settings.private_files import exposed

#: The version that plakar writes and asks for.
VERSION = "v1.0.0"

Entries = dict[str, dict[str, str]]


class Settings:
    """The files of one settings directory, read when they are first asked for.

    `environ` overrides options: ``CALDAV_BACKUP_SOURCE_WORK_TIMEOUT`` is the option `timeout` of source `work`.
    """

    def __init__(self, directory: Path, environ: Mapping[str, str]) -> None:
        self.directory = directory
        self._environ = environ
        self._entries: dict[Kind, Entries] = {}
        #: What plakar does not know.
        self.config = Config(directory / "config.yml")

    def path_of(self, kind: Kind) -> Path:
        """The file that holds all locations of one kind."""
        return self.directory / f"{kind.plural}.yml"

    def exposed_files(self) -> list[Path]:
        """The directory and those of its files that others than their owner can read or change."""
        return exposed([self.directory, *map(self.path_of, Kind), self.config.path])

    def entries(self, kind: Kind) -> Entries:
        """Every entry of one kind as its file has it, by name: not checked, secrets included."""
        if kind not in self._entries:
            self._entries[kind] = self._read_entries(kind)
        return self._entries[kind]

    def names(self, kind: Kind) -> list[str]:
        """The names of one kind, in the file's order."""
        return list(self.entries(kind))

    def location(self, kind: Kind, name: str) -> Location:
        """The entry `name` (with or without ``@``), overridden by the environment, checked."""
        name = check_name(name)
        overrides = self._overrides(kind, name)
        if name not in self.entries(kind) and not overrides:
            hint = suggestion(name, self.entries(kind))
            raise UnknownName(
                f"there is no {kind.value} @{name}{hint}; "
                f"'caldav-backup {kind.value} add {name} LOCATION' makes one in {self.path_of(kind)}"
            )
        values = overridden(self.entries(kind).get(name, {}), overrides)
        return location_of(kind, name, values, f"{kind.value} @{name}")

    def given_location(self, kind: Kind, text: str) -> Location:
        """What a command line names: `@name`, or a URL, a mail address or a path of its own."""
        if text.startswith("@"):
            return self.location(kind, text)
        return location_of(kind, "", {"location": text if kind is Kind.STORE else expanded(text)}, kind.value)

    def default_store(self) -> str | None:
        """`default_store` of config.yml, else the `default` that plakar keeps in stores.yml (as `@name`), else None."""
        chosen = self.config.default_store()
        if chosen is not None:
            return chosen
        default = read_document(self.path_of(Kind.STORE)).get("default")
        return f"@{default}" if isinstance(default, str) and default else None

    def change(self, kind: Kind, change: Callable[[Any], None]) -> None:
        """Let `change` edit the map name → options of one kind in place, and write the file."""

        def change_file(document: Any) -> None:
            document.setdefault("version", VERSION)
            if not document.get(kind.plural):
                document[kind.plural] = {}
            change(document[kind.plural])

        # What is there must be readable as entries first: a file that is not understood is not rewritten.
        self.entries(kind)
        change_document(self.path_of(kind), change_file)
        self._entries.pop(kind, None)

    def _read_entries(self, kind: Kind) -> Entries:
        path = self.path_of(kind)
        document = read_document(path)
        version = document.get("version", VERSION)
        if version != VERSION:
            raise SettingsError(f"{path} has version {version!r}; this program knows {VERSION} only")
        check_keys(document, {"version", kind.plural, "default"}, path)
        section = document.get(kind.plural) or {}
        if not isinstance(section, dict):
            raise SettingsError(f"{path}: {kind.plural} must be a map from names to options")
        return {str(name): _values(entry, f"{path}: {kind.value} {name!r}") for name, entry in section.items()}

    def _overrides(self, kind: Kind, name: str) -> dict[str, str]:
        prefix = f"CALDAV_BACKUP_{kind.name}_{name.upper().replace('-', '_')}_"
        found = {option: self._environ.get(prefix + option.upper(), "") for option in kind.options}
        return {option: value for option, value in found.items() if value}


def _values(entry: object, where: str) -> dict[str, str]:
    if not isinstance(entry, dict):
        raise SettingsError(f"{where} must be a map of options")
    for key, value in entry.items():
        if value is not None and not isinstance(value, str):
            raise SettingsError(f"{where}: {key} must be a text, not a list or a map")
    return {str(key): value or "" for key, value in entry.items()}
