"""Names of sources, destinations and stores, and the nearest known word to a mistyped one."""

from __future__ import annotations

import re
from collections.abc import Iterable

from caldav_backup.settings.errors import SettingsError

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


def check_name(text: str) -> str:
    """`text` without a leading ``@``, or SettingsError when it is no name."""
    name = text.removeprefix("@")
    if not _NAME.fullmatch(name):
        raise SettingsError(f"{text!r} is no name: it must begin with a letter, then letters, digits, '_' and '-'")
    return name


def is_name(text: str) -> bool:
    """True for what could be a name, without ``@``."""
    return _NAME.fullmatch(text) is not None


def suggestion(word: str, known: Iterable[str]) -> str:
    """`` (did you mean 'x'?)`` for the nearest of `known`, else the empty string: to be put behind a message."""
    from difflib import get_close_matches

    nearest = get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return f" (did you mean {nearest[0]!r}?)" if nearest else ""
