"""The options that a source, a destination or a store can have, and what their values must look like.

All values are strings, as in plakar's files. Owns names and forms; what an option does is the business of who uses it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from enum import Enum

from caldav_backup.settings.errors import SettingsError
from caldav_backup.settings.names import suggestion

#: What each option means, as the reference page prints it.
SERVER_OPTIONS: Mapping[str, str] = {
    "location": "URL of the server, the account or one calendar, a mail address, or a directory of `.ics` files",
    "username": "login name",
    "password": "password, in clear; better one of the next four",
    "password_command": "shell command whose first line of output is the password",
    "password_file": "file whose first line is the password",
    "password_env": "name of the environment variable that holds the password",
    "password_keyring": "service name under which the system keyring holds the password (needs the extra `keyring`)",
    "name": "a name for people",
    "client_id": "OAuth2 client id; kept for later, refused when used now",
    "client_secret": "OAuth2 client secret, likewise; it has the same five forms as a password",
    "client_secret_command": "shell command whose first line of output is the client secret",
    "client_secret_file": "file whose first line is the client secret",
    "client_secret_env": "name of the environment variable that holds the client secret",
    "client_secret_keyring": "service name under which the system keyring holds the client secret",
    "token_command": "shell command whose first line of output is an access token (Bearer); used instead of a password",
    "calendars": "only these calendars: patterns, separated by commas, for the directory or the display name",
    "exclude": "not these calendars: patterns, separated by commas",
    "insecure": "`true` allows plain http to a host that is not this machine",
    "tls_ca": "file or directory of certificate authorities (PEM) to trust instead of the system's",
    "tls_fingerprint": "SHA-256 of the only server certificate to accept, whoever signed it; colons do not matter",
    "client_cert": "file with a client certificate and its key, unencrypted (PEM)",
    "timeout": "seconds to wait while the server says nothing; 60 when not set",
    "rate": "requests per second at most, such as `2` or `0.5`",
}

DESTINATION_OPTIONS: Mapping[str, str] = {
    **SERVER_OPTIONS,
    "read_only": "`true` refuses every write to it",
}

STORE_OPTIONS: Mapping[str, str] = {
    "location": "directory of the store",
    "passphrase": "passphrase, in clear; better one of the next two",
    "passphrase_cmd": "shell command whose first line of output is the passphrase",
    "passphrase_file": "file that holds the passphrase, without its last line end",
}

#: Options that are kept in the files and that this version cannot obey: using such a location is an error, since what
#: they promise (a way to log in) must not be ignored silently.
NOT_OBEYED = frozenset(
    {
        "client_id",
        *(f"client_secret{form}" for form in ("", "_command", "_file", "_env", "_keyring")),
    }
)

#: Options whose value is the secret itself.
SECRET_OPTIONS = frozenset({"password", "client_secret", "passphrase"})

_BOOLEANS = frozenset({"insecure", "read_only"})
_POSITIVE_NUMBERS = frozenset({"timeout", "rate"})


#: The options that give one and the same secret, or stand for it; a location has at most one of each family.
SECRET_FAMILIES: Mapping[str, tuple[str, ...]] = {
    # An access token is used in place of a password, never beside one.
    "password": (
        "password",
        "password_command",
        "password_file",
        "password_env",
        "password_keyring",
        "token_command",
    ),
    "client_secret": (
        "client_secret",
        "client_secret_command",
        "client_secret_file",
        "client_secret_env",
        "client_secret_keyring",
    ),
    "passphrase": ("passphrase", "passphrase_cmd", "passphrase_file"),
}


class Kind(Enum):
    """What a location is used for; the value is the word in messages and the key in its file."""

    SOURCE = "source"
    DESTINATION = "destination"
    STORE = "store"

    @property
    def plural(self) -> str:
        """The key of the file's map, and the stem of its name."""
        return f"{self.value}s"

    @property
    def options(self) -> Mapping[str, str]:
        """Known options and their meaning."""
        return _OPTIONS[self]


_OPTIONS: Mapping[Kind, Mapping[str, str]] = {
    Kind.SOURCE: SERVER_OPTIONS,
    Kind.DESTINATION: DESTINATION_OPTIONS,
    Kind.STORE: STORE_OPTIONS,
}


def check_option_name(kind: Kind, name: str, where: str) -> None:
    """SettingsError, with the nearest known option, when `kind` has no option `name`; `where` begins the message."""
    if name not in kind.options:
        raise SettingsError(f"{where}: a {kind.value} has no option {name!r}{suggestion(name, kind.options)}")


def check_option(kind: Kind, name: str, value: str, where: str) -> None:
    """SettingsError when the option is unknown or `value` has not its form. The message never shows a secret."""
    check_option_name(kind, name, where)
    if name in _BOOLEANS and value not in {"true", "false"}:
        raise SettingsError(f"{where}: {name} must be true or false, not {value!r}")
    if name in _POSITIVE_NUMBERS and not _is_positive(value):
        raise SettingsError(f"{where}: {name} must be a number above 0, not {value!r}")
    if name == "tls_fingerprint" and not fingerprint_digits(value):
        raise SettingsError(f"{where}: tls_fingerprint must be a SHA-256, 64 hexadecimal digits, not {value!r}")
    if name == "location" and not value:
        raise SettingsError(f"{where}: location is empty")


def fingerprint_digits(value: str) -> str:
    """The 64 digits of a SHA-256 in lower case, as OpenSSL, browsers and others write it; empty when it is none."""
    digits = re.sub(r"[:\s]", "", value.strip().lower()).removeprefix("sha256").removeprefix("fingerprint=")
    return digits if re.fullmatch("[0-9a-f]{64}", digits) else ""


def check_secret_families(values: Collection[str], where: str) -> None:
    """SettingsError when two options give the same secret: which one is meant cannot be known."""
    for family in SECRET_FAMILIES.values():
        given = [option for option in family if option in values]
        if len(given) > 1:
            raise SettingsError(f"{where}: it has both {given[0]} and {given[1]}; keep one of them")


def overridden(values: Mapping[str, str], overrides: Mapping[str, str]) -> dict[str, str]:
    """`values` with `overrides` in their place; a secret that is given anew replaces every other form of it."""
    superseded = {
        option for family in SECRET_FAMILIES.values() if any(o in overrides for o in family) for option in family
    }
    return {option: value for option, value in values.items() if option not in superseded} | dict(overrides)


def _is_positive(value: str) -> bool:
    try:
        number = float(value)
    except ValueError:
        return False
    return number > 0 and math.isfinite(number)
