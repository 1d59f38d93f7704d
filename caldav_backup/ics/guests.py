"""The guest lines (ORGANIZER, ATTENDEE) of a copy that is about to be sent to a server which might mail guests.

Owns the two changes that keep a server silent: the parameter SCHEDULE-AGENT=CLIENT (RFC 6638 §7.1), and taking the
lines out. Every other line keeps its bytes, line ends apart, which become all alike. An alarm's ATTENDEE is an address
to mail to, not a guest: left alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from caldav_backup.ics.glance import glance
from caldav_backup.ics.lines import (
    component_kind,
    fold,
    iter_folded,
    line_name,
    split_head,
    to_text,
    unfold,
    unfolded,
    with_plain_line_ends,
)

_GUEST_NAMES = ("ATTENDEE", "ORGANIZER")
_SCHEDULE_AGENT = re.compile(rb""";SCHEDULE-AGENT=(?:[^";:]|"[^"]*")*""", re.IGNORECASE)
_CLIENT = re.compile(rb""";SCHEDULE-AGENT="?CLIENT"?(?=;|$)""", re.IGNORECASE)


def has_guests(content: bytes) -> bool:
    """True when an event, task or journal of the object names an organizer or an attendee."""
    # Most objects do not have the words at all, and this look at them is a tenth of a glance.
    words = unfolded(content).upper()
    return (b"ATTENDEE" in words or b"ORGANIZER" in words) and glance(content).has_guests


def guests(content: bytes) -> tuple[str, ...]:
    """The addresses of all organizers and attendees without `mailto:`, each once, in order of appearance."""
    return _addresses(content, _GUEST_NAMES)


def organizers(content: bytes) -> tuple[str, ...]:
    """The addresses of the organizers alone, as `guests` gives them: mostly one."""
    return _addresses(content, ("ORGANIZER",))


def is_client_scheduled(content: bytes) -> bool:
    """True when the object says of every guest that the client does the scheduling, as that of nobody does."""
    heads = (split_head(line) for name, line in _guest_lines(content) if name in _GUEST_NAMES)
    return all(parts is not None and _CLIENT.search(parts[0]) is not None for parts in heads)


def with_client_scheduling(content: bytes) -> bytes:
    """A copy that says of every guest: the client does the scheduling, the server must not.

    CLIENT and not NONE: sabre/dav 4.7 sends in spite of NONE; Cyrus 3.6, DAViCal 1.1 and sabre/dav honour CLIENT.
    """
    return _with_guest_lines(content, _as_client_scheduled)


def without_guests(content: bytes) -> bytes:
    """A copy that names neither organizer nor attendees."""
    return _with_guest_lines(content, lambda _: b"")


def _as_client_scheduled(line: bytes) -> bytes:
    parts = split_head(line)
    if parts is None:
        return line
    head, value = parts
    return _SCHEDULE_AGENT.sub(b"", head) + b";SCHEDULE-AGENT=CLIENT:" + value


def _addresses(content: bytes, names: Sequence[str]) -> tuple[str, ...]:
    found: dict[str, str] = {}
    for name, line in _guest_lines(content):
        parts = split_head(line) if name in names else None
        address = to_text(parts[1]).strip() if parts is not None else ""
        if address[:7].casefold() == "mailto:":
            address = address[7:]
        if address:
            found.setdefault(address.casefold(), address)
    return tuple(found.values())


def _guest_lines(content: bytes) -> Iterator[tuple[str, bytes]]:
    alarms = 0
    for line in unfold(content) if has_guests(content) else ():
        name = line_name(line)
        if name in ("BEGIN", "END") and component_kind(line) == "VALARM":
            alarms = max(alarms + (1 if name == "BEGIN" else -1), 0)
        elif not alarms:
            yield name, line


def _with_guest_lines(content: bytes, change: Callable[[bytes], bytes]) -> bytes:
    if not has_guests(content):
        return content
    line_end = b"\r\n" if b"\r\n" in content else b"\n"
    kept: list[bytes] = []
    open_kinds: list[str] = []
    for folded in iter_folded(with_plain_line_ends(content)):
        line = b"".join(unfold(folded))
        name = line_name(line)
        if name == "BEGIN":
            open_kinds.append(component_kind(line))
        elif name == "END" and open_kinds:
            open_kinds.pop()
        if name in _GUEST_NAMES and "VALARM" not in open_kinds:
            changed = change(line)
            kept.append(fold(changed) + b"\n" if changed else b"")
        else:
            kept.append(folded)
    return b"".join(kept).replace(b"\n", line_end)
