"""What a location's text says: a server's URL or a directory, and credentials that somebody put into it.

Owns what is a server and what a directory, the splitting off of userinfo, the refusal of plain http beyond this
machine, and masks for URLs that are secrets themselves. The schemes of servers are `dav.hrefs`'s.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from caldav_backup.dav import hrefs
from caldav_backup.dav.errors import InvalidLocation
from caldav_backup.settings.errors import SettingsError
from caldav_backup.settings.secret import Secret

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_FILE_SCHEMES = frozenset({"file", "fs"})
#: Path segments of private feed addresses, such as Google's `/private-0123…/basic.ics`.
_PRIVATE_SEGMENT = re.compile(r"(?<=/)(private-)[^/?#\s]+")
_MAIL_ADDRESS = re.compile(r"[^@\s/\\:]+@((?:[A-Za-z0-9-]+\.)+[A-Za-z][A-Za-z0-9-]*)")
_PARAMETER = re.compile(r"((?:[?&]|%3F|%26)[A-Za-z0-9_.~-]+=)[^\s&;'\"]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """`url` is what to ask: http or https, without userinfo."""

    url: str

    def origin(self, username: str) -> str:
        """`user@host[:port]/path` without secrets: what snapshots call the place, the same for every spelling of it."""
        parts = urlsplit(self.url)
        path = _PRIVATE_SEGMENT.sub(r"\1***", parts.path).rstrip("/")
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        is_default = parts.port in {None, 443 if parts.scheme == "https" else 80}
        port = "" if is_default else f":{parts.port}"
        user = f"{username}@" if username else ""
        return f"{user}{host}{port}{path}"


@dataclass(frozen=True, slots=True)
class DirectoryAddress:
    """`path` is a local directory, or a file."""

    path: Path


Address = ServerAddress | DirectoryAddress


@dataclass(frozen=True, slots=True)
class Credentials:
    """What stood before the `@` of a URL."""

    username: str = ""
    password: Secret | None = None


def is_url(text: str) -> bool:
    """True for `scheme://…`; everything else is a path."""
    return _SCHEME.match(text) is not None


def expanded(text: str) -> str:
    """`alice@example.org` as the URL of its domain with the whole address as user name; anything else as it is.

    A directory of that name goes before.
    """
    match = _MAIL_ADDRESS.fullmatch(text)
    if match is None or Path(text).exists():
        return text
    return f"caldav://{quote(text, safe='')}@{match[1]}"


def split_userinfo(location: str) -> tuple[str, Credentials]:
    """`location` without `user:password@`, and what was taken out of it (percent-decoded)."""
    if not is_url(location):
        return location, Credentials()
    scheme, rest = location.split("://", 1)
    if is_url(rest):
        # plakar's caldav://https://user@host/: the userinfo stands in the inner URL.
        inner, credentials = split_userinfo(rest)
        return f"{scheme}://{inner}", credentials
    end = min((position for position in map(rest.find, "/?#") if position >= 0), default=len(rest))
    userinfo, at, host = rest[:end].rpartition("@")
    if not at:
        return location, Credentials()
    username, colon, password = userinfo.partition(":")
    found = Credentials(unquote(username), Secret(unquote(password)) if colon else None)
    return f"{scheme}://{host}{rest[end:]}", found


def without_password(location: str) -> str:
    """`location` with its user name and without its password, fit to be typed again: the password is asked for then."""
    if not is_url(location):
        return location
    scheme, rest = location.split("://", 1)
    if is_url(rest):
        return f"{scheme}://{without_password(rest)}"
    bare, credentials = split_userinfo(location)
    if credentials.password is None:
        return location
    name = f"{quote(credentials.username, safe='')}@" if credentials.username else ""
    return f"{scheme}://{name}{bare.split('://', 1)[1]}"


def parse_address(location: str, *, insecure: bool, where: str) -> Address:
    """What to read from or write to. SettingsError, beginning with `where`, for anything that cannot be used.

    `location` must be without userinfo (`split_userinfo`). `insecure` allows plain http to any host.
    """
    if not is_url(location):
        return DirectoryAddress(Path(location).expanduser())
    scheme, rest = location.split("://", 1)
    scheme = scheme.lower()
    if scheme in _FILE_SCHEMES:
        return DirectoryAddress(Path(unquote(rest) if scheme == "file" else rest))
    if scheme not in hrefs.SCHEMES:
        raise SettingsError(f"{where}: {masked(location)} has the scheme {scheme!r}; use caldav:// or https://")
    try:
        parts = hrefs.parse_url(location)
    except InvalidLocation as error:
        raise SettingsError(f"{where}: {error}") from error
    if parts.scheme == "http" and not insecure and not hrefs.is_loopback(parts.geturl()):
        raise SettingsError(
            f"{where}: {masked(location)} would send the password in clear; use https, or insecure=true if you must"
        )
    return ServerAddress(urlunsplit(parts._replace(fragment="")))


def masked(location: str) -> str:
    """`location` fit to be shown: no userinfo, and `***` for what makes a feed's address private."""
    if not is_url(location):
        return location
    bare = _PRIVATE_SEGMENT.sub(r"\1***", split_userinfo(location)[0])
    before, question, query = bare.partition("?")
    return before + question + "&".join(_masked_parameter(parameter) for parameter in query.split("&") if question)


def scrubbed(text: str) -> str:
    """A message without the private parts of addresses in it, however they were quoted on the way."""
    return _PARAMETER.sub(r"\1***", _PRIVATE_SEGMENT.sub(r"\1***", text))


def _masked_parameter(parameter: str) -> str:
    name, equals, _ = parameter.partition("=")
    return f"{name}=***" if equals else "***"
