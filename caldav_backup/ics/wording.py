"""Whether an object's words have a text in them, for selecting what to restore."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from caldav_backup.ics.lines import ContentLine, parse_line, unescape
from caldav_backup.ics.outline import lines_called, outlines

# An alarm's words are the program's ("Reminder"), so those inside a component do not count.
_LINES = lines_called("SUMMARY", "LOCATION", "DESCRIPTION", "CATEGORIES", "COMMENT", "ATTENDEE", "ORGANIZER", "UID")
_PEOPLE = frozenset({"ATTENDEE", "ORGANIZER"})


def mentions(content: bytes, text: str) -> bool:
    """True when title, place, description, categories, comment, UID, or a guest's name or address has `text` in it.

    Letter case and the two spellings of accented letters are no difference.
    """
    wanted = _plain(text)
    return any(wanted in _plain(words) for words in _words(content))


def _words(content: bytes) -> Iterator[str]:
    for outline in outlines(content, _LINES):
        for name, lines in outline.items():
            for line in filter(None, map(parse_line, lines)):
                yield from _people(line) if name in _PEOPLE else (unescape(line.value),)


def _people(line: ContentLine) -> Iterator[str]:
    yield _address(line.value)
    yield from (value for name, values in line.parameters if name == "CN" for value in values)


def _address(value: str) -> str:
    value = value.strip()
    return value[7:] if value[:7].casefold() == "mailto:" else value


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
