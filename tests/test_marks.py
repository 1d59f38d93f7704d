"""The words that are stored in tags and error indexes, and what they mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caldav_backup.kloset import SnapshotBuilder
from caldav_backup.marks import INCOMPLETE, PARTIAL, SUSPICIOUS, Reason, failed_paths_in, is_good, may_be_good
from tests.kloset.builds import add_directory, make_store, some_files
from tests.kloset.stores import IMPORTER

SHORT_IDS = st.from_regex(r"[0-9a-f]{8}", fullmatch=True)


@given(st.text(), SHORT_IDS | st.just(""))
def test_a_reason_comes_back_from_its_message(text: str, kept_from: str) -> None:
    reason = Reason(text, kept_from)
    if kept_from or Reason.from_message(text) == reason:
        assert Reason.from_message(reason.to_message()) == reason


@pytest.mark.parametrize(
    "message", ["HTTP 500", "", "; the copy in snapshot 1a2b3c4 is kept", "; the copy in snapshot 1a2b3c4d is kept\n"]
)
def test_other_messages_tell_of_no_copy(message: str) -> None:
    assert Reason.from_message(message) == Reason(message)


@pytest.mark.parametrize(
    ("tags", "failed", "good"),
    [
        ([], [], True),
        (["mine"], ["/work"], True),
        ([PARTIAL], ["/work/event-0001.ics", "/gone/event.ics"], True),
        ([PARTIAL], ["/work/event-0001.ics", "/gone"], False),
        ([PARTIAL], ["/"], False),
        ([PARTIAL, SUSPICIOUS], ["/work/event-0001.ics"], False),
        ([INCOMPLETE], [], False),
    ],
)
def test_a_snapshot_is_good_when_every_calendar_was_listed(tags: list[str], failed: list[str], good: bool) -> None:
    _, repository = make_store()
    with SnapshotBuilder(repository, importer=IMPORTER, tags=tags) as builder:
        add_directory(builder, "/work", some_files(2))
        for path in failed:
            builder.fail(path, "timeout")
        header = builder.finish()
    assert is_good(header, failed_paths_in(repository)) is good
    assert may_be_good(header) or not good
    assert list(repository.snapshot(header.identifier).failed_paths()) == sorted(failed)
