"""The user's settings: YAML into typed values, and secrets that are looked up only when they are needed.

Owns where settings live (`directories`), their files (`document`, `private_files`), what an entry means (`options`,
`locations`, `addresses`, `book`), where secrets come from (`lookup`, `passwords`, `passphrase`), which store is used
(`stores`) and what is remembered of it (`identities`). Prints nothing and asks nobody.
"""

from __future__ import annotations

from caldav_backup.settings.addresses import (
    Address,
    DirectoryAddress,
    ServerAddress,
    masked,
    scrubbed,
    without_password,
)
from caldav_backup.settings.book import Settings
from caldav_backup.settings.directories import Directories, find_directories
from caldav_backup.settings.errors import NameTaken, PassphraseMissing, SecretUnavailable, SettingsError, UnknownName
from caldav_backup.settings.identities import Identities
from caldav_backup.settings.locations import Location
from caldav_backup.settings.options import Kind
from caldav_backup.settings.passphrase import Supply, find_supply
from caldav_backup.settings.passwords import has_token, lookup_client_secret, lookup_password, lookup_token
from caldav_backup.settings.secret import Secret
from caldav_backup.settings.stores import resolve_store

__all__ = [
    "Address",
    "Directories",
    "DirectoryAddress",
    "Identities",
    "Kind",
    "Location",
    "NameTaken",
    "PassphraseMissing",
    "Secret",
    "SecretUnavailable",
    "ServerAddress",
    "Settings",
    "SettingsError",
    "Supply",
    "UnknownName",
    "find_directories",
    "find_supply",
    "has_token",
    "lookup_client_secret",
    "lookup_password",
    "lookup_token",
    "masked",
    "resolve_store",
    "scrubbed",
    "without_password",
]
