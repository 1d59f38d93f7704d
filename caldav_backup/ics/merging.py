"""Many calendar objects as one calendar: all their components, each time zone once.

Owns what becomes of time zones of the same name. Works on the text of components (`cutting`), so that an object which
no parser takes is not lost; their bytes are kept but for line ends (CRLF) and encoding (UTF-8).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from caldav_backup.ics.cutting import all_pieces, cut
from caldav_backup.ics.lines import escape, fold, unfolded
from caldav_backup.ics.meaning import zone_digest
from caldav_backup.ics.zones import with_renamed_zones, with_zone_name

PRODUCT = b"-//caldav-backup//EN"
_HEADER = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:" + PRODUCT + b"\r\n"
_FOOTER = b"END:VCALENDAR\r\n"
_CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f]")


class Merger:
    """Writes one calendar piece by piece, in memory that grows with the number of different time zones only."""

    def __init__(self) -> None:
        self._zones: dict[str, dict[bytes, str]] = {}

    def header(self, name: str = "") -> bytes:
        """The beginning; `name` is what programs show as the calendar's name (RFC 7986 §5.1 and its older spelling)."""
        if not name:
            return _HEADER
        value = escape(_CONTROLS.sub("", name)).encode("utf-8", "replace")
        lines = fold(b"NAME:" + value) + b"\n" + fold(b"X-WR-CALNAME:" + value) + b"\n"
        return _HEADER + lines.replace(b"\n", b"\r\n")

    def add(self, content: bytes) -> bytes:
        """The text of one object's components, preceded by time zones that were not there yet; b"" when it has none."""
        zones: list[bytes] = []
        others: list[bytes] = []
        renamed: dict[str, str] = {}
        for kind, component in all_pieces(cut(content).calendars):
            if kind != "VTIMEZONE":
                others.append(component)
            elif (new_zone := self._new_zone(component, renamed)) is not None:
                zones.append(new_zone)
        if renamed:
            others = [with_renamed_zones(component, renamed) for component in others]
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
        if not known:
            known[digest] = tzid
        else:
            known[digest] = self._free_name(tzid, len(known) + 1)
            # An object may bring another zone that is really called so.
            self._zones[known[digest]] = {digest: known[digest]}
        if known[digest] == tzid:
            return component
        renamed[tzid] = known[digest]
        return with_zone_name(component, known[digest])

    def _free_name(self, tzid: str, number: int) -> str:
        while (name := f"{tzid} {number}") in self._zones:
            number += 1
        return name


def merge(bodies: Iterable[bytes], name: str = "") -> bytes:
    """One calendar with all components of `bodies` and each time zone once, as bytes with CRLF line ends."""
    merger = Merger()
    return b"".join([merger.header(name), *map(merger.add, bodies), merger.footer()])
