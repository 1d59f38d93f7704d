"""Content lines survive any line ends and any folding."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caldav_backup.ics.lines import (
    fold,
    iter_folded,
    parse_line,
    split_unescaped,
    unescape,
    unfold,
    with_plain_line_ends,
)

CHARACTERS = st.characters(codec="utf-8", exclude_characters="\r\n\0")
TEXT = st.text(CHARACTERS, min_size=1) | st.text(CHARACTERS, min_size=60, max_size=300)


@given(TEXT)
def test_what_was_folded_unfolds_to_itself(text: str) -> None:
    line = b"X-A:" + text.encode()
    folded = fold(line)
    assert unfold(folded + b"\n") == [line]
    assert all(len(piece) <= 75 for piece in folded.split(b"\n"))


@given(TEXT)
def test_folding_never_cuts_a_character(text: str) -> None:
    for piece in fold(text.encode()).split(b"\n"):
        piece.decode("utf-8")


@pytest.mark.parametrize("line_end", [b"\r\n", b"\n", b"\r", b"\r\r\n"])
def test_every_kind_of_line_end_gives_the_same_lines(line_end: bytes) -> None:
    content = line_end.join([b"BEGIN:VEVENT", b"SUMMARY:one", b"  two", b"", b"END:VEVENT", b""])
    assert unfold(content) == [b"BEGIN:VEVENT", b"SUMMARY:one two", b"END:VEVENT"]


def test_mixed_line_ends_in_one_object_are_all_line_ends() -> None:
    assert unfold(b"A:1\r\nB:2\nC:3\rD:4") == [b"A:1", b"B:2", b"C:3", b"D:4"]


def test_a_line_folded_inside_a_character_is_whole_again() -> None:
    (line,) = unfold(b"SUMMARY:Z\xc3\r\n \xbcrich")
    assert line.decode() == "SUMMARY:Zürich"


@given(st.lists(st.binary(max_size=40), max_size=8).map(b"\n".join))
def test_lines_kept_folded_add_up_to_the_whole(content: bytes) -> None:
    plain = with_plain_line_ends(content)
    assert b"".join(iter_folded(plain)) == plain


def test_a_colon_inside_quotes_does_not_begin_the_value() -> None:
    line = parse_line(b'attendee;CN="Doe: a; b, c";ROLE=CHAIR,"X:Y":mailto:a@example.org')
    assert line is not None
    assert line.name == "ATTENDEE"
    assert line.parameters == (("CN", ("Doe: a; b, c",)), ("ROLE", ("CHAIR", "X:Y")))
    assert line.value == "mailto:a@example.org"


def test_a_quote_that_nothing_closes_ends_at_the_first_colon() -> None:
    line = parse_line(b'ATTENDEE;CN="Doe:mailto:a@example.org')
    assert line is not None
    assert line.value == "mailto:a@example.org"


@pytest.mark.parametrize("broken", [b"no colon at all", b":value only", b"", b"NAME", b"N\xc3\xa4me:x", b"A B:c"])
def test_a_broken_line_is_no_content_line(broken: bytes) -> None:
    assert parse_line(broken) is None


def test_latin1_bytes_are_read_as_latin1() -> None:
    line = parse_line(b"SUMMARY:Z\xfcrich")
    assert line is not None
    assert line.value == "Zürich"


def test_escapes_are_undone_once() -> None:
    assert unescape(r"a\nb\Nc\,d\;e\\nf") == "a\nb\nc,d;e\\nf"


def test_only_bare_separators_split() -> None:
    assert split_unescaped(r"a,b\,c,d\\,e", ",") == ["a", r"b\,c", r"d\\", "e"]
