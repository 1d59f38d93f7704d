"""Calendar objects and names that no calendar program should make, and that servers store all the same."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tests.events import event


def _original(number: int) -> bytes:
    return event(number).content


def _saying(number: int, text: bytes) -> bytes:
    return _original(number).replace(b"SUMMARY:", b"SUMMARY:" + text)


def _component(number: int) -> bytes:
    found = re.search(rb"BEGIN:VEVENT.*END:VEVENT\r\n", _original(number), re.DOTALL)
    assert found
    return found[0]


def with_attachment(number: int, size: int) -> bytes:
    """An event with an inline attachment of so many bytes, in folded lines."""
    line = b"\r\n " + b"QUJD" * 18
    return _original(number).replace(
        b"SUMMARY:", b"ATTACH;ENCODING=BASE64;VALUE=BINARY:" + line * (size // len(line)) + b"\r\nSUMMARY:"
    )


#: By what is odd about them; each has a UID of its own unless it says otherwise.
BODIES: Mapping[str, bytes] = {
    "crlf": _original(1),
    "lf": _original(2).replace(b"\r\n", b"\n"),
    "mixed": _original(3).replace(b"\r\nSUMMARY", b"\nSUMMARY"),
    "cr": _original(4).replace(b"\r\n", b"\r"),
    "no-end-of-line": _original(5).rstrip(),
    "blank-last": _original(6) + b"\r\n \r\n",
    "blank-first": b"\r\n" + _original(7),
    "byte-order-mark": b"\xef\xbb\xbf" + _original(8),
    "control": _saying(9, b"\x01\x08\x0b\x0c\x1f"),
    "nul": _saying(10, b"a\x00b"),
    "latin-1": _saying(11, b"Caf\xe9"),
    "next-line": _saying(12, "\x85".encode()),
    "no-character": _saying(13, "\ufffe\uffff".encode()),
    "line-separator": _saying(14, "\u2028".encode()),
    "replacement": _saying(15, "\ufffd".encode()),
    "surrogate": _saying(16, b"\xed\xa0\x80"),
    "beyond-the-plane": _saying(17, "\N{MUSICAL SYMBOL G CLEF}".encode()),
    "cdata": _saying(18, b"]]> <![CDATA[ ]]> <!-- "),
    "entities": _saying(19, b"&amp; &#13; &lt;b> \"'"),
    "lone-cr": _saying(20, b"a\rb"),
    "long-line": _saying(21, b"x" * 5000),
    "blanks-at-line-ends": _original(22).replace(b"\r\nSUMMARY", b"  \t\r\nSUMMARY"),
    "lower-case": _original(23).replace(b":VCALENDAR", b":vcalendar"),
    "two-objects": _original(24) + _original(25),
    "two-uids": _original(26).replace(b"END:VCALENDAR\r\n", _component(27) + b"END:VCALENDAR\r\n"),
    "override-only": _saying(28, b"").replace(b"SUMMARY:", b"RECURRENCE-ID:20250101T080000Z\r\nSUMMARY:"),
    "header-only": b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//tests//EN\r\nEND:VCALENDAR\r\n",
    "no-uid": re.sub(rb"UID:.*\r\n", b"", _original(29)),
    "uid-of-another": _saying(1, b"again: "),
}

_SHORT = (
    "a%20b.ics at@x.ics at%40y.ics %c3%bc-lower.ics %C3%BC-upper.ics e%CC%81.ics %E6%97%A5.ics caf%65.ics colon:x.ics "
    "colon%3Ay.ics semi;x.ics comma,x.ics hash%23x.ics question%3Fx.ics amp&x.ics quote'x.ics quot%22.ics plus+x.ics "
    "equals=.ics excl!x.ics star*.ics dollar$.ics tilde~x.ics paren(x).ics brackets%5Bx%5D.ics lt%3C.ics pipe%7C.ics "
    "caret%5E.ics per%25cent.ics double%2525.ics a%2Fb.ics back%5Cslash.ics .hidden.ics UPPER.ICS noextension"
)
#: Last segments of URLs, as they are sent.
SEGMENTS = [*_SHORT.split(), "n" * 196 + ".ics", "%C3%BC" * 98 + ".ics"]
