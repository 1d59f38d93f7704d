"""What `source add`, `set`, `unset` and `rm` do to an entry; checked as a whole before anything is written.

Owns the rules of a change (a URL's userinfo is split off, a directory's path is made absolute, a new form of a secret
replaces the old one). The file itself is `book`'s.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from caldav_backup.settings.addresses import expanded, is_url, split_userinfo
from caldav_backup.settings.errors import NameTaken, SettingsError, UnknownName
from caldav_backup.settings.locations import location_of
from caldav_backup.settings.names import check_name, suggestion
from caldav_backup.settings.options import Kind, check_option_name, overridden

if TYPE_CHECKING:
    from caldav_backup.settings.book import Settings


def add_entry(settings: Settings, kind: Kind, name: str, values: Mapping[str, str]) -> None:
    """Make the entry `name`; NameTaken when it is there already."""
    name = check_name(name)
    if name in settings.entries(kind):
        raise NameTaken(f"there is a {kind.value} @{name} already; 'caldav-backup {kind.value} set {name}' changes it")
    added = _normal(kind, values)
    _check(kind, name, added)
    settings.change(kind, lambda entries: entries.update({name: added}))


def set_options(settings: Settings, kind: Kind, name: str, values: Mapping[str, str]) -> None:
    """Change or add options of the entry `name`."""
    name = _existing(settings, kind, name)
    normal = _normal(kind, values)
    after = overridden(settings.entries(kind)[name], normal)
    _check(kind, name, after)
    superseded = settings.entries(kind)[name].keys() - after.keys()

    def change(entries: Any) -> None:
        for option in superseded:
            del entries[name][option]
        entries[name].update(normal)

    settings.change(kind, change)


def unset_options(settings: Settings, kind: Kind, name: str, options: Sequence[str]) -> None:
    """Take options away from the entry `name`; one that it does not have is an error."""
    name = _existing(settings, kind, name)
    there = settings.entries(kind)[name]
    for option in options:
        if option == "location":
            raise SettingsError(f"{kind.value} @{name} needs its location; 'rm' removes the whole entry")
        if option not in there:
            check_option_name(kind, option, f"{kind.value} @{name}")
            raise SettingsError(f"{kind.value} @{name} has no {option} to unset")

    def change(entries: Any) -> None:
        for option in options:
            entries[name].pop(option, None)

    settings.change(kind, change)


def remove_entry(settings: Settings, kind: Kind, name: str) -> None:
    """Remove the entry `name`. What it pointed to stays as it is."""
    name = _existing(settings, kind, name)

    def change(entries: Any) -> None:
        del entries[name]

    settings.change(kind, change)


def _existing(settings: Settings, kind: Kind, name: str) -> str:
    name = check_name(name)
    if name not in settings.entries(kind):
        raise UnknownName(f"there is no {kind.value} @{name}{suggestion(name, settings.entries(kind))}")
    return name


def _normal(kind: Kind, values: Mapping[str, str]) -> dict[str, str]:
    """`values` as they are saved: userinfo out of the URL, a directory by its absolute path."""
    normal = dict(values)
    if location := values.get("location"):
        bare, credentials = split_userinfo(location if kind is Kind.STORE else expanded(location))
        # cron starts elsewhere.
        normal["location"] = bare if is_url(bare) else os.path.abspath(os.path.expanduser(bare))
        if credentials.username:
            normal.setdefault("username", credentials.username)
        if credentials.password is not None and not any(key.startswith("password") for key in values):
            normal["password"] = credentials.password.reveal()
    return normal


def _check(kind: Kind, name: str, values: Mapping[str, str]) -> None:
    location = location_of(kind, name, values, f"{kind.value} @{name}")
    if kind is not Kind.STORE:
        location.address()
