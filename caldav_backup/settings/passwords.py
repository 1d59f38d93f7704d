"""The password (or client secret) of a source or destination, by whichever of the five forms it is configured; or its
access token, which only a command gives."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from caldav_backup.settings.errors import SecretUnavailable
from caldav_backup.settings.lookup import (
    secret_from_command,
    secret_from_file,
    secret_from_keyring,
    secret_from_variable,
)

if TYPE_CHECKING:
    from caldav_backup.settings.locations import Location
    from caldav_backup.settings.secret import Secret

#: RFC 6750 §2.1, and what else some services put into theirs, but nothing that could end a header.
_TOKEN = re.compile("[\\x21-\\x7e]+")


def lookup_password(location: Location, environ: Mapping[str, str]) -> Secret | None:
    """The password of `location`; None when none is configured. SecretUnavailable when one is and does not come."""
    return _lookup(location, "password", environ)


def has_token(location: Location) -> bool:
    """True when `location` is signed in to by access tokens; nothing else is tried then."""
    return "token_command" in location.options


def lookup_token(location: Location, environ: Mapping[str, str]) -> Secret:
    """An access token of `location`, from its command. SecretUnavailable when none comes."""
    title = f"token_command of {location.title}"
    token = secret_from_command(location.options["token_command"], environ, title)
    if not _TOKEN.fullmatch(token.reveal()):
        raise SecretUnavailable(f"{title}: what the command printed first is no access token")
    return token


def lookup_client_secret(location: Location, environ: Mapping[str, str]) -> Secret | None:
    """The OAuth2 client secret of `location`, in the same way."""
    return _lookup(location, "client_secret", environ)


def _lookup(location: Location, family: str, environ: Mapping[str, str]) -> Secret | None:
    if family in location.secrets:
        if not location.secrets[family]:
            raise SecretUnavailable(
                f"{family} of {location.title} is empty; a value with special characters needs quotes"
            )
        return location.secrets[family]
    options = location.options
    command, file, variable, service = (f"{family}_{form}" for form in ("command", "file", "env", "keyring"))
    if command in options:
        return secret_from_command(options[command], environ, f"{command} of {location.title}")
    if file in options:
        return secret_from_file(options[file], f"{file} of {location.title}")
    if variable in options:
        return secret_from_variable(options[variable], environ, f"{variable} of {location.title}")
    if service in options:
        return secret_from_keyring(options[service], location.username, f"{service} of {location.title}")
    return None
