"""Objects cut into the text of their components, for those who put the pieces together in another way.

Owns the cutting by BEGIN and END (which are written anew, in capitals), with the bytes of all other lines kept but for
line ends, blank lines and encoding. Works on text, so that an object which no parser takes is not lost: a missing END
is added, a stray one dropped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from caldav_backup.ics.lines import (
    TOP_LEVEL,
    component_kind,
    fold,
    iter_folded,
    line_name,
    to_text,
    unfold,
    with_plain_line_ends,
)


class Piece(NamedTuple):
    r"""One component directly inside a VCALENDAR: its upper-case kind, and its folded text with `\n` line ends."""

    kind: str
    text: bytes

    def lines(self) -> Iterator[tuple[str, bytes]]:
        """(property name, unfolded line) of every property of the component itself, those inside it apart."""
        depth = 0
        for line in unfold(self.text):
            name = line_name(line)
            depth += (name == "BEGIN") - (name == "END")
            if depth == 1 and name not in ("BEGIN", "END"):
                yield name, line


@dataclass(slots=True)
class CutCalendar:
    """One VCALENDAR: its own lines as they are folded, and its components in order."""

    lines: list[bytes] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)


@dataclass(slots=True)
class Cut:
    """All VCALENDARs of an object; `mended`: not every BEGIN had its END. `strays` are properties outside of them."""

    calendars: list[CutCalendar]
    mended: bool
    strays: tuple[str, ...] = ()


def cut(content: bytes) -> Cut:
    """The pieces of one object; never raises, and what stands in no component at all is left out."""
    cutter = _Cutter()
    for folded in iter_folded(as_utf8(with_plain_line_ends(content))):
        line = b"".join(unfold(folded))
        name = line_name(line)
        if name == "BEGIN":
            cutter.begin(component_kind(line))
        elif name == "END":
            cutter.end(component_kind(line))
        elif line:
            # A continuation of a blank line is a line of its own.
            cutter.keep(folded if folded[:1] != b"\n" else fold(line) + b"\n")
    cutter.close()
    return Cut(cutter.calendars, cutter.mended, tuple(cutter.strays))


def as_utf8(plain: bytes) -> bytes:
    """`plain` with every line in UTF-8, folded between characters; unchanged where that holds already."""
    try:
        plain.decode("utf-8")
    except UnicodeDecodeError:
        lines = [fold(to_text(line).encode("utf-8")) for line in unfold(plain)]
        return b"\n".join([*lines, b""])
    return plain


@dataclass(slots=True)
class _Cutter:
    """Gathers lines into components; `calendars` holds those that are complete."""

    calendars: list[CutCalendar] = field(default_factory=list)
    mended: bool = False
    strays: dict[str, None] = field(default_factory=dict)
    _is_open: bool = False
    _kinds: list[str] = field(default_factory=list)
    _gathered: list[bytes] = field(default_factory=list)

    def begin(self, kind: str) -> None:
        if kind in TOP_LEVEL:
            self._finish()
        if kind == "VCALENDAR":
            self.close()
            self.calendars.append(CutCalendar())
            self._is_open = True
        else:
            self._kinds.append(kind)
            self._gathered.append(b"BEGIN:" + kind.encode("utf-8"))

    def keep(self, folded: bytes) -> None:
        if self._kinds:
            self._gathered.append(folded)
        elif self._is_open:
            self.calendars[-1].lines.append(folded)
        else:
            self.strays[line_name(folded) or "a line"] = None

    def end(self, kind: str) -> None:
        if kind == "VCALENDAR":
            self._finish()
            self._is_open = False
        while kind in self._kinds:
            last = self._end_last()
            if last == kind:
                return
            self.mended = True

    def close(self) -> None:
        """Give what is still open its END."""
        self._finish()
        self.mended = self.mended or self._is_open
        self._is_open = False

    def _finish(self) -> None:
        while self._kinds:
            self.mended = True
            self._end_last()

    def _end_last(self) -> str:
        last = self._kinds.pop()
        self._gathered.append(b"END:" + last.encode("utf-8"))
        if not self._kinds:
            text = b"".join(_with_line_end(line) for line in self._gathered)
            if not self.calendars:
                self.calendars.append(CutCalendar())
            self.calendars[-1].pieces.append(Piece(last, text))
            self._gathered = []
        return last


def _with_line_end(line: bytes) -> bytes:
    return line if line.endswith(b"\n") else line + b"\n"


def all_pieces(calendars: Sequence[CutCalendar]) -> Iterator[Piece]:
    """The components of all of them, in order."""
    return (piece for calendar in calendars for piece in calendar.pieces)
