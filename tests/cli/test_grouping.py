from __future__ import annotations

import pytest

from caldav_backup.cli.grouping import Told, grouped, labelled

DIGEST = "1f2e3d4c5b6a79881f2e3d4c5b6a7988"


def told(name: str, reason: str, what: str = "failed") -> Told:
    return Told(name, f"/work/{name}", what, reason)


@pytest.mark.parametrize(
    "reasons",
    [
        ("too large", "too large"),
        ("PUT /alice/work/a.ics: 403 forbidden", "PUT /alice/work/bb.ics: 403 forbidden"),
        (f"PUT /alice/{DIGEST}.ics: 403", f"PUT /alice/{DIGEST[::-1]}.ics: 403"),
        ("UID a.ics is not taken here", "UID bb.ics is not taken here"),
        ("10240 bytes are too many", "204800 bytes are too many"),
        ("a name that has an a", "a name that has an a"),
    ],
)
def test_what_names_the_event_itself_is_no_other_reason(reasons: tuple[str, str]) -> None:
    first, second = reasons
    lines = grouped([told("a.ics", first), told("bb.ics", second)], 20)
    assert lines == [f"2 events failed: {first}; for example /work/a.ics"]


@pytest.mark.parametrize(("one", "other"), [("403 forbidden", "404 not found"), ("413 too large", "507 too large")])
def test_other_reasons_are_other_lines(one: str, other: str) -> None:
    assert len(grouped([told("a.ics", one), told("b.ics", other)], 20)) == 2
    assert len(grouped([told("a.ics", one), told("b.ics", one, "held back")], 20)) == 2


def test_one_event_is_told_with_its_title() -> None:
    assert labelled("/work/a.ics", "Lunch") == "/work/a.ics (Lunch)"
    assert grouped([Told("a.ics", "a.ics", "created")], 20) == ["a.ics: created"]
    assert grouped([], 20) == []


def test_what_is_left_out_is_counted_in_events() -> None:
    many = [told(f"{word}.ics", f"reason {word}") for word in ("one", "two", "two", "three")]
    assert grouped(many, 1) == ["/work/one.ics: failed: reason one", "3 events more; --json lists all"]
