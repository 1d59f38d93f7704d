"""`key=value` words of the command line as options, with secrets asked for instead of typed.

Owns the warning about a secret on a command line, and `password=-`.
"""

from __future__ import annotations

from collections.abc import Sequence

from caldav_backup.cli.exits import Usage
from caldav_backup.cli.invocation import Invocation
from caldav_backup.settings import Kind, Location
from caldav_backup.settings.addresses import split_userinfo
from caldav_backup.settings.options import SECRET_OPTIONS, check_option_name


def option_values(kind: Kind, words: Sequence[str], run: Invocation) -> dict[str, str]:
    """The options that `words` set. A word's text is in no message: it may be a password typed at the wrong place."""
    values: dict[str, str] = {}
    for number, word in enumerate(words):
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise Usage(f"word {number + 1} of the options is not of the form key=value")
        check_option_name(kind, key, "the command line")
        if key in SECRET_OPTIONS:
            value = _secret(key, value, run)
        if key == "location" and split_userinfo(value)[1].password is not None:
            _warn(run, "the password in the URL")
        values[key] = value
    return values


def warn_of_typed_password(run: Invocation, location: Location) -> None:
    """A location that was typed as a URL may have a password in it."""
    if "password" in location.secrets and not location.name:
        verb = f"'caldav-backup {location.kind.value} add'"
        run.warn(f"the password in the URL on a command line is seen by others; {verb} avoids that")


def _secret(key: str, value: str, run: Invocation) -> str:
    if value != "-":
        _warn(run, f"the {key}")
        return value
    if run.terminal.can_ask:
        return run.terminal.ask_secret(key.replace("_", " ").capitalize()).reveal()
    line = run.terminal.read_line()
    if not line:
        raise Usage(f"{key}=- asks for it, and there is no terminal; pipe it in, or use {key}_command or {key}_file")
    return line


def _warn(run: Invocation, what: str) -> None:
    run.warn(
        f"{what} on a command line is seen by others and kept in the shell's history; '-' as its value asks for it"
    )
