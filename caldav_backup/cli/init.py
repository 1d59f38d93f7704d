"""`caldav-backup init`: a new store."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from caldav_backup.cli.answer import Answer
from caldav_backup.cli.chunk_sizes import chunk_sizes
from caldav_backup.cli.invocation import invocation_of
from caldav_backup.cli.making import make_store
from caldav_backup.settings import Location
from caldav_backup.settings.passphrase import OWN

if TYPE_CHECKING:
    from caldav_backup.kloset.repository import Repository


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
    chunk_size: Annotated[
        str | None,
        typer.Option(
            metavar="MIN,AVG,MAX",
            help="Bytes of the pieces that contents are cut into (default: 4K,16K,64K, which suits calendars; "
            "512K,1M,8M is plakar's, and better for a store that holds large files besides).",
        ),
    ] = None,
) -> Answer:
    """Make a new store, encrypted unless told otherwise."""
    from caldav_backup.kloset.configuration import DEFAULT_CHUNKING, Configuration

    run = invocation_of(context)
    configuration = Configuration.new(
        encrypted=not plaintext,
        compression=None if compression is Compression.NONE else compression.value.upper(),
        hashing=hashing.value.upper(),
        chunking=DEFAULT_CHUNKING if chunk_size is None else chunk_sizes(chunk_size),
    )
    store = run.store()
    repository = make_store(run, store, configuration, OWN)
    result = made_store(store, repository)
    kind = "plaintext" if plaintext else "encrypted"
    return Answer(result, summary=[f"{kind} store {repository.identity.repository_id} made in {store.location}"])


def made_store(store: Location, repository: Repository) -> dict[str, object]:
    """A new store in JSON documents."""
    configuration = repository.configuration
    return {
        "location": store.location,
        "repository_id": str(configuration.repository_id),
        "encrypted": configuration.is_encrypted,
        "compression": configuration.compression.algorithm.lower() if configuration.compression else "none",
        "hashing": configuration.hashing.lower(),
        "chunk_sizes": list(configuration.chunking[:3]),
    }
