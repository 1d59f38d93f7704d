"""When a server's word may be believed, although it goes by whole seconds."""

from __future__ import annotations

import pytest

from caldav_backup.connectors.base import Collection, Version
from caldav_backup.connectors.settling import has_settled_signals, is_settled

NOW = 1_795_382_400
SECOND = 1_000_000_000
HASH = '"06ad5d7bcda2ae4292afbf9a9d076a72"'


def version(etag: str, changed_at: int) -> Version:
    return Version("/cal/a.ics", "a.ics", etag, changed_at * SECOND, 500)


def collection(ctag: str, sync_token: str = "") -> Collection:
    attributes = {"ctag": ctag.encode(), "sync-token": sync_token.encode()}
    return Collection("/cal/", "cal", attributes=attributes, date_ns=NOW * SECOND)


@pytest.mark.parametrize(
    ("etag", "ago", "settled"),
    [('"gcs00000000"', 1, False), ('"gcs00000000"', 2, True), (HASH, 0, True), ('"7"', -5, False)],
)
def test_an_etag_that_may_come_again_is_believed_two_seconds_later(etag: str, ago: int, settled: bool) -> None:
    assert is_settled(version(etag, NOW - ago), NOW * SECOND) == settled


@pytest.mark.parametrize(
    ("ctag", "sync_token", "settled"),
    [
        ("7", "http://sabredav.org/ns/sync/7", True),
        (str(NOW - 1), str(NOW - 1), False),  # SOGo 5.8
        (str(NOW - 3), str(NOW - 3), True),
        (f"{NOW}123", "", False),  # milliseconds
        (f"{NOW}-5", f"data:,{NOW}-5", True),  # Cyrus 3.6: made in this second, changed five times
        ("", "", False),
    ],
)
def test_a_token_that_is_the_present_second_may_stay_for_the_next_change(
    ctag: str, sync_token: str, settled: bool
) -> None:
    assert has_settled_signals(collection(ctag, sync_token), (NOW - 60) * SECOND) == settled


def test_no_token_of_a_calendar_that_was_changed_just_now_is_believed() -> None:
    assert not has_settled_signals(collection("7"), (NOW - 1) * SECOND)
    assert has_settled_signals(collection("7"), (NOW - 2) * SECOND)
