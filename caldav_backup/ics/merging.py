"""Many calendar objects as one calendar: all their components, each time zone once.

Owns the cutting of objects into components by BEGIN and END, with their bytes kept but for line ends (CRLF) and
encoding (UTF-8). Works on text, so that an object which no parser takes is not lost: a missing END is added, a stray
one dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from caldav_backup.ics.lines import (
    TOP_LEVEL,
    component_kind,
    fold,
    iter_folded,
    line_name,
    parse_line,
    split_head,
    to_text,
    unfold,
    unfolded,
    with_plain_line_ends,
)
from caldav_backup.ics.meaning import zone_digest

PRODUCT = b"-//caldav-backup//EN"
_HEADER = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:" + PRODUCT + b"\r\n"
_FOOTER = b"END:VCALENDAR\r\n"


class Merger:
    """Writes one calendar piece by piece, in memory that grows with the number of different time zones only."""

    def __init__(self) -> None:
        self._zones: dict[str, dict[bytes, str]] = {}

    def header(self, name: str = "") -> bytes:
        """The beginning; `name` is what programs show as the calendar's name (RFC 7986 §5.1 and its older spelling)."""
        if not name:
            return _HEADER
        text = name.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\r", "").replace("\n", "\\n")
        value = text.encode("utf-8", "replace")
        lines = fold(b"NAME:" + value) + b"\n" + fold(b"X-WR-CALNAME:" + value) + b"\n"
        return _HEADER + lines.replace(b"\n", b"\r\n")

    def add(self, content: bytes) -> bytes:
        """The text of one object's components, preceded by time zones that were not there yet; b"" when it has none."""
        zones: list[bytes] = []
        others: list[bytes] = []
        renamed: dict[str, str] = {}
        for kind, component in _components(content):
            if kind != "VTIMEZONE":
                others.append(component)
            elif (new_zone := self._new_zone(component, renamed)) is not None:
                zones.append(new_zone)
        if renamed:
            others = [_with_renamed_zones(component, renamed) for component in others]
        return b"".join(zones + others).replace(b"\n", b"\r\n") if others else b""

    def footer(self) -> bytes:
        """The end."""
        return _FOOTER

    def _new_zone(self, component: bytes, renamed: dict[str, str]) -> bytes | None:
        """The definition to write, or None when it is there already; another one of a taken name gets a new name."""
        # Zones of the time zone database all have the digest b"": their definitions differ, cut to the years that the
        # writer needed, and the name says it all.
        tzid, digest = zone_digest(unfolded(component))
        known = self._zones.setdefault(tzid, {})
        if digest in known:
            if known[digest] != tzid:
                renamed[tzid] = known[digest]
            return None
        known[digest] = tzid if not known else self._free_name(tzid, len(known) + 1)
        if known[digest] == tzid:
            return component
        renamed[tzid] = known[digest]
        return _with_zone_name(component, known[digest])

    def _free_name(self, tzid: str, number: int) -> str:
        while (name := f"{tzid} {number}") in self._zones:
            number += 1
        return name


def merge(bodies: Iterable[bytes], name: str = "") -> bytes:
    """One calendar with all components of `bodies` and each time zone once, as bytes with CRLF line ends."""
    merger = Merger()
    return b"".join([merger.header(name), *map(merger.add, bodies), merger.footer()])


@dataclass(slots=True)
class _Cutter:
    """Gathers lines into components; `finished` holds those that are complete."""

    open_kinds: list[str] = field(default_factory=list)
    pieces: list[bytes] = field(default_factory=list)
    finished: list[tuple[str, bytes]] = field(default_factory=list)

    def begin(self, kind: str, folded: bytes) -> None:
        if kind in TOP_LEVEL:
            self.finish()
        if kind != "VCALENDAR":
            self.open_kinds.append(kind)
            self.pieces.append(folded)

    def keep(self, folded: bytes) -> None:
        if self.open_kinds:
            self.pieces.append(folded)

    def end(self, kind: str) -> None:
        if kind == "VCALENDAR":
            self.finish()
        while kind in self.open_kinds:
            last = self.open_kinds.pop()
            self.pieces.append(b"END:" + last.encode("utf-8"))
            if not self.open_kinds:
                text = b"".join(piece if piece.endswith(b"\n") else piece + b"\n" for piece in self.pieces)
                self.finished.append((last, text))
                self.pieces = []
            if last == kind:
                return

    def finish(self) -> None:
        """Give what is still open its END."""
        if self.open_kinds:
            self.end(self.open_kinds[0])


def _components(content: bytes) -> Sequence[tuple[str, bytes]]:
    r"""(kind, text with `\n` line ends, folding kept) of every component directly inside a VCALENDAR."""
    cutter = _Cutter()
    for folded in iter_folded(_as_utf8(with_plain_line_ends(content))):
        line = b"".join(unfold(folded))
        name = line_name(line)
        if name == "BEGIN":
            cutter.begin(component_kind(line), folded)
        elif name == "END":
            cutter.end(component_kind(line))
        elif line:
            cutter.keep(folded)
    cutter.finish()
    return cutter.finished


def _as_utf8(plain: bytes) -> bytes:
    """`plain` with every line in UTF-8, folded between characters; unchanged where that holds already."""
    try:
        plain.decode("utf-8")
    except UnicodeDecodeError:
        lines = [fold(to_text(line).encode("utf-8")) for line in unfold(plain)]
        return b"\n".join([*lines, b""])
    return plain


def _with_zone_name(component: bytes, name: str) -> bytes:
    return b"".join(
        fold(b"TZID:" + name.encode("utf-8")) + b"\n" if line_name(b"".join(unfold(folded))) == "TZID" else folded
        for folded in iter_folded(component)
    )


def _with_renamed_zones(component: bytes, renamed: dict[str, str]) -> bytes:
    return b"".join(_with_renamed_zone(folded, renamed) for folded in iter_folded(component))


def _with_renamed_zone(folded: bytes, renamed: dict[str, str]) -> bytes:
    line = b"".join(unfold(folded))
    parsed = parse_line(line)
    parts = split_head(line)
    if parsed is None or parts is None:
        return folded
    old = next((values[0] for key, values in parsed.parameters if key == "TZID" and values), None)
    if old not in renamed:
        return folded
    head = to_text(parts[0]).replace(f'"{old}"', f'"{renamed[old]}"').replace(f"={old}", f"={renamed[old]}")
    return fold(head.encode("utf-8") + b":" + parts[1]) + b"\n"
