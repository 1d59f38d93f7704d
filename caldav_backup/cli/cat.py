"""`caldav-backup cat`: the exact bytes of one event."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from caldav_backup.cli.answer import Answer
from caldav_backup.cli.exits import Usage
from caldav_backup.cli.invocation import invocation_of
from caldav_backup.cli.opening import choose_header, open_repository


def command(
    context: typer.Context,
    *,
    path: Annotated[str, typer.Argument(metavar="SNAP:PATH", help="Which event, of which snapshot.")],
    source: Annotated[str | None, typer.Option(metavar="SOURCE", help="Of this source: @name or origin.")] = None,
) -> Answer:
    """Print one event exactly as the server gave it."""
    from caldav_backup.inspection.references import parse_reference

    run = invocation_of(context)
    reference = parse_reference(path)
    if reference.path is None:
        raise Usage(f"cat needs a path behind the snapshot: {reference.snapshot}:/calendar/event.ics")
    repository = open_repository(run)
    header = choose_header(run, repository, reference.snapshot, source)
    snapshot = repository.snapshot(header.identifier)
    entry = snapshot.resolve(reference.path)
    if entry.is_directory:
        raise Usage(f"{entry.path} is a directory; 'ls {reference.snapshot}:{entry.path}' lists it")
    result: dict[str, Any] = {"snapshot": header.identifier.hex(), "path": entry.path, "size": entry.size}
    if run.options.json:
        return Answer(result | _as_text(snapshot.read(entry)))
    return Answer(result, raw=snapshot.stream(entry))


def _as_text(content: bytes) -> dict[str, str]:
    """The content as text where it is UTF-8, so that nothing is lost, and in base64 where it is not."""
    try:
        return {"encoding": "utf-8", "content": content.decode()}
    except UnicodeDecodeError:
        from base64 import b64encode

        return {"encoding": "base64", "content": b64encode(content).decode()}
