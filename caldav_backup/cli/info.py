"""`caldav-backup info`: a store's configuration, or a snapshot's header."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from caldav_backup.cli.answer import Answer
from caldav_backup.cli.invocation import Invocation, invocation_of
from caldav_backup.cli.listings import human_size, snapshot_fields
from caldav_backup.cli.opening import choose_header, find_store, open_repository
from caldav_backup.cli.terminal import clean
from caldav_backup.inspection.moments import local_text, utc_text
from caldav_backup.marks import PARTIAL, Reason

if TYPE_CHECKING:
    from caldav_backup.kloset.header import Header
    from caldav_backup.kloset.repository import Repository

#: Snapshots that are named as those whose copies were kept.
_SHOWN = 5


def command(
    context: typer.Context,
    *,
    snapshot: Annotated[str | None, typer.Argument(metavar="[SNAP]", help="A snapshot; none: the store.")] = None,
    source: Annotated[str | None, typer.Option(metavar="SOURCE", help="Of this source: @name or origin.")] = None,
) -> Answer:
    """Describe the store, or one snapshot."""
    run = invocation_of(context)
    return _store(run) if snapshot is None else _snapshot(run, snapshot, source)


def _store(run: Invocation) -> Answer:
    """What CONFIG says: no passphrase is needed for it."""
    store, _, configuration = find_store(run)
    result: dict[str, Any] = {
        "location": store.location,
        "repository_id": str(configuration.repository_id),
        "created": utc_text(configuration.timestamp_ns),
        "encrypted": configuration.encryption is not None,
        "compression": configuration.compression.algorithm.lower() if configuration.compression else "none",
        "hashing": configuration.hashing.lower(),
        "chunk_sizes": list(configuration.chunking[:3]),
        "packfile_size": configuration.packfile.max_size,
    }
    chunks = " / ".join(human_size(size) for size in result["chunk_sizes"])
    shown = result | {
        "created": local_text(configuration.timestamp_ns),
        "encrypted": "yes" if result["encrypted"] else "no",
        "chunk_sizes": chunks,
        "packfile_size": human_size(configuration.packfile.max_size),
    }
    return Answer({"store": result}, [_pairs(shown)])


def _snapshot(run: Invocation, word: str, source: str | None) -> Answer:
    from caldav_backup.inspection.references import parse_reference

    repository = open_repository(run)
    header = choose_header(run, repository, parse_reference(word).snapshot, source)
    result = snapshot_fields(header) | {"stale": _stale(repository, header)} | _more(header)
    shown = result | {
        "time": local_text(header.timestamp_ns),
        "size": human_size(result["size"]),
        "duration": f"{header.duration_ns / 1e9:.1f} s",
        "tags": ", ".join(header.tags),
        "stale": _stale_text(result["stale"]),
    }
    del shown["context"]
    context = {f"context {key}": value for key, value in header.context}
    return Answer({"snapshot": result}, [_pairs(shown | context)])


def _stale(repository: Repository, header: Header) -> list[dict[str, str]]:
    """Which of what could not be read is there all the same, as an older copy."""
    if PARTIAL not in header.tags:
        return []
    errors = repository.snapshot(header.identifier).errors()
    found = ((path, Reason.from_message(message).kept_from) for path, message in errors)
    return [{"path": path, "kept_from": kept_from} for path, kept_from in found if kept_from]


def _stale_text(stale: list[dict[str, str]]) -> str:
    """`2, kept from snapshot 1a2b3c4d`: how many older copies there are, and from which snapshots."""
    if not stale:
        return ""
    snapshots = list(dict.fromkeys(each["kept_from"] for each in stale))
    shown = ", ".join(snapshots[:_SHOWN]) + (" …" if len(snapshots) > _SHOWN else "")
    return f"{len(stale)}, kept from snapshot{'' if len(snapshots) == 1 else 's'} {shown}"


def _more(header: Header) -> dict[str, Any]:
    totals = header.summary
    return {
        "directories": totals.directory.directories + totals.below.directories,
        "directory": header.importer.directory,
        "category": header.category,
        "environment": header.environment,
        "duration": header.duration_ns / 1e9,
        "context": dict(header.context),
    }


def _pairs(values: dict[str, Any]) -> str:
    """One line for each value that is there, aligned."""
    width = max(map(len, values))
    return "\n".join(
        f"{key.replace('_', ' '):{width}}  {clean(str(value))}" for key, value in values.items() if value != ""
    )
