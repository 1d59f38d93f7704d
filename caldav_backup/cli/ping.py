"""`source ping` and `destination ping`: whether a location answers, who we are there, and what it can do.

Owns the words about servers; directories are `ping_directory`'s. The questions are `dav.probe`'s; what went wrong is
said by the errors themselves.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caldav_backup.cli.answer import Answer, Table
from caldav_backup.cli.counting import counted
from caldav_backup.cli.discover import plain_rights
from caldav_backup.cli.endpoints import open_client
from caldav_backup.cli.exits import Exit
from caldav_backup.cli.invocation import Invocation
from caldav_backup.cli.option_words import warn_of_typed_password
from caldav_backup.cli.ping_directory import HEADINGS, identity, ping_directory
from caldav_backup.cli.render import about
from caldav_backup.cli.running import run_async
from caldav_backup.settings import Kind, Location, ServerAddress, masked
from caldav_backup.settings.names import is_name

if TYPE_CHECKING:
    from caldav_backup.dav import Calendar, Client
    from caldav_backup.dav.answer import Encryption
    from caldav_backup.dav.probe import OneRead, Probe

_MOST_OF_SERVER = 60


def ping(run: Invocation, kind: Kind, text: str) -> Answer:
    """Ask the location that `text` names: a name with or without @, a URL or a directory."""
    location = _location(run, kind, text)
    warn_of_typed_password(run, location)
    with about(f"@{location.name}" if location.name else masked(location.location)):
        address = location.address()
        if isinstance(address, ServerAddress):
            return _ping_server(run, location, address)
        return ping_directory(location, address)


def _location(run: Invocation, kind: Kind, text: str) -> Location:
    # A plain word that is no directory is a name that lacks its @, or is mistyped.
    if text in run.settings.names(kind) or (is_name(text) and not Path(text).exists()):
        return run.settings.location(kind, text)
    return run.settings.given_location(kind, text)


def _ping_server(run: Invocation, location: Location, address: ServerAddress) -> Answer:
    client = open_client(run, location, address)
    probed = run_async(_probe(client, address.url, of_others=location.kind is Kind.SOURCE))
    trouble = [f"{each.href}: {each.name}: {each.reason}" for each in probed.found.unreadable]
    if probed.event is not None and probed.event.failure:
        trouble.append(f"{probed.event.href}: {probed.event.failure}")
    result = identity(location, address.origin(location.username)) | _server_fields(probed, client.transport.requests)
    result["writable"] = _is_server_writable(location, probed)
    return Answer(
        result, [_server_table(location, address, probed)], trouble=trouble, exit=Exit.PARTIAL if trouble else Exit.DONE
    )


async def _probe(client: Client, url: str, *, of_others: bool) -> Probe:
    from caldav_backup.dav import system_resolver
    from caldav_backup.dav.probe import probe

    async with client:
        return await probe(client, url, resolver=system_resolver(), of_others=of_others)


def _server_table(location: Location, address: ServerAddress, probed: Probe) -> Table:
    from caldav_backup.dav.hrefs import origin_of

    moved = origin_of(probed.url) != origin_of(address.url)
    where = f"{masked(address.url)} {_encrypted(probed.encryption)}"
    lines = [("address", where), *([("leads to", origin_of(probed.url))] if moved else [])]
    lines += [("login", _login(probed)), ("calendars", _calendars(probed)), ("one event", _event(probed.event))]
    if location.kind is Kind.DESTINATION:
        lines.append(("writing", _writing(location, probed)))
    lines += [
        ("server", _shortened(probed.server) or "does not say"),
        ("supports", ", ".join(probed.supports) or "not told"),
    ]
    lines.append(("round trip", _milliseconds(probed.round_trip)))
    return Table(HEADINGS, lines)


def _encrypted(encryption: Encryption | None) -> str:
    if encryption is None:
        return "(not encrypted)"
    if encryption.valid_until is None:
        return f"({encryption.version})"
    return f"({encryption.version}, certificate valid until {_moment(encryption.valid_until):%Y-%m-%d})"


def _login(probed: Probe) -> str:
    principal = probed.found.principal
    if principal is None:
        return "the server does not say who we are"
    return f"{principal.displayname} ({principal.href})" if principal.displayname else principal.href


def _calendars(probed: Probe) -> str:
    found = probed.found
    homes = f" in {counted(len(found.homes), 'home')}" if found.homes else ", no others asked for"
    left_out = f", {len(found.left_out)} left out" if found.left_out else ""
    return f"{counted(len(found.calendars), 'calendar')}{homes}{left_out}"


def _event(event: OneRead | None) -> str:
    if event is None:
        return "there is none to read"
    if event.failure:
        return "cannot be read"
    return f"{event.href}: {counted(event.size, 'byte')} in {_milliseconds(event.seconds)}"


def _writing(location: Location, probed: Probe) -> str:
    if location.is_read_only:
        return "not allowed: read_only in the settings"
    told = [calendar for calendar in probed.found.calendars if calendar.privileges]
    if not told:
        return "the server does not say what is allowed"
    return f"allowed in {sum(map(_may_write, told))} of {counted(len(told), 'calendar')}"


def _is_server_writable(location: Location, probed: Probe) -> bool | None:
    """None for a source, and where the server does not say."""
    if location.kind is Kind.SOURCE:
        return None
    told = [calendar for calendar in probed.found.calendars if calendar.privileges]
    return False if location.is_read_only else any(map(_may_write, told)) if told else None


def _may_write(calendar: Calendar) -> bool:
    return "write" in plain_rights(calendar.privileges).split()


def _server_fields(probed: Probe, requests: int) -> dict[str, Any]:
    found, event, encryption = probed.found, probed.event, probed.encryption
    until = encryption.valid_until if encryption is not None else None
    return {
        "url": masked(probed.url),
        "tls": None
        if encryption is None
        else {"version": encryption.version, "valid_until": None if until is None else f"{_moment(until):%FT%TZ}"},
        "principal": found.principal and {"href": found.principal.href, "displayname": found.principal.displayname},
        "homes": [masked(home) for home in found.homes],
        "calendars": len(found.calendars),
        "left_out": len(found.left_out),
        "unreadable": [{"path": each.href, "reason": each.reason} for each in found.unreadable],
        "event": event
        and {
            "path": event.href,
            "bytes": event.size,
            "seconds": round(event.seconds, 4),
            "error": event.failure or None,
        },
        "server": probed.server,
        "supports": list(probed.supports),
        "round_trip": round(probed.round_trip, 4),
        "requests": requests,
    }


def _shortened(server: str) -> str:
    """Cyrus 3.6 names every library that it was built with."""
    return server if len(server) <= _MOST_OF_SERVER else f"{server[:_MOST_OF_SERVER].rpartition(' ')[0]} …"


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"
