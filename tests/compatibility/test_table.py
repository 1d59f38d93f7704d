"""The page of what servers do to each other's calendars, as it is written."""

from __future__ import annotations

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
        Judged("work/b.ics", Fate.REFUSED, ("PUT /dav/work/b.ics: 403 the server forbids it; Mismatched UIDs",)),
    ),
    ("work: color: refused with 403",),
    (),
    KINDS,
)


def test_the_table_counts_and_tells_each_reason_once() -> None:
    told = page([PAIR, PAIR._replace(source="sogo")], dict.fromkeys(NAMES, "1.2"))
    assert "| Radicale |  |  |  | 1 / 0 / 1 / 0 |  |  |" in told
    assert "- **tasks**\n  - refused: 403 the server forbids it; Mismatched UIDs (2)" in told
    assert "- **calendars**\n  - color: refused with 403 (2)" in told
    assert "SOGo 1.2" in told


def test_what_went_wrong_without_a_word_is_in_the_table() -> None:
    assert "**1 unreported**" in page([PAIR._replace(problems=("lost",))], {})


def test_a_reason_says_nothing_of_the_one_record() -> None:
    reason = "PUT /a/b.ics: 403 the server forbids it; no-uid-conflict; /dav/calendars/user/a/b.ics"
    assert in_words(Judged("a", Fate.LEFT, (reason,))) == "left aside: 403 the server forbids it; no-uid-conflict"


def test_only_what_is_between_the_markers_is_written_anew() -> None:
    assert put_into(f"before {BEGIN} old {END} after", "new") == f"before {BEGIN}\n\nnew\n{END} after"


def test_the_versions_of_all_servers_can_be_told() -> None:
    assert all(version_of(name)[0].isdigit() or version_of(name) == "unknown" for name in NAMES)
