"""Characters that come as two references, one to each half of a UTF-16 pair.

SOGo 5.8 writes the properties of calendars so: an emoji in one calendar's name is `&#55356;&#57225;`, which no XML
parser takes, and would hide all calendars of the home. Owns the repair. It is for answers without calendar data only:
in CDATA the same text is meant as it stands, and there SOGo writes one reference.
"""

from __future__ import annotations

import re

#: References to the first and to the second half of a pair: 0xD800 to 0xDBFF, 0xDC00 to 0xDFFF.
_HIGH = rb"&#(5529[6-9]|55[3-9]\d\d|56[0-2]\d\d|563[01]\d);"
_LOW = rb"&#(563[2-9]\d|56[4-9]\d\d|57[0-2]\d\d|573[0-3]\d|5734[0-3]);"
_PAIR = re.compile(_HIGH + _LOW)
_HALF = re.compile(_HIGH + b"|" + _LOW)
#: What may be the beginning of a pair, at the end of a piece; the first half is below 56320.
_BEGUN = re.compile(rb"(?:&#5(?:5\d\d|6[0-2]\d|63[01])\d;)?(?:&(?:#\d{0,5})?)?\Z")
_UNKNOWN = ord("\ufffd")


class Mending:
    """Takes an answer piece by piece, and holds back what the next piece may complete: some bytes."""

    def __init__(self) -> None:
        self._held = b""

    def mend(self, piece: bytes) -> bytes:
        """The pieces so far, as far as they were not given yet, with one reference to each character."""
        piece = self._held + piece
        begun = _BEGUN.search(piece, max(0, len(piece) - 16))
        end = begun.start() if begun is not None else len(piece)
        self._held = piece[end:]
        return _HALF.sub(_lone, _PAIR.sub(_whole, piece[:end])) if b"&#5" in piece else piece[:end]


def _whole(pair: re.Match[bytes]) -> bytes:
    return _reference(0x10000 + ((int(pair[1]) - 0xD800) << 10) + (int(pair[2]) - 0xDC00))


def _lone(half: re.Match[bytes]) -> bytes:
    """A name that was cut in the middle of a character; the rest of it is worth having."""
    del half
    return _reference(_UNKNOWN)


def _reference(number: int) -> bytes:
    return b"&#%d;" % number
