"""Content lines of iCalendar (RFC 5545 §3.1) as bytes: line ends, folding, names, parameters, text values.

Owns the syntax of one line. Does not know what any property means.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

BOM = b"\xef\xbb\xbf"

#: Kinds that stand directly inside a VCALENDAR only: such a BEGIN ends whatever lacks its END.
TOP_LEVEL = frozenset({"VCALENDAR", "VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VTIMEZONE", "VAVAILABILITY", "VPOLL"})

#: RFC 5545 §3.1: lines should not be longer than this many octets, line end apart.
FOLD_AT = 75

_LINE_ENDS = re.compile(rb"\r+\n|\r")
_FOLD = re.compile(rb"\n[ \t]")
_LOGICAL = re.compile(rb"[^\n]*+(?:\n[ \t][^\n]*+)*+\n?+")
_HEAD = re.compile(rb"""((?:[^":;]|"[^"]*")*+)([:;])""")
_NAME = re.compile(rb"[A-Za-z0-9_.-]+")
_PARAMETER = re.compile(r"""([^=;":]+)=((?:[^";:]|"[^"]*")*)""")
_PARAMETER_VALUE = re.compile(r"""(?:[^",]|"[^"]*")+""")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class ContentLine(NamedTuple):
    """One unfolded line: `name` in upper case, `parameters` as (upper-case name, values without quotes), raw value."""

    name: str
    parameters: tuple[tuple[str, tuple[str, ...]], ...]
    value: str


def with_plain_line_ends(content: bytes) -> bytes:
    r"""`content` without byte order mark, every line end (CRLF, CR, LF, CR CR LF) written as `\n`."""
    # Nearly every line ends with CRLF, and replacing that takes a tenth of the time of the pattern.
    content = content.removeprefix(BOM).replace(b"\r\n", b"\n")
    return _LINE_ENDS.sub(b"\n", content) if b"\r" in content else content


def unfold(content: bytes) -> list[bytes]:
    """The logical lines of `content`, folding undone (also inside a character), blank lines left out."""
    plain = _FOLD.sub(b"", with_plain_line_ends(content))
    return [line for line in plain.split(b"\n") if line.strip()]


def unfolded(content: bytes) -> bytes:
    r"""`content` with `\n` between its logical lines."""
    return _FOLD.sub(b"", with_plain_line_ends(content))


def iter_folded(plain: bytes) -> Iterator[bytes]:
    r"""The logical lines of `plain` (line ends already `\n`) as they stand, folding and line end kept."""
    for match in _LOGICAL.finditer(plain):
        if match[0]:
            yield match[0]


def to_text(line: bytes) -> str:
    """`line` as text: UTF-8, and where that fails Latin-1, which never does (no byte is lost)."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("latin-1")


def component_kind(line: bytes) -> str:
    """The upper-case component kind that an unfolded BEGIN or END line names."""
    return to_text(line.partition(b":")[2]).strip().upper()


def line_name(line: bytes) -> str:
    """The property name of an unfolded line in upper case; "" when the line is no content line."""
    match = _NAME.match(line)
    if match is None or line[match.end() : match.end() + 1] not in (b":", b";"):
        return ""
    return match[0].decode("ascii").upper()


def split_head(line: bytes) -> tuple[bytes, bytes] | None:
    """Name with parameters, and value: cut at the first colon outside quotes; None when there is none."""
    head, colon, value = line.partition(b":")
    if b'"' not in head:
        return (head, value) if colon else None
    position = 0
    while match := _HEAD.match(line, position):
        if match[2] == b":":
            return line[: match.end() - 1], line[match.end() :]
        position = match.end()
    # An opening quote that nothing closes: the first colon has to do.
    return (head, value) if colon else None


def parse_line(line: bytes) -> ContentLine | None:
    """One unfolded line; None when it is no content line (no name, no colon)."""
    return parse_named_line(line_name(line), line)


def parse_named_line(name: str, line: bytes) -> ContentLine | None:
    """The same for a line whose `line_name` is known."""
    parts = split_head(line) if name else None
    if parts is None:
        return None
    head, value = parts
    parameters = _parse_parameters(to_text(head[len(name) :])) if len(head) > len(name) else ()
    return ContentLine(name, parameters, to_text(value))


def _parse_parameters(text: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple(
        (match[1].strip().upper(), tuple(value.strip('"') for value in _PARAMETER_VALUE.findall(match[2])))
        for match in _PARAMETER.finditer(text)
    )


def unescape(value: str) -> str:
    r"""A TEXT value as a person reads it: `\n` and `\N` are line ends, any other `\x` is `x` (RFC 5545 §3.3.11)."""
    if "\\" not in value:
        return value
    return _ESCAPED.sub(lambda match: "\n" if match[1] in "nN" else match[1], value)


def escape(text: str) -> str:
    """`text` as a TEXT value (RFC 5545 §3.3.11)."""
    return text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def split_unescaped(value: str, separator: str) -> list[str]:
    """`value` cut at each `separator` that no backslash escapes."""
    if "\\" not in value:
        return value.split(separator)
    pieces: list[str] = []
    start = 0
    for match in re.finditer(rf"\\.|{re.escape(separator)}", value, re.DOTALL):
        if match[0] == separator:
            pieces.append(value[start : match.start()])
            start = match.end()
    return [*pieces, value[start:]]


def fold(line: bytes) -> bytes:
    r"""`line` folded at 75 octets, never inside a UTF-8 character, `\n` between the pieces and none at the end."""
    pieces: list[bytes] = []
    start, room = 0, FOLD_AT
    while len(line) - start > room:
        end = start + room
        while end > start + 1 and line[end] & 0xC0 == 0x80:
            end -= 1
        pieces.append(line[start:end])
        start, room = end, FOLD_AT - 1
    pieces.append(line[start:])
    return b"\n ".join(pieces)
