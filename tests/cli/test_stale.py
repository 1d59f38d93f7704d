"""Snapshots that hold older copies of what could not be read, and such that do not hold every calendar."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from caldav_backup.kloset import Configuration, Repository, SnapshotBuilder, open_storage
from caldav_backup.kloset.envelope import HEADER_SIZE
from caldav_backup.kloset.header import Importer
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.marks import IMPORTER_TYPE, INCOMPLETE, PARTIAL, SUSPICIOUS, Reason
from tests.cli.conftest import Ended, Program
from tests.kloset.builds import add_directory, some_files

SECOND = 1_000_000_000
STALE = "/work/event-0001.ics"
Commands = Callable[..., Ended]


class Store:
    """A store whose snapshots are made one second after the other."""

    def __init__(self, place: Path) -> None:
        configuration = Configuration.new(encrypted=False)
        self._repository = Repository.create(open_storage(str(place)), configuration)
        self._time_ns = 1_700_000_000 * SECOND

    def add(self, *tags: str, failed: dict[str, str] | None = None, job: str = "me") -> str:
        """A snapshot's id."""
        self._time_ns += SECOND
        importer = Importer(IMPORTER_TYPE, "host/dav", "/")
        with SnapshotBuilder(
            self._repository, importer=importer, job=job, tags=tags, timestamp_ns=self._time_ns
        ) as builder:
            add_directory(builder, "/work", some_files(3))
            for path, message in (failed or {}).items():
                builder.fail(path, message)
            return builder.finish().identifier.hex()

    def where_errors_lie(self, identifier: str) -> list[tuple[str, int]]:
        """Packfile and offset of the record that a snapshot's error index begins with."""
        repository = self._repository
        errors = repository.header(bytes.fromhex(identifier)).errors
        places = repository.index.find_locations(ResourceType.ERROR_BTREE, errors)
        return [(place.packfile.hex(), HEADER_SIZE + place.offset + place.length // 2) for place in places]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "stale")


@pytest.fixture
def at(cli: Program, tmp_path: Path) -> Commands:
    return lambda *words: cli("at", str(tmp_path / "stale"), *words)


def test_a_stale_copy_is_told_with_the_snapshot_it_comes_from(store: Store, at: Commands) -> None:
    first = store.add()
    message = Reason("HTTP 500", first[:8]).to_message()
    store.add(PARTIAL, failed={STALE: message, "/work/lost.ics": "HTTP 404"})
    told = at("ls", "errors").out
    assert f"HTTP 500  kept from snapshot {first[:8]}" in told
    assert "is kept" not in told
    assert at("ls", "errors", "--json").document["result"]["errors"] == [
        {"path": STALE, "reason": "HTTP 500", "kept_from": first[:8]},
        {"path": "/work/lost.ics", "reason": "HTTP 404", "kept_from": None},
    ]
    assert f"1, kept from snapshot {first[:8]}\n" in at("info", "latest").out
    described = at("info", "latest", "--json").document["result"]["snapshot"]
    assert (described["errors"], described["stale"]) == (2, [{"path": STALE, "kept_from": first[:8]}])
    assert at("info", "latest~1", "--json").document["result"]["snapshot"]["stale"] == []
    assert at("cat", f"latest:{STALE}").out.startswith("BEGIN:VCALENDAR")


def test_latest_is_the_newest_snapshot_in_which_every_calendar_was_listed(store: Store, at: Commands) -> None:
    good = store.add(PARTIAL, failed={STALE: "HTTP 500"})
    store.add(PARTIAL, failed={"/home": "HTTP 503"})
    store.add(SUSPICIOUS)
    store.add(INCOMPLETE)
    for words in ("latest", "@2024-01-01"):
        assert at("info", words, "--json").document["result"]["snapshot"]["id"] == good
    assert at("ls", "calendars", "--latest", "--json").document["result"]["snapshot"] == good
    assert "the store has 1 good snapshot of" in at("info", "latest~1").err


def test_a_snapshot_of_which_nobody_can_tell_whether_it_is_good_is_left_out(
    store: Store, at: Commands, tmp_path: Path
) -> None:
    good = store.add()
    newest = store.add(PARTIAL, failed={STALE: "HTTP 500"})
    (location,) = store.where_errors_lie(newest)
    packfile, offset = location
    path = tmp_path / "stale" / "packfiles" / packfile[:2] / packfile
    content = bytearray(path.read_bytes())
    content[offset] ^= 0xFF
    path.write_bytes(content)
    described = at("info", "latest")
    assert good in described.out
    assert f"snapshot {newest[:8]} is damaged and left out" in described.err
    assert at("info", "latest~1").code == 65


def test_incomplete_snapshots_are_not_there_unless_asked_for(store: Store, at: Commands) -> None:
    good = store.add()
    incomplete = store.add(INCOMPLETE, job="other")
    listed = at("ls", "--json").document["result"]["snapshots"]
    assert [each["id"] for each in listed] == [good]
    listed = at("ls", "--all", "--json").document["result"]["snapshots"]
    assert [each["id"] for each in listed] == [good, incomplete]
    # One source is left, so that it need not be named.
    assert at("info", "latest", "--json").document["result"]["snapshot"]["id"] == good
    assert at("info", "latest", "--source", "@other").code == 66
    assert at("ls", "--source", "@other").err == (
        "caldav-backup: only incomplete snapshots are like that; --all lists them\n"
    )
    assert at("info", incomplete[:8], "--json").document["result"]["snapshot"]["id"] == incomplete
