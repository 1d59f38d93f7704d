"""A new store on its way into being: nothing is there yet, a passphrase is found or typed, and it is remembered.

Shared by `init` and `passwd`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldav_backup.cli.invocation import Invocation
from caldav_backup.cli.opening import remember
from caldav_backup.cli.passphrases import new_passphrase, no_passphrase
from caldav_backup.settings import Location
from caldav_backup.settings.passphrase import Role

if TYPE_CHECKING:
    from caldav_backup.kloset.configuration import Configuration
    from caldav_backup.kloset.repository import Repository
    from caldav_backup.kloset.storage import Storage


def make_store(run: Invocation, store: Location, configuration: Configuration, role: Role) -> Repository:
    """The store, made and open. StoreExists, before anybody is asked for a passphrase, when there is one already."""
    from caldav_backup.kloset.repository import Repository
    from caldav_backup.kloset.storage import open_storage

    storage = open_storage(store.location)
    _require_nothing_there(storage, store)
    passphrase = None
    if configuration.is_encrypted:
        passphrase = new_passphrase(run, store, role).reveal_bytes()
    else:
        no_passphrase(run, store, role)
    repository = Repository.create(storage, configuration, passphrase=passphrase)
    remember(run, store, repository)
    return repository


def _require_nothing_there(storage: Storage, store: Location) -> None:
    """StoreExists before anybody is asked for a passphrase; `create` itself looks again."""
    from caldav_backup.kloset.errors import StoreExists, StoreNotFound

    try:
        storage.read_configuration()
    except StoreNotFound:
        return
    raise StoreExists(f"there is a store in {store.location} already; it is left as it is")
