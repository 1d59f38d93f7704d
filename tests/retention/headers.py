"""Headers for tests of what stays: by moment, source, selection and tags, and made up at random."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import product
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from caldav_backup.kloset.header import Header, Importer, Source
from caldav_backup.marks import BEFORE_RESTORE, IMPORTER_TYPE, INCOMPLETE, PARTIAL, PINNED, SUSPICIOUS
from caldav_backup.retention import Duration, Policy

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = 3_600_000_000_000
DAY = 24 * HOUR
NOW = int(datetime(2026, 5, 20, 12, tzinfo=UTC).timestamp()) * 10**9

#: The error index of a partial snapshot in which a calendar could not be listed; that of others is of single records.
CALENDAR_FAILED = b"\1" * 32
_ROOT = bytes(32)


def at(moment: str, zone: ZoneInfo = BERLIN) -> int:
    """A moment on the clocks of `zone` in Unix ns."""
    return int(datetime.fromisoformat(moment).replace(tzinfo=zone).timestamp()) * 10**9


def header(
    number: int,
    timestamp_ns: int,
    *tags: str,
    job: str = "work",
    selection: str = "",
    program: str = IMPORTER_TYPE,
    origin: str = "alice@host/dav",
    errors: bytes = _ROOT,
) -> Header:
    """A header whose id is `number`."""
    source = Source(Importer(program, origin, "/"), _ROOT, _ROOT, errors)
    return Header(number.to_bytes(32, "big"), timestamp_ns, source, job=job, perimeter=selection, tags=tags)


def nightly(count: int, last_ns: int = NOW, *tags: str) -> list[Header]:
    """The oldest first, one a day, and the newest at `last_ns`."""
    return [header(number + 1, last_ns - (count - 1 - number) * DAY, *tags) for number in range(count)]


def is_good(one: Header) -> bool | None:
    """As a store would say it."""
    if not {SUSPICIOUS, INCOMPLETE, BEFORE_RESTORE}.isdisjoint(one.tags):
        return False
    return not (PARTIAL in one.tags and one.errors == CALENDAR_FAILED)


def numbers(headers: Sequence[Header]) -> list[int]:
    return [int.from_bytes(one.identifier, "big") for one in headers]


#: (tags, job, selection, error index): mostly good ones of one source.
_KINDS = [
    (tags, job, selection, errors)
    for tags, job, selection, errors in product(
        [(), (), (SUSPICIOUS,), (PARTIAL,), (PINNED,), (BEFORE_RESTORE,), ("mine",), (PINNED, SUSPICIOUS), ("yearly",)],
        ["work", "work", "home"],
        ["", "", "calendar=a", "calendar=b"],
        [_ROOT, CALENDAR_FAILED],
    )
]
_TIMES = st.integers(-1200 * 96, 96) | st.integers(-9 * 96, 0)

#: Snapshots of two sources and three selections within some years, a few of them yet to come, on quarters of an hour.
histories = st.lists(st.tuples(_TIMES, st.sampled_from(_KINDS)), max_size=25).map(
    lambda drawn: [
        header(number, NOW + quarter * (HOUR // 4), *tags, job=job, selection=selection, errors=errors)
        for number, (quarter, (tags, job, selection, errors)) in enumerate(drawn, start=1)
    ]
)

_COUNTS = st.sampled_from([0, 0, 1, 2, 3, 7, 30])
_DURATIONS = st.none() | st.sampled_from(["1h", "3d", "2w", "1m", "1y6m"]).map(Duration.parse)
policies = st.builds(
    Policy,
    last=_COUNTS,
    hourly=_COUNTS,
    daily=_COUNTS,
    weekly=_COUNTS,
    monthly=_COUNTS,
    yearly=_COUNTS,
    within=_DURATIONS,
    tags=st.sampled_from([(), (), ("mine",), ("mine", "yearly")]),
)
