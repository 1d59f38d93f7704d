"""`caldav-backup init`: a new store."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from caldav_backup.cli.answer import Answer
from caldav_backup.cli.invocation import invocation_of
from caldav_backup.cli.opening import remember
from caldav_backup.cli.passphrases import new_passphrase, no_passphrase
from caldav_backup.settings import Location

if TYPE_CHECKING:
    from caldav_backup.kloset.storage import Storage


class Compression(StrEnum):
    """What blobs are compressed with."""

    LZ4 = "lz4"
    ZSTD = "zstd"
    GZIP = "gzip"
    NONE = "none"


class Hashing(StrEnum):
    """What contents are named by."""

    BLAKE3 = "blake3"
    SHA256 = "sha256"


def command(
    context: typer.Context,
    *,
    plaintext: Annotated[
        bool, typer.Option("--plaintext", help="Do not encrypt: whoever has the disk reads it.")
    ] = False,
    compression: Annotated[
        Compression, typer.Option(help="zstd is smaller, and needs a plakar newer than 1.1.")
    ] = Compression.LZ4,
    hashing: Annotated[Hashing, typer.Option(help="What contents are named by.")] = Hashing.BLAKE3,
) -> Answer:
    """Make a new store, encrypted unless told otherwise."""
    from caldav_backup.kloset.configuration import Configuration
    from caldav_backup.kloset.repository import Repository
    from caldav_backup.kloset.storage import open_storage

    run = invocation_of(context)
    store = run.store()
    storage = open_storage(store.location)
    _require_nothing_there(storage, store)
    passphrase = None
    if plaintext:
        no_passphrase(run, store)
    else:
        passphrase = new_passphrase(run, store)
    configuration = Configuration.new(
        encrypted=not plaintext,
        compression=None if compression is Compression.NONE else compression.value.upper(),
        hashing=hashing.value.upper(),
    )
    repository = Repository.create(
        storage, configuration, passphrase=None if passphrase is None else passphrase.reveal_bytes()
    )
    remember(run, store, repository)
    result = {
        "location": store.location,
        "repository_id": str(repository.identity.repository_id),
        "encrypted": not plaintext,
        "compression": compression.value,
        "hashing": hashing.value,
    }
    kind = "plaintext" if plaintext else "encrypted"
    return Answer(result, summary=[f"{kind} store {repository.identity.repository_id} made in {store.location}"])


def _require_nothing_there(storage: Storage, store: Location) -> None:
    """StoreExists before anybody is asked for a passphrase; `create` itself looks again."""
    from caldav_backup.kloset.errors import StoreExists, StoreNotFound

    try:
        storage.read_configuration()
    except StoreNotFound:
        return
    raise StoreExists(f"there is a store in {store.location} already; it is left as it is")
