"""`caldav-backup discover`: the calendars of a source, and what is left out and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from caldav_backup.cli.answer import Answer, Table
from caldav_backup.cli.endpoints import open_source
from caldav_backup.cli.exits import Exit, Usage
from caldav_backup.cli.invocation import invocation_of
from caldav_backup.cli.render import about
from caldav_backup.cli.running import run_async
from caldav_backup.settings import Kind, masked

if TYPE_CHECKING:
    from caldav_backup.connectors.base import Catalogue, Collection, Source

_COLUMNS = ("calendar", "name", "events", "components", "rights", "owner")


def command(
    context: typer.Context,
    *,
    source: Annotated[
        str | None, typer.Argument(metavar="[SOURCE]", help="@name, a URL or a directory; none: the only source.")
    ] = None,
) -> Answer:
    """List the calendars of a source, and what a backup leaves out. Changes nothing anywhere."""
    run = invocation_of(context)
    location = run.settings.given_location(Kind.SOURCE, source or _only(run.settings.names(Kind.SOURCE)))
    with about(f"@{location.name}" if location.name else masked(location.location)):
        opened = open_source(run, location)
        catalogue, counts = run_async(_look(opened))
    pairs = zip(catalogue.collections, counts, strict=True)
    found = sorted((_fields(*pair) for pair in pairs), key=lambda each: each["path"])
    rows = [
        [_shown(_plain_rights(each)[column]) for column in ("path", "displayname", *_COLUMNS[2:])] for each in found
    ]
    left_out = [
        {"path": each.key, "displayname": each.name, "reason": each.reason}
        for each in (*catalogue.left_out, *catalogue.unreadable)
    ]
    unreadable = [f"{each['path']}: {each['error']}" for each in found if each["error"]]
    return Answer(
        {"origin": opened.origin, "calendars": found, "left_out": left_out},
        [
            Table(_COLUMNS, rows, frozenset({"events"})),
            *(f"left out: {each['displayname'] or each['path']}: {each['reason']}" for each in left_out),
        ],
        trouble=unreadable or ([] if found else [f"warning: {opened.origin} has no calendars"]),
        exit=Exit.PARTIAL if unreadable else Exit.DONE,
    )


async def _look(source: Source) -> tuple[Catalogue, list[int | str]]:
    """What is there, and of each calendar how many events it has, or why that cannot be told."""
    from caldav_backup.connectors.base import CollectionUnreadable

    counts: list[int | str] = []
    try:
        catalogue = await source.catalogue()
        for collection in catalogue.collections:
            try:
                counts.append(len((await source.list_versions(collection)).versions))
            except CollectionUnreadable as error:
                counts.append(str(error))
    finally:
        await source.close()
    return catalogue, counts


def _fields(collection: Collection, count: int | str) -> dict[str, Any]:
    def text(name: str) -> str:
        return collection.attributes.get(name, b"").decode("utf-8", "replace")

    return {
        "path": collection.key,
        "displayname": collection.displayname or collection.hint,
        "events": count if isinstance(count, int) else None,
        "components": [name for name in text("components").split(",") if name],
        "rights": [name for name in text("rights").split(",") if name],
        "owner": text("owner"),
        "color": text("color"),
        "error": None if isinstance(count, int) else count,
    }


def _plain_rights(fields: dict[str, Any]) -> dict[str, Any]:
    """Without the rights that others include (RFC 3744 section 3): people want to know what they may do."""
    rights = fields["rights"]
    for whole, part in (("all", ""), ("write", "write-"), ("read", "read-")):
        if whole in rights:
            rights = [right for right in rights if right == whole or not right.startswith(part)]
    return fields | {"rights": rights}


def _shown(value: object) -> str:
    if isinstance(value, list):
        return " ".join(value)
    return "?" if value is None else str(value)


def _only(names: Sequence[str]) -> str:
    if len(names) != 1:
        there = f"; say which of {', '.join('@' + name for name in names)}" if names else ""
        raise Usage(f"there {'are several sources' if names else 'is no source yet'}{there}")
    return f"@{names[0]}"
