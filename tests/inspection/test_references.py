from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caldav_backup.inspection.errors import NoSuchSource, NotASnapshot, SourceNeeded
from caldav_backup.inspection.references import Reference, choose, parse_reference
from caldav_backup.kloset.errors import AmbiguousSnapshot, SnapshotNotFound
from tests.inspection.headers import header

OLD = header(0xA1, "2026-04-30T23:59")
MIDDLE = header(0xA2, "2026-05-01T23:59")
NEW = header(0xB3, "2026-05-02T00:00")
HEADERS = [OLD, MIDDLE, NEW]


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
    assert choose([*HEADERS, suspicious, incomplete], "latest") is NEW
    assert choose([*HEADERS, partial, suspicious], "latest") is partial


def test_latest_counts_back() -> None:
    assert [choose(HEADERS, word) for word in ("latest", "latest~0", "latest~1", "latest~2")] == [NEW, NEW, MIDDLE, OLD]
    with pytest.raises(SnapshotNotFound, match="3 good snapshots"):
        choose(HEADERS, "latest~3")


def test_a_date_is_the_newest_not_after_the_end_of_that_local_day() -> None:
    assert choose(HEADERS, "@2026-05-01") is MIDDLE
    assert choose(HEADERS, "@2026-04-30") is OLD
    assert choose(HEADERS, "@2027-01-01") is NEW
    with pytest.raises(SnapshotNotFound, match="the oldest is of 2026-04-30 23:59"):
        choose(HEADERS, "@2026-04-29")


def test_a_moment_is_exact() -> None:
    assert choose(HEADERS, "@2026-05-01T23:59") is OLD
    assert choose(HEADERS, "@2026-05-01T23:59:01") is MIDDLE


def test_an_id_prefix_needs_four_digits_and_one_match() -> None:
    assert choose(HEADERS, "a1a1") is OLD
    assert choose(HEADERS, "A1" * 32) is OLD
    with pytest.raises(SnapshotNotFound):
        choose(HEADERS, "ffff")
    with pytest.raises(AmbiguousSnapshot):
        choose([OLD, header(0xA1)], "a1a1")


@pytest.mark.parametrize(
    "word", ["a1a", "work", "latest~", "latest~x", "latset", "@", "@soon", "@2026-13-01", "-1", "ü"]
)
def test_other_words_are_no_snapshot(word: str) -> None:
    with pytest.raises(NotASnapshot):
        choose(HEADERS, word)


def test_several_sources_must_be_told_apart() -> None:
    home = header(0xD1, job="", origin="bob@home/dav")
    with pytest.raises(SourceNeeded, match=r"--source: @work, bob@home/dav"):
        choose([*HEADERS, home], "latest")
    assert choose([*HEADERS, home], "latest", "@work") is NEW
    assert choose([*HEADERS, home], "latest", "work") is NEW
    assert choose([*HEADERS, home], "latest", "bob@home/dav") is home
    assert choose([*HEADERS, home], "latest", "caldav://home/dav/") is home
    assert choose([*HEADERS, home], "a1a1") is OLD


def test_an_unknown_source_is_not_taken_for_another() -> None:
    with pytest.raises(NoSuchSource, match="it has: @work"):
        choose(HEADERS, "latest", "@wrok")


def test_an_incomplete_snapshot_can_be_named_by_its_id() -> None:
    incomplete = header(0xC5, tags=("incomplete",))
    assert choose([incomplete], "c5c5") is incomplete
    with pytest.raises(SnapshotNotFound):
        choose([incomplete], "latest")
