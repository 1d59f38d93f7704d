"""Several objects of one server as the one that they were made of: its components under one header.

Owns the reverse of splitting an object of several UIDs, by BEGIN and END alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from caldav_backup import ics


def joined(objects: Sequence[bytes]) -> bytes:
    """The first object, with the components of the others put before its end; time zones once."""
    first, *others = (list(ics.unfold(content)) for content in objects)
    more = [line for other in others for component in _components(other) for line in component]
    return b"\r\n".join([*_without_end(first), *more, b"END:VCALENDAR", b""])


def _without_end(lines: list[bytes]) -> list[bytes]:
    kept = [line for line in lines if line.strip()]
    return kept[:-1] if kept[-1].upper().startswith(b"END:VCALENDAR") else kept


def _components(lines: list[bytes]) -> Iterator[list[bytes]]:
    """The components directly inside the object, time zones apart."""
    component: list[bytes] = []
    depth = 0
    for line in lines:
        word = line.strip().upper()
        if word in (b"BEGIN:VCALENDAR", b"END:VCALENDAR"):
            continue
        depth += word.startswith(b"BEGIN:") - word.startswith(b"END:")
        if depth or component:
            component.append(line)
        if component and depth == 0:
            if not component[0].strip().upper().startswith(b"BEGIN:VTIMEZONE"):
                yield component
            component = []
