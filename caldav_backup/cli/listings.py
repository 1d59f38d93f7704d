"""What `ls` prints: snapshots, calendars, events, errors, paths, each as a table and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from caldav_backup.cli.answer import Answer, Table
from caldav_backup.inspection.moments import local_text, utc_text
from caldav_backup.marks import Reason, source_of

if TYPE_CHECKING:
    from caldav_backup.kloset.entries import Entry
    from caldav_backup.kloset.header import Header
    from caldav_backup.kloset.snapshot import Snapshot

#: Digits of an id that people are shown.
SHORT = 8

_SIZE = frozenset({"size", "events", "files"})


def snapshots(headers: Sequence[Header], *, whole_ids: bool, empty: str = "") -> Answer:
    """Oldest first; `empty` is said when there are none."""
    rows = []
    for header in headers:
        identifier = header.identifier.hex()
        rows.append(
            [
                identifier if whole_ids else identifier[:SHORT],
                local_text(header.timestamp_ns),
                source_of(header),
                str(_files(header)),
                human_size(_size(header)),
                ",".join(header.tags),
            ]
        )
    table = Table(["id", "time", "source", "files", "size", "tags"], rows, _SIZE, empty)
    return Answer({"snapshots": [snapshot_fields(header) for header in headers]}, [table])


def snapshot_fields(header: Header) -> dict[str, Any]:
    """One snapshot in JSON documents."""
    return {
        "id": header.identifier.hex(),
        "time": utc_text(header.timestamp_ns),
        "source": source_of(header),
        "job": header.job,
        "origin": header.importer.origin,
        "type": header.importer.type,
        "name": header.name,
        "perimeter": header.perimeter,
        "tags": list(header.tags),
        "files": _files(header),
        "size": _size(header),
        "errors": header.summary.directory.errors + header.summary.below.errors,
    }


def calendars(snapshot: Snapshot, path: str) -> Answer:
    """Each with its name for people, its count and its size."""
    from caldav_backup.inspection.calendars import iter_calendars

    found = list(iter_calendars(snapshot, path))
    rows = [[each.path, each.displayname, str(each.events), human_size(each.size), each.color] for each in found]
    result = [
        {
            "path": each.path,
            "displayname": each.displayname,
            "events": each.events,
            "size": each.size,
            "color": each.color,
            "href": each.href,
        }
        for each in found
    ]
    table = Table(["path", "name", "events", "size", "color"], rows, _SIZE, f"no calendars in {path}")
    return Answer({"snapshot": snapshot.header.identifier.hex(), "calendars": result}, [table])


def events(snapshot: Snapshot, path: str) -> Answer:
    """Each with what it is, when it begins and what it is called."""
    from caldav_backup.inspection.calendars import iter_events

    rows = []
    result = []
    for event in iter_events(snapshot, path):
        rows.append([event.path, " ".join(event.kinds), start_text(event.start, event.timezone), event.summary or ""])
        result.append(
            {
                "path": event.path,
                "uid": event.uid,
                "kinds": list(event.kinds),
                "start": event.start,
                "timezone": event.timezone,
                "summary": event.summary,
                "size": event.size,
                "modified": utc_text(event.mtime_ns) if event.mtime_ns else None,
            }
        )
    table = Table(["path", "kind", "start", "summary"], rows, empty=f"no events in {path}")
    return Answer({"snapshot": snapshot.header.identifier.hex(), "events": result}, [table])


def errors(snapshot: Snapshot, path: str) -> Answer:
    """What could not be read when the snapshot was made, and of what an older copy is there."""
    below = path.rstrip("/") + "/"
    errors = ((where, Reason.from_message(message)) for where, message in snapshot.errors())
    found = [(where, why) for where, why in errors if where == path or where.startswith(below)]
    result = [{"path": where, "reason": why.text, "kept_from": why.kept_from or None} for where, why in found]
    rows = [[where, why.text, f"kept from snapshot {why.kept_from}" if why.kept_from else ""] for where, why in found]
    table = Table(["path", "reason", "copy"], rows, empty="nothing was unreadable")
    return Answer({"snapshot": snapshot.header.identifier.hex(), "errors": result}, [table])


def paths(snapshot: Snapshot, path: str, *, recursive: bool) -> Answer:
    """Entries of a directory, of everything below it, or the one entry that is at `path`."""
    top = snapshot.entry(path)
    if not top.is_directory:
        found = [top]
    elif recursive:
        found = [entry for entry in snapshot.walk(path) if entry.path != path]
    else:
        found = list(snapshot.list_directory(path))
    rows = [[_kind(entry), _shown_size(entry), _modified(entry), entry.path] for entry in found]
    result = [
        {
            "path": entry.path,
            "type": _kind(entry),
            "size": entry.size if entry.is_file else None,
            "modified": utc_text(entry.mtime_ns) if entry.mtime_ns else None,
        }
        for entry in found
    ]
    table = Table(["type", "size", "modified", "path"], rows, _SIZE, f"nothing in {path}")
    return Answer({"snapshot": snapshot.header.identifier.hex(), "entries": result}, [table])


def start_text(start: str | None, timezone: str | None) -> str:
    """`20260501T090000Z` as `2026-05-01 09:00 UTC`; what has not that form is shown as it is."""
    if start is None:
        return ""
    digits = start.removesuffix("Z").replace("T", "", 1)
    if not digits.isdecimal() or len(digits) not in {8, 14}:
        return start
    day = f"{digits[:4]}-{digits[4:6]}-{digits[6:8]}"
    if len(digits) == 8:
        return day
    zone = "UTC" if start.endswith("Z") else (timezone or "")
    return f"{day} {digits[8:10]}:{digits[10:12]} {zone}".rstrip()


def human_size(size: int) -> str:
    """Bytes in the largest unit that leaves at least 1, with one digit behind the point."""
    if size < 1024:
        return f"{size} B"
    value = float(size)
    for unit in ("KiB", "MiB", "GiB"):
        value /= 1024
        if value < 1024:
            return f"{value:.1f} {unit}"
    return f"{value / 1024:.1f} TiB"


def _files(header: Header) -> int:
    return header.summary.directory.files + header.summary.below.files


def _size(header: Header) -> int:
    return header.summary.directory.size + header.summary.below.size


def _kind(entry: Entry) -> str:
    if entry.is_directory:
        return "directory"
    if entry.is_file:
        return "file"
    return "symlink" if entry.is_symlink else "special"


def _shown_size(entry: Entry) -> str:
    return human_size(entry.size) if entry.is_file else ""


def _modified(entry: Entry) -> str:
    return local_text(entry.mtime_ns) if entry.mtime_ns > 0 else ""
