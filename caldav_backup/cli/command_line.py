"""Who made a snapshot, as its header keeps it: host, user, program, and the command line without its secrets."""

from __future__ import annotations

import re
from collections.abc import Sequence

from caldav_backup import __version__
from caldav_backup.settings import masked
from caldav_backup.settings.options import SECRET_OPTIONS

_SECRET_WORD = re.compile(rf"(--?)?((?:{'|'.join(sorted(SECRET_OPTIONS))})=).*", re.DOTALL)
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")


def context(arguments: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """The header's context under plakar's names; what identifies the machine beyond its name is left out."""
    import getpass
    import platform

    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        # No name for this user id and none in the environment, as in some containers.
        user = ""
    pairs = {
        "Hostname": platform.node(),
        "Username": user,
        "OperatingSystem": platform.system().lower(),
        "Architecture": platform.machine(),
        "CommandLine": redacted(["caldav-backup", *arguments]),
        "Client": f"caldav-backup/{__version__}",
    }
    return tuple((key, value) for key, value in pairs.items() if value)


def redacted(words: Sequence[str]) -> str:
    """A command line fit to be kept: no values of secrets, no userinfo, no private addresses."""
    return " ".join(map(_redacted_word, words))


def _redacted_word(word: str) -> str:
    secret = _SECRET_WORD.fullmatch(word)
    if secret:
        return f"{secret[1] or ''}{secret[2]}***"
    return _URL.sub(lambda match: masked(match[0]), word)
