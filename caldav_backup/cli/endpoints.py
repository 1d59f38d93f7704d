"""From what a command line names to a source that can be read, or a destination that can be written.

Owns which adapter an address means, and that options which nothing here obeys are refused instead of ignored. Nothing
is asked of a server yet.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from caldav_backup.cli.exits import Usage
from caldav_backup.cli.invocation import Invocation
from caldav_backup.settings import (
    DirectoryAddress,
    Kind,
    Location,
    PassphraseMissing,
    ServerAddress,
    SettingsError,
    has_token,
    lookup_password,
    lookup_token,
    scrubbed,
)
from caldav_backup.settings.options import NOT_OBEYED

if TYPE_CHECKING:
    from collections.abc import Callable

    from caldav_backup.connectors.base import Source
    from caldav_backup.connectors.destination import Destination
    from caldav_backup.dav import Authentication, Client, RequestLine, Tls

#: How often `-v` is given by those who want to see each request.
TELL_REQUESTS = 2
#: What nobody calls a directory.
ARCHIVES = frozenset({".tar", ".zip"})
#: What people type for a server when they leave out `https://`.
_HOST = re.compile(r"(?:[a-z0-9-]+\.)+[a-z]{2,}(?::\d+)?", re.IGNORECASE)
#: What a command line calls standard output.
STANDARD_OUTPUT = "-"


def open_source(run: Invocation, location: Location, *, concurrency: int = 3) -> Source:
    """The source behind `location`."""
    from caldav_backup.connectors.caldav import CalDavSource
    from caldav_backup.connectors.directory import DirectorySource
    from caldav_backup.dav import system_resolver

    address = location.address()
    if isinstance(address, DirectoryAddress):
        return DirectorySource(address.path)
    client = open_client(run, location, address, concurrency=concurrency)
    origin = address.origin(location.username)
    return CalDavSource(client, address.url, origin=origin, resolver=system_resolver())


def open_destination(run: Invocation, text: str) -> Destination:
    """The destination that `text` names: `@name`, a URL, a directory, a file that ends in `.ics`, or `-`."""
    if text == STANDARD_OUTPUT:
        from caldav_backup.connectors.destination_file import StreamDestination

        return StreamDestination(standard_output(run), origin=STANDARD_OUTPUT)
    return _open_place(run, text)


def standard_output(run: Invocation) -> BinaryIO:
    """Where data goes that is asked for as bytes."""
    return cast("BinaryIO", _StandardOutput(run))


def is_server(destination: Destination) -> bool:
    """True for a destination that other people see, and that may mail them."""
    from caldav_backup.connectors.destination_directory import DirectoryDestination
    from caldav_backup.connectors.one_way import OneWayDestination

    return not isinstance(destination, DirectoryDestination | OneWayDestination)


def _require_clear(text: str) -> None:
    """Usage for what looks like a server and would become a directory of that name."""
    if not text:
        raise Usage("--to is empty; it takes @name, a URL, a directory, FILE.ics, or -")
    if _HOST.fullmatch(text) and not text.lower().endswith((".ics", *ARCHIVES)) and not Path(text).exists():
        raise Usage(f"is {text} a server? Then write https://{text}; a directory of that name is ./{text}")


def _open_place(run: Invocation, text: str) -> Destination:
    from caldav_backup.connectors.destination import DestinationNotWritable
    from caldav_backup.connectors.destination_directory import DirectoryDestination
    from caldav_backup.connectors.destination_file import FileDestination

    _require_clear(text)
    location = run.settings.given_location(Kind.DESTINATION, text)
    if location.is_read_only:
        raise DestinationNotWritable(f"{location.title} is marked read_only in the settings; nothing is written to it")
    address = location.address()
    if isinstance(address, DirectoryAddress):
        suffix = "" if address.path.is_dir() else address.path.suffix.lower()
        if suffix in ARCHIVES:
            raise Usage(f"{address.path} would become a directory; 'caldav-backup export --output' writes archives")
        is_file = suffix == ".ics"
        return FileDestination(address.path) if is_file else DirectoryDestination(address.path)
    # Behind the return above: it loads all that speaks HTTP.
    from caldav_backup.connectors.destination_caldav import CalDavDestination

    client = open_client(run, location, address, room=CalDavDestination.concurrency)
    return CalDavDestination(client, address.url, origin=address.origin(location.username))


class _StandardOutput:
    """The part of a binary stream that a destination uses; a reader that goes away ends the run quietly."""

    def __init__(self, run: Invocation) -> None:
        self._terminal = run.terminal

    def write(self, data: bytes) -> int:
        self._terminal.write_bytes([data])
        return len(data)

    def flush(self) -> None:
        """`write` has done it."""


def open_client(
    run: Invocation, location: Location, address: ServerAddress, *, concurrency: int = 3, room: int | None = None
) -> Client:
    """The server behind `location`, signed in to when it is first asked; `room` as in `Transport`."""
    from caldav_backup.dav import Client, Transport

    for option in (*location.options, *location.secrets):
        if option in NOT_OBEYED:
            raise SettingsError(f"{location.title} has the option {option}, which this version cannot obey; unset it")
    return Client(
        Transport(
            address.url,
            _authentication(run, location),
            timeout=location.timeout or 60.0,
            concurrency=concurrency,
            room=room,
            rate=location.rate,
            tls=_tls(location),
            insecure=location.is_insecure,
            on_request=_teller(run) if run.options.verbose >= TELL_REQUESTS else None,
        )
    )


def _teller(run: Invocation) -> Callable[[RequestLine], None]:
    """Writes a line for each request that was sent, without what makes a feed's address private."""

    def tell(line: RequestLine) -> None:
        kind = "" if line.kind == "request" else f", a {line.kind}"
        status = line.status or "no answer"
        run.note(f"{line.number} {line.method} {scrubbed(line.url)}: {status} in {line.seconds:.3f} s{kind}")

    return tell


def _tls(location: Location) -> Tls:
    from caldav_backup.dav import Tls

    ca, certificate = (location.options.get(option) for option in ("tls_ca", "client_cert"))
    return Tls(
        ca=Path(ca).expanduser() if ca else None,
        fingerprint=location.tls_fingerprint,
        client_certificate=Path(certificate).expanduser() if certificate else None,
    )


def _authentication(run: Invocation, location: Location) -> Authentication | None:
    """An access token, or name and password; None where neither is configured, for servers that want none."""
    from caldav_backup.dav import PasswordAuthentication, TokenAuthentication

    if has_token(location):
        return TokenAuthentication(lambda: lookup_token(location, run.environ).reveal())
    password = lookup_password(location, run.environ)
    if password is None and not location.username:
        return None
    if password is None:
        if not run.terminal.can_ask:
            name = location.name or "NAME"
            raise PassphraseMissing(
                f"{location.title} has a username and no password, and there is no terminal to ask on: "
                f"'caldav-backup {location.kind.value} set {name} password_command=…' supplies it"
            )
        question = f"Password of {location.username} at {location.location}"
        # What is written to may be read as a source in the same run, and nobody is asked twice.
        if question not in run.answers:
            run.answers[question] = run.terminal.ask_secret(question)
        password = run.answers[question]
    return PasswordAuthentication(location.username, password.reveal())
