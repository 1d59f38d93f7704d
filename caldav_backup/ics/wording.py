"""Whether an object's words have a text in them, for selecting what to restore."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from caldav_backup.ics.lines import component_kind, parse_line, unescape, unfolded

_LINES = re.compile(
    rb"^(?:BEGIN|END|SUMMARY|LOCATION|DESCRIPTION|CATEGORIES|COMMENT|ATTENDEE|ORGANIZER|UID)[:;].*$",
    re.MULTILINE | re.IGNORECASE,
)
_PEOPLE = frozenset({"ATTENDEE", "ORGANIZER"})
#: An alarm's words are the program's ("Reminder"), and a time zone has none.
_WITHOUT_WORDS = frozenset({"VALARM", "VTIMEZONE"})


def mentions(content: bytes, text: str) -> bool:
    """True when title, place, description, categories, comment, UID, or a guest's name or address has `text` in it.

    Letter case and the two spellings of accented letters are no difference.
    """
    wanted = _plain(text)
    return any(wanted in _plain(words) for words in _words(content))


def _words(content: bytes) -> Iterator[str]:
    without_words = ""
    for match in _LINES.finditer(unfolded(content)):
        line = parse_line(match[0])
        if line is None:
            continue
        if line.name in ("BEGIN", "END"):
            kind = component_kind(match[0])
            if line.name == "BEGIN":
                without_words = kind if kind in _WITHOUT_WORDS else ""
            elif kind == without_words:
                without_words = ""
        elif not without_words:
            yield _address(line.value) if line.name in _PEOPLE else unescape(line.value)
            if line.name in _PEOPLE:
                yield from (value for name, values in line.parameters if name == "CN" for value in values)


def _address(value: str) -> str:
    value = value.strip()
    return value[7:] if value[:7].casefold() == "mailto:" else value


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
