from __future__ import annotations

from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from caldav_backup.connectors import naming

NAMES = st.text(st.characters(codec="utf-8"), max_size=300)


@example(" ..")
@given(NAMES)
def test_a_safe_name_is_a_file_name_everywhere(hint: str) -> None:
    name = naming.safe_name(hint)
    assert name and name not in (".", "..")
    assert "/" not in name and not name.startswith(".")
    assert not any(ord(character) < 32 for character in name)
    assert len(name.encode()) <= naming.MAX_NAME_BYTES


@given(NAMES)
def test_a_safe_name_stays_as_it_is(hint: str) -> None:
    name = naming.safe_name(hint)
    assert naming.safe_name(name) == name


@given(
    st.lists(
        st.tuples(st.text(max_size=8), st.sampled_from(["a.ics", "A.ics", "é.ics", "e\u0301.ics", "b.ics"])),
        unique_by=lambda p: p[0],
    )
)
def test_assigned_names_differ_on_a_file_system_that_folds_case_and_composition(wishes: list[tuple[str, str]]) -> None:
    try:
        names = naming.assign(wishes, {})
    except ValueError:  # two spellings of one key have one digest, and only then
        assert len({unquote_to_bytes(key) for key, _ in wishes}) < len(wishes)
        return
    assert len({naming.fold(name) for name in names}) == len(wishes)


def test_a_name_once_given_stands_whatever_comes_first() -> None:
    names = naming.assign([("/cal/new", "a.ics"), ("/cal/old", "a.ics")], {"/cal/old": "a.ics"})
    assert names[1] == "a.ics"
    assert names[0].startswith("a~") and names[0].endswith(".ics") and len(names[0]) == len("a~123456.ics")


def test_a_suffix_does_not_depend_on_how_the_href_is_escaped() -> None:
    kept = {"other": "a.ics"}
    escaped = naming.assign([("other", "a.ics"), ("/c%40d/a.ics", "a.ics")], kept)
    plain = naming.assign([("other", "a.ics"), ("/c@d/a.ics", "a.ics")], kept)
    assert escaped == plain


@pytest.mark.parametrize(
    ("segments", "hint"),
    [
        (["caldav", "v2", "me@example.org", "events"], "me@example.org"),
        (["calendars", "alice", "work"], "work"),
        (["events"], "events"),
        ([], ""),
    ],
)
def test_a_calendar_is_named_by_the_segment_that_says_something(segments: list[str], hint: str) -> None:
    assert naming.collection_hint(segments) == hint


@pytest.mark.parametrize(
    ("leaf", "name"),
    [
        ("a.ics", "a.ics"),
        ("A.ICS", "A.ICS"),
        ("abc", "abc.ics"),
        (".hidden.ics", "_hidden.ics"),
        ("a/b.ics", "a_b.ics"),
        ("", "event.ics"),
    ],
)
def test_a_record_ends_in_ics(leaf: str, name: str) -> None:
    assert naming.record_name(leaf) == name


def test_a_long_name_keeps_its_extension_and_its_difference() -> None:
    one, two = naming.record_name("x" * 300 + "1.ics"), naming.record_name("x" * 300 + "2.ics")
    assert one != two
    assert one.endswith(".ics") and len(one.encode()) <= naming.MAX_NAME_BYTES
