"""The UIDs of an object's components: which there are, a copy with another one, and one made of given words.

Owns what counts as a UID of the object: that of an event, task or journal, and not that of an alarm (RFC 9074 §4).
"""

from __future__ import annotations

import re
import uuid

from caldav_backup.ics.lines import fold, line_name, split_head, to_text, unfolded
from caldav_backup.ics.outline import Place, lines_called, outlines

#: One logical line as it stands, its folding and its line end kept: CRLF, CR CR LF, CR or LF.
_RAW_LINE = re.compile(rb"(?:[^\r\n]|(?:\r+\n|\r|\n)[ \t])++(?:\r+\n|\r|\n)?+|\r+\n|\r|\n")
_LINE_END = re.compile(rb"(?:\r+\n|\r|\n)\Z")
_LINES = lines_called("UID")
_NAMESPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")


def uids(content: bytes) -> tuple[str, ...]:
    """All distinct UIDs of the object's components, in order of appearance."""
    lines = (line for outline in outlines(content, _LINES) for line in outline.get("UID", ()))
    return tuple(dict.fromkeys(value for line in lines if (value := _value(line))))


def with_uid(content: bytes, old: str, new: str) -> bytes:
    """A copy in which each component with the UID `old` has the UID `new`; every other byte is as it was."""
    pieces: list[bytes] = []
    place = Place()
    for match in _RAW_LINE.finditer(content):
        raw = match[0]
        line = unfolded(raw).rstrip(b"\n")
        name = line_name(line)
        if name in ("BEGIN", "END"):
            place.pass_by(name, line)
        if name == "UID" and place.is_component and _value(line) == old:
            raw = _with_value(line, new, raw)
        pieces.append(raw)
    return b"".join(pieces)


def derived_uid(*parts: str) -> str:
    """A UID in the form of a UUID (RFC 9562 §5.5), always the same for the same `parts`."""
    name = "".join(f"{len(part)}:{part}" for part in parts)
    return str(uuid.uuid5(_NAMESPACE, name.encode("utf-8", "backslashreplace").decode("utf-8")))


def _value(line: bytes) -> str:
    parts = split_head(line)
    return to_text(parts[1]).strip() if parts is not None else ""


def _with_value(line: bytes, new: str, raw: bytes) -> bytes:
    parts = split_head(line)
    head = parts[0] if parts is not None else b"UID"
    end = _LINE_END.search(raw)
    line_end = end[0] if end is not None else b""
    one_line = "".join(new.splitlines()).encode("utf-8", "surrogateescape")
    return fold(head + b":" + one_line).replace(b"\n", line_end or b"\r\n") + line_end
