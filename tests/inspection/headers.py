"""Headers for tests of choosing among snapshots."""

from __future__ import annotations

from datetime import datetime

from caldav_backup.kloset.header import Header, Importer, Source

ROOT = bytes(32)


def header(
    number: int,
    moment: str = "2026-05-01T12:00",
    *,
    job: str = "work",
    origin: str = "alice@host/dav",
    tags: tuple[str, ...] = (),
    importer: str = "caldav-backup",
    directory: str = "/",
) -> Header:
    """A header whose id is `number` in hex, repeated; `moment` is local time."""
    seconds = int(datetime.fromisoformat(moment).astimezone().timestamp())
    source = Source(Importer(importer, origin, directory), ROOT, ROOT, ROOT)
    return Header(bytes([number]) * 32, seconds * 1_000_000_000, source, job=job, tags=tags)
