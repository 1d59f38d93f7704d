"""`config.yml`: what plakar does not know, in sections.

Owns which sections there are, and that a section is a map of named entries with options. What the options mean is the
business of whoever asks for them; they are handed out as they were written.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from caldav_backup.settings.document import read_document
from caldav_backup.settings.errors import SettingsError, UnknownName
from caldav_backup.settings.names import suggestion

#: Top-level keys that are known; `default_store` is a path, a URL or `@name`, the others are sections.
KEYS = frozenset({"version", "default_store", "policies", "jobs", "hooks", "notifications"})

Value = str | Sequence[str]


class Config:
    """The file at `path`, which need not be there; read when it is first asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._document: dict[str, Any] | None = None

    def default_store(self) -> str | None:
        """A path, a URL or `@name`; None when nothing is set."""
        chosen = self._read().get("default_store") or None
        if chosen is not None and not isinstance(chosen, str):
            raise SettingsError(f"{self.path}: default_store must be a directory or @name")
        return chosen

    def entry(self, section: str, name: str) -> Mapping[str, Value]:
        """The options of `name` in a section: texts, or lists of texts. UnknownName, SettingsError."""
        named = self._read().get(section) or {}
        if not isinstance(named, dict):
            raise SettingsError(f"{self.path}: {section} must be a map from names to options")
        if name not in named:
            raise UnknownName(f"{self.path} has no {name!r} in its {section}{suggestion(name, named)}")
        options = named[name]
        where = self.where(section, name)
        if not isinstance(options, dict):
            raise SettingsError(f"{where} must be a map of options")
        return {str(key): _value(value, f"{where}: {key}") for key, value in options.items()}

    def where(self, section: str, name: str) -> str:
        """What messages about an entry begin with."""
        return f"{self.path}: {section}: {name}"

    def _read(self) -> dict[str, Any]:
        if self._document is None:
            document = read_document(self.path)
            check_keys(document, KEYS, self.path)
            self._document = document
        return self._document


def check_keys(document: Mapping[str, Any], known: Collection[str], path: Path) -> None:
    """SettingsError, with the nearest known one, when a top-level key of a file is unknown."""
    for key in document:
        if key not in known:
            raise SettingsError(f"{path} has an unknown key {key!r}{suggestion(str(key), known)}")


def _value(value: object, where: str) -> Value:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return tuple(value)
    raise SettingsError(f"{where} must be a text, or a list of texts")
