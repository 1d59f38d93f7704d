from __future__ import annotations

import pytest

from caldav_backup.inspection.errors import NotASnapshot
from caldav_backup.inspection.moments import end_ns, local_text, moment_ns, utc_text
from caldav_backup.inspection.snapshots import Filter, sources_of
from caldav_backup.marks import source_of
from tests.inspection.headers import header

DAY = 86_400_000_000_000


def test_a_source_is_its_job_else_its_origin() -> None:
    assert source_of(header(1)) == "@work"
    assert source_of(header(1, job="")) == "alice@host/dav"
    assert source_of(header(1, job="", importer="fs", origin="laptop", directory="/srv")) == "fs://laptop/srv"
    assert sources_of([header(1), header(2, job="home"), header(3)]) == ["@work", "@home"]


def test_incomplete_snapshots_are_hidden_until_asked_for() -> None:
    headers = [header(1), header(2, tags=("incomplete",)), header(3, tags=("suspicious",))]
    assert Filter().apply(headers) == [headers[0], headers[2]]
    assert Filter(hidden_too=True).apply(headers) == headers


def test_filters_are_all_applied() -> None:
    headers = [
        header(1, "2026-05-01T00:00", tags=("a",)),
        header(2, "2026-05-02T00:00", tags=("a", "b")),
        header(3, "2026-05-03T00:00", job="home"),
    ]
    second = headers[1].timestamp_ns
    assert Filter(tags=["a", "b"]).apply(headers) == [headers[1]]
    assert Filter(since_ns=second).apply(headers) == headers[1:]
    assert Filter(before_ns=second).apply(headers) == headers[:1]
    assert Filter(source="@work").apply(headers) == headers[:2]
    assert Filter(latest=True).apply(headers) == headers[1:]


def test_moments_are_local_or_relative() -> None:
    midnight = moment_ns("2026-05-01", 0)
    assert local_text(midnight) == "2026-05-01 00:00"
    assert moment_ns("2026-05-01T01:00", 0) == midnight + 3_600_000_000_000
    assert moment_ns("2d", 10 * DAY) == 8 * DAY
    assert end_ns("2026-05-01") == moment_ns("2026-05-02", 0)
    assert moment_ns("1970-01-01T00:00:01Z", 0) == 1_000_000_000


@pytest.mark.parametrize("text", ["", "yesterday", "2026-5-1", "2026-02-30", "7", "9999-12-31"])
def test_other_words_are_no_moment(text: str) -> None:
    with pytest.raises(NotASnapshot):
        end_ns(text)


@pytest.mark.parametrize("timestamp_ns", [-62135596800 * 10**9, 2**63 - 1, -(2**63), 2**70])
def test_a_time_that_a_store_only_claims_is_still_shown(timestamp_ns: int) -> None:
    assert local_text(timestamp_ns)
    assert utc_text(timestamp_ns).endswith("Z")


def test_programs_get_all_nine_digits_in_utc() -> None:
    assert utc_text(1_700_000_000_123_456_789) == "2023-11-14T22:13:20.123456789Z"
