from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caldav_backup.inspection.errors import NoSuchSource, NotASnapshot, SourceNeeded
from caldav_backup.inspection.references import Reference, choose, parse_reference
from caldav_backup.kloset.errors import AmbiguousSnapshot, SnapshotNotFound
from caldav_backup.kloset.header import Header
from tests.inspection.headers import header

OLD = header(0xA1, "2026-04-30T23:59")
MIDDLE = header(0xA2, "2026-05-01T23:59")
NEW = header(0xB3, "2026-05-02T00:00")
HEADERS = [OLD, MIDDLE, NEW]


def nothing_failed(_: Header) -> list[str]:
    return []


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("abcd", ("abcd", None)),
        ("latest~2", ("latest~2", None)),
        ("abcd:/work/a.ics", ("abcd", "/work/a.ics")),
        ("abcd:work//a:b.ics", ("abcd", "/work/a:b.ics")),
        ("abcd:", ("abcd", "/")),
        (":/work", ("latest", "/work")),
        ("@2026-05-01", ("@2026-05-01", None)),
        ("@2026-05-01:/work", ("@2026-05-01", "/work")),
        ("@2026-05-01:work", ("@2026-05-01", "/work")),
        ("@2026-05-01T12:30", ("@2026-05-01T12:30", None)),
        ("@2026-05-01T12:30:/work", ("@2026-05-01T12:30", "/work")),
        ("@2026-05-01T12:30:59+02:00:/work", ("@2026-05-01T12:30:59+02:00", "/work")),
    ],
)
def test_a_reference_is_a_snapshot_and_perhaps_a_path(text: str, reference: tuple[str, str | None]) -> None:
    assert parse_reference(text) == Reference(*reference)


@given(st.text("/.ab", max_size=12))
def test_a_path_never_leads_out_of_the_root(path: str) -> None:
    cleaned = parse_reference(f"latest:{path}").path
    assert cleaned is not None
    assert cleaned.startswith("/")
    assert not {"", ".", ".."} & set(cleaned[1:].split("/") if cleaned != "/" else [])


def test_latest_is_the_newest_good_one() -> None:
    suspicious = header(0xC4, "2026-05-03T00:00", tags=("suspicious",))
    incomplete = header(0xC5, "2026-05-04T00:00", tags=("incomplete",))
    partial = header(0xC6, "2026-05-02T01:00", tags=("partial",))
    assert choose([*HEADERS, suspicious, incomplete], "latest", nothing_failed) is NEW
    assert choose([*HEADERS, partial, suspicious], "latest", nothing_failed) is partial


def test_latest_passes_over_one_in_which_a_calendar_was_not_listed() -> None:
    unlisted = header(0xC6, "2026-05-02T01:00", tags=("partial",))
    harmless = header(0xC7, "2026-05-02T02:00", tags=("partial",))
    failed = {
        unlisted.identifier: ["/home", "/work/a.ics"],
        harmless.identifier: ["/home/a.ics", "/work/b.ics"],
    }

    def failed_paths(of: Header) -> list[str]:
        return failed[of.identifier]

    assert choose([*HEADERS, unlisted], "latest", failed_paths) is NEW
    assert choose([*HEADERS, unlisted, harmless], "latest", failed_paths) is harmless
    assert choose([*HEADERS, unlisted, harmless], "latest~1", failed_paths) is NEW
    assert choose([*HEADERS, unlisted], "@2026-05-02", failed_paths) is NEW
    assert choose([*HEADERS, unlisted], "c6c6", failed_paths) is unlisted
    failed[harmless.identifier] = ["/"]
    assert choose([*HEADERS, harmless], "latest", failed_paths) is NEW
    with pytest.raises(SnapshotNotFound, match="no snapshot up to"):
        choose([unlisted], "@2026-05-02", failed_paths)


def test_error_indexes_are_read_only_of_partial_snapshots_on_the_way() -> None:
    partial = [header(0xD0 + hour, f"2026-05-03T0{hour}:00", tags=("partial",)) for hour in range(4)]
    asked: list[Header] = []

    def failed_paths(of: Header) -> list[str]:
        asked.append(of)
        return []

    assert choose([*partial, header(0xE1, "2026-05-04T00:00")], "latest", failed_paths).identifier[0] == 0xE1
    assert asked == []
    assert choose([NEW, *partial], "latest~1", failed_paths) is partial[2]
    assert asked == [partial[3], partial[2]]


def test_latest_counts_back() -> None:
    assert [choose(HEADERS, word, nothing_failed) for word in ("latest", "latest~0", "latest~1", "latest~2")] == [
        NEW,
        NEW,
        MIDDLE,
        OLD,
    ]
    with pytest.raises(SnapshotNotFound, match="3 good snapshots"):
        choose(HEADERS, "latest~3", nothing_failed)


def test_a_date_is_the_newest_not_after_the_end_of_that_local_day() -> None:
    assert choose(HEADERS, "@2026-05-01", nothing_failed) is MIDDLE
    assert choose(HEADERS, "@2026-04-30", nothing_failed) is OLD
    assert choose(HEADERS, "@2027-01-01", nothing_failed) is NEW
    with pytest.raises(SnapshotNotFound, match="the oldest is of 2026-04-30 23:59"):
        choose(HEADERS, "@2026-04-29", nothing_failed)


def test_a_moment_is_exact() -> None:
    assert choose(HEADERS, "@2026-05-01T23:59", nothing_failed) is OLD
    assert choose(HEADERS, "@2026-05-01T23:59:01", nothing_failed) is MIDDLE


def test_an_id_prefix_needs_four_digits_and_one_match() -> None:
    assert choose(HEADERS, "a1a1", nothing_failed) is OLD
    assert choose(HEADERS, "A1" * 32, nothing_failed) is OLD
    with pytest.raises(SnapshotNotFound):
        choose(HEADERS, "ffff", nothing_failed)
    with pytest.raises(AmbiguousSnapshot):
        choose([OLD, header(0xA1)], "a1a1", nothing_failed)


@pytest.mark.parametrize(
    "word", ["a1a", "work", "latest~", "latest~x", "latset", "@", "@soon", "@2026-13-01", "-1", "ü"]
)
def test_other_words_are_no_snapshot(word: str) -> None:
    with pytest.raises(NotASnapshot):
        choose(HEADERS, word, nothing_failed)


def test_several_sources_must_be_told_apart() -> None:
    home = header(0xD1, job="", origin="bob@home/dav")
    with pytest.raises(SourceNeeded, match=r"--source: @work, bob@home/dav"):
        choose([*HEADERS, home], "latest", nothing_failed)
    assert choose([*HEADERS, home], "latest", nothing_failed, "@work") is NEW
    assert choose([*HEADERS, home], "latest", nothing_failed, "work") is NEW
    assert choose([*HEADERS, home], "latest", nothing_failed, "bob@home/dav") is home
    assert choose([*HEADERS, home], "latest", nothing_failed, "caldav://home/dav/") is home
    assert choose([*HEADERS, home], "a1a1", nothing_failed) is OLD


def test_an_unknown_source_is_not_taken_for_another() -> None:
    with pytest.raises(NoSuchSource, match="it has: @work"):
        choose(HEADERS, "latest", nothing_failed, "@wrok")


def test_an_incomplete_snapshot_can_be_named_by_its_id() -> None:
    incomplete = header(0xC5, tags=("incomplete",))
    assert choose([incomplete], "c5c5", nothing_failed) is incomplete
    with pytest.raises(SnapshotNotFound):
        choose([incomplete], "latest", nothing_failed)
