"""`caldav-backup discover`: the calendars of a source, and what is left out and why."""

from __future__ import annotations

from collections.abc import Collection as Some
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from caldav_backup.cli.answer import Answer, Table
from caldav_backup.cli.endpoints import open_source
from caldav_backup.cli.exits import Exit, Usage
from caldav_backup.cli.invocation import invocation_of
from caldav_backup.cli.option_words import warn_of_typed_password
from caldav_backup.cli.render import about
from caldav_backup.cli.running import run_async
from caldav_backup.settings import Kind, masked

if TYPE_CHECKING:
    from caldav_backup.connectors.base import Catalogue, Collection, LeftOut, Source
    from caldav_backup.dav import Principal

_COLUMNS = ("calendar", "name", "events", "components", "rights", "owner")
#: Rights of which one lets somebody change events (RFC 3744 §3; servers list them as they like).
_WRITE = frozenset({"all", "write", "write-content", "bind"})
_READ = frozenset({"all", "read"})


class _Found(NamedTuple):
    """What a source offers; `counts` has for each calendar its number of events, or why that cannot be told."""

    catalogue: Catalogue
    counts: Sequence[int | str]
    principal: Principal | None


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
    warn_of_typed_password(run, location)
    with about(f"@{location.name}" if location.name else masked(location.location)):
        opened = open_source(run, location)
        found = run_async(_look(opened))
    calendars = sorted(_calendars(found), key=lambda each: each["path"])
    trouble = [f"{each['path']}: {each['error']}" for each in calendars if each["error"]]
    trouble += [f"{each.key}: {each.reason}" for each in found.catalogue.unreadable]
    return Answer(
        {
            "origin": opened.origin,
            "principal": _principal(found.principal),
            "calendars": calendars,
            "left_out": [_left_out(each) for each in found.catalogue.left_out],
            "unreadable": [_left_out(each) for each in found.catalogue.unreadable],
        },
        [
            Table(_COLUMNS, list(map(_row, calendars)), frozenset({"events"})),
            *_left_out_table(found.catalogue.left_out),
        ],
        trouble=trouble or ([] if calendars else [f"warning: {opened.origin} has no calendars"]),
        exit=Exit.PARTIAL if trouble else Exit.DONE,
    )


async def _look(source: Source) -> _Found:
    import asyncio

    try:
        catalogue = await source.catalogue()
        async with asyncio.TaskGroup() as group:
            counting = [group.create_task(_count(source, each)) for each in catalogue.collections]
    finally:
        await source.close()
    return _Found(catalogue, [task.result() for task in counting], getattr(source, "principal", None))


async def _count(source: Source, collection: Collection) -> int | str:
    from caldav_backup.connectors.base import CollectionUnreadable

    try:
        return len((await source.list_versions(collection)).versions)
    except CollectionUnreadable as error:
        return str(error)


def _calendars(found: _Found) -> list[dict[str, Any]]:
    pairs = zip(found.catalogue.collections, found.counts, strict=True)
    return [_fields(collection, count, found.principal) for collection, count in pairs]


def _fields(collection: Collection, count: int | str, principal: Principal | None) -> dict[str, Any]:
    def text(name: str) -> str:
        return collection.attributes.get(name, b"").decode("utf-8", "replace")

    return {
        "path": collection.key,
        "directory": collection.hint,
        "displayname": collection.displayname or collection.hint,
        "events": count if isinstance(count, int) else None,
        "components": [name for name in text("components").split(",") if name],
        "rights": [name for name in text("rights").split(",") if name],
        "owner": text("owner"),
        "owner_name": owner_name(text("owner"), principal),
        "color": text("color"),
        "error": None if isinstance(count, int) else count,
    }


def owner_name(owner: str, principal: Principal | None) -> str:
    """Who the href `owner` is, as people would say it."""
    from caldav_backup.dav.hrefs import same_resource, segments

    if not owner:
        return ""
    if principal is not None and principal.displayname and same_resource(owner, principal.href):
        return principal.displayname
    # iCloud's end in `/principal/`, which names nobody.
    names = [segment for segment in segments(owner) if segment != "principal"]
    return names[-1] if names else owner


def plain_rights(rights: Some[str]) -> str:
    """What somebody may do who has these rights; empty where the server does not tell."""
    may = ["read"] * bool(_READ.intersection(rights)) + ["write"] * bool(_WRITE.intersection(rights))
    return " ".join(may) or ("free/busy" if "read-free-busy" in rights else "")


def _row(fields: Mapping[str, Any]) -> list[str]:
    return [
        fields["directory"],
        fields["displayname"],
        "?" if fields["events"] is None else str(fields["events"]),
        " ".join(fields["components"]),
        plain_rights(fields["rights"]) or "?",
        fields["owner_name"],
    ]


def _principal(principal: Principal | None) -> dict[str, Any] | None:
    return {"href": principal.href, "displayname": principal.displayname} if principal is not None else None


def _left_out(each: LeftOut) -> dict[str, Any]:
    return {"path": each.key, "displayname": each.name, "reason": each.reason, "source": masked(each.source) or None}


def _left_out_table(left_out: Sequence[LeftOut]) -> list[Table | str]:
    """One row for each reason, with all that it is the reason for."""
    by_reason: dict[str, list[str]] = {}
    for each in left_out:
        source = f" ({masked(each.source)})" if each.source else ""
        by_reason.setdefault(each.reason, []).append(f"{each.name or each.key}{source}")
    rows = [[", ".join(names), reason] for reason, names in by_reason.items()]
    return ["\n", Table(("left out", "why"), rows)] if rows else []


def _only(names: Sequence[str]) -> str:
    if len(names) != 1:
        there = f"; say which of {', '.join('@' + name for name in names)}" if names else ""
        raise Usage(f"there {'are several sources' if names else 'is no source yet'}{there}")
    return f"@{names[0]}"
