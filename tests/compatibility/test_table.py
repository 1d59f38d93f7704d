"""The page of what servers do to each other's calendars, as it is written."""

from __future__ import annotations

import pytest

from tests.compatibility.judging import Fate, Judged
from tests.compatibility.records import Kind
from tests.compatibility.servers import NAMES, version_of
from tests.compatibility.table import BEGIN, END, in_words, page, put_into
from tests.compatibility.trial import Trial

KINDS = {"work/a.ics": Kind.EVENT, "work/b.ics": Kind.TASK}
PAIR = Trial(
    "radicale",
    "cyrus",
    (
        Judged("work/a.ics", Fate.EQUAL),
        Judged(
            "work/b.ics", Fate.REFUSED, (), "PUT /dav/work/b.ics: 403 the server forbids it; no-way; Mismatched UIDs"
        ),
    ),
    ("work: color: refused with 403",),
    (),
    KINDS,
)
_CHANGES = ["GEO lost", "TRIGGER of an alarm changed"]
_BY_NAME = ["refused: 403 the server forbids it; no-uid-conflict"]
_HELD = ["held back: its organizer … may hear"]
_LAST = ["refused: 500 it failed"]
_DONE = ["taken after a repair: UID added", "taken after a repair: split into several objects"]


def test_the_table_counts_and_tells_each_reason_once() -> None:
    told = page([PAIR, PAIR._replace(source="sogo")], dict.fromkeys(NAMES, "1.2"))
    assert "| Radicale |  |  |  | 1 / 0 / 1 / 0 |  |  |" in told
    assert "- **tasks**: refused: Mismatched UIDs (2)" in told
    assert "- **properties of calendars**: color refused with 403 (2)" in told
    assert "SOGo 1.2" in told


def test_what_went_wrong_without_a_word_is_in_the_table() -> None:
    assert "**1 unreported**" in page([PAIR._replace(problems=("lost",))], {})


@pytest.mark.parametrize(
    ("judged", "words"),
    [
        (Judged("a", Fate.EQUAL), []),
        (Judged("a", Fate.CHANGED, ["lost VEVENT GEO", "changed VEVENT/VALARM TRIGGER"]), _CHANGES),
        (Judged("a", Fate.CHANGED, ["lost VEVENT/X-NOTE"]), ["VEVENT/X-NOTE lost"]),
        (Judged("a", Fate.CHANGED, ["lost VEVENT ?what is this"]), ["a broken line lost"]),
        (Judged("a", Fate.HELD, (), "its organizer a@example.org may hear (--invites strip)"), _HELD),
        (Judged("a", Fate.REFUSED, (), "PUT /a: 403 the server forbids it; no-uid-conflict; /a/b"), _BY_NAME),
        (
            Judged("a", Fate.REFUSED, (), "PUT /a: 400 No; Bad; in another form (UID added): PUT /a: 500 it failed"),
            _LAST,
        ),
        (
            Judged("a", Fate.EQUAL, (), "sent in another form (UID added, split into 3 objects, one for each UID), x"),
            _DONE,
        ),
    ],
)
def test_a_record_is_told_of_in_words_that_others_share(judged: Judged, words: list[str]) -> None:
    assert list(in_words(judged)) == words


def test_only_what_is_between_the_markers_is_written_anew() -> None:
    assert put_into(f"before {BEGIN} old {END} after", "new") == f"before {BEGIN}\n\nnew\n{END} after"


def test_the_versions_of_all_servers_can_be_told() -> None:
    assert all(version_of(name)[0].isdigit() or version_of(name) == "unknown" for name in NAMES)
