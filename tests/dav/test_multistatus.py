from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from caldav_backup import dav
from caldav_backup.dav import names
from caldav_backup.dav.multistatus import Incomplete, NotMultistatus, Parser, Response, calendar_data
from tests.dav.fakes import NAMESPACES, listed, multistatus, refused, response, with_data

xml_text = st.text(
    st.one_of(st.sampled_from("\r\n\t ]]>&<\"'"), st.characters(min_codepoint=0x20, exclude_categories=["Cs"])),
    max_size=200,
).filter(lambda text: not set(text) & {"\ufffe", "\uffff"})


def parse(document: bytes, *, piece: int = 0, limits: dav.Limits | None = None) -> list[Response]:
    parser = Parser(limits or dav.Limits())
    size = piece or len(document) or 1
    found = [each for start in range(0, len(document), size) for each in parser.feed(document[start : start + size])]
    parser.close()
    return found


def data_of(document: bytes) -> bytes:
    (only,) = parse(document)
    return calendar_data(only.found[names.CALENDAR_DATA])


def test_properties_are_sorted_by_their_status() -> None:
    (found,) = parse(
        multistatus(
            response("/cal/a.ics", "<d:getetag> &quot;1&quot; </d:getetag>", "<d:displayname/><c:calendar-data/>")
        )
    )
    assert found.href == "/cal/a.ics"
    assert found.status is None
    assert found.text(names.GETETAG) == '"1"'
    assert found.text(names.DISPLAYNAME) == ""
    assert found.refused == {names.DISPLAYNAME: 404, names.CALENDAR_DATA: 404}


def test_a_status_may_stand_for_several_resources() -> None:
    document = multistatus(
        "<d:response><d:href>/a</d:href><d:href> /b\n</d:href><d:status>HTTP/1.1 403 No</d:status>"
        "<d:error><!-- why --><d:need-privileges/></d:error><d:responsedescription>x</d:responsedescription>"
        "</d:response>"
    )
    assert [(each.href, each.status, each.condition) for each in parse(document)] == [
        ("/a", 403, "need-privileges"),
        ("/b", 403, "need-privileges"),
    ]


def test_an_empty_error_element_and_odd_statuses_are_no_trouble() -> None:
    document = multistatus(
        "<d:response><d:href/><d:status>200</d:status><d:error/></d:response>",
        "<d:response><d:href>/b</d:href><d:propstat><d:prop><d:getetag>1</d:getetag></d:prop></d:propstat></d:response>",
        "<d:response><d:href>/c</d:href><d:status/></d:response>",
    )
    first, second, third = parse(document)
    assert (first.href, first.status, first.condition) == ("", None, "")
    assert second.text(names.GETETAG) == "1"
    assert third.status is None


@given(st.integers(1, 400))
@example(1)
def test_pieces_of_any_size_give_the_same_responses(piece: int) -> None:
    document = multistatus(listed("a.ics"), refused("/cal/b.ics", 404), listed("ü.ics", '"2"'))
    assert parse(document, piece=piece) == parse(document)
    assert len(parse(document)) == 3


@given(st.lists(xml_text.map(lambda text: text.replace("\r", "")), min_size=1, max_size=5))
def test_calendar_data_gets_its_line_ends_back(lines: list[str]) -> None:
    content = "\r\n".join(line.replace("\n", "") for line in lines).encode()
    assert data_of(multistatus(with_data("/cal/a.ics", content))) == content


def test_raw_carriage_returns_are_lost_in_xml_and_put_back() -> None:
    document = multistatus(response("/a", "<c:calendar-data>BEGIN:VCALENDAR\r\nX:1\r\n</c:calendar-data>"))
    assert data_of(document) == b"BEGIN:VCALENDAR\r\nX:1\r\n"


def test_carriage_returns_written_as_references_are_exact() -> None:
    document = multistatus(response("/a", "<c:calendar-data>A&#13;\nB\nC&#13;D</c:calendar-data>"))
    assert data_of(document) == b"A\r\nB\nC\rD"


def test_calendar_data_may_be_cdata_in_pieces_with_comments() -> None:
    document = multistatus(response("/a", "<c:calendar-data><![CDATA[A&<]]>B<!-- x -->C<?pi?>D\n</c:calendar-data>"))
    assert data_of(document) == b"A&<BCD\r\n"


def test_markup_inside_calendar_data_does_not_hide_the_text() -> None:
    document = multistatus(response("/a", "<c:calendar-data>A<x>B</x>C</c:calendar-data>"))
    assert data_of(document) == b"ABC"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
def test_the_document_says_its_encoding(encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?><d:multistatus {NAMESPACES}>{response("/ü")}</d:multistatus>'
    assert [each.href for each in parse(text.encode(encoding))] == ["/ü"]


def test_an_empty_multistatus_is_one() -> None:
    assert parse(multistatus()) == []


@pytest.mark.parametrize(
    "document",
    [
        b"<html><body>Sign in</body></html>",
        b"<d:error xmlns:d='DAV:'/>",
        b"{}",
        b"\x00\x01\x02",
        multistatus(listed("a.ics")) + b"<br/>Warning: cannot modify header",
        multistatus(response("/a", "<c:calendar-data>a\x01b</c:calendar-data>")),
        multistatus(response("/a", "<c:calendar-data>a&#1;b</c:calendar-data>")),
        multistatus(response("/a", "&undefined;")),
        multistatus(response("/a", "<d:x></d:y>")),
        b"<multistatus><response><href>/a</href></response></multistatus>",
        f"<d:x {NAMESPACES}><d:multistatus>{response('/a')}</d:multistatus></d:x>".encode(),
        f"<d:x {NAMESPACES}>{response('/a')}</d:x>".encode(),
        multistatus(response("/a", "<d:y>" * 70 + "</d:y>" * 70)),
        multistatus(response("/a", "<d:y>" * 5000 + "</d:y>" * 5000)),
    ],
)
def test_garbage_is_refused(document: bytes) -> None:
    with pytest.raises(NotMultistatus):
        parse(document)


@given(st.data())
def test_a_document_that_is_cut_is_never_taken_for_whole(data: st.DataObject) -> None:
    document = multistatus(listed("a.ics"), listed("b.ics"))
    cut = data.draw(st.integers(0, len(document) - 1))
    with pytest.raises(NotMultistatus):
        parse(document[:cut])


def test_a_cut_is_told_from_garbage() -> None:
    with pytest.raises(Incomplete):
        parse(multistatus(listed("a.ics"))[:-5])
    with pytest.raises(Incomplete):
        parse(b"")


@given(st.binary(max_size=300), st.integers(0, 400))
def test_damaged_documents_raise_nothing_else(noise: bytes, position: int) -> None:
    document = multistatus(listed("a.ics"), listed("b.ics"))
    damaged = document[:position] + noise + document[position + len(noise) :]
    try:
        found = parse(damaged)
    except NotMultistatus:
        return
    assert len(found) <= 40


@pytest.mark.parametrize(
    "declaration",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">',
        "<!DOCTYPE x>",
    ],
)
@pytest.mark.parametrize("inside", ["", "&a;"])
def test_document_types_and_entities_are_refused(declaration: str, inside: str) -> None:
    document = f"{declaration}<d:multistatus {NAMESPACES}>{response('/a', f'<d:x>{inside}</d:x>')}</d:multistatus>"
    with pytest.raises(NotMultistatus):
        parse(document.encode())


def test_elements_called_response_inside_properties_are_no_responses() -> None:
    inner = "<d:x><d:response><d:href>/inner</d:href></d:response><d:multistatus/></d:x>"
    document = multistatus(response("/outer", inner), listed("b.ics"))
    assert [each.href for each in parse(document)] == ["/outer", "/cal/b.ics"]
    with pytest.raises(Incomplete):
        parse(document[:-5])


def test_sizes_are_bounded() -> None:
    with pytest.raises(NotMultistatus, match="more than 2 responses"):
        parse(multistatus(*[listed(f"{number}.ics") for number in range(3)]), limits=dav.Limits(responses=2))
    huge = response("/a", "<d:x>" + "y" * 300_000 + "</d:x>")
    with pytest.raises(NotMultistatus, match="too large"):
        parse(multistatus(huge), limits=dav.Limits(response=200_000))
    assert len(parse(multistatus(huge, huge, huge), limits=dav.Limits(response=400_000))) == 3


def test_a_text_above_the_parsers_own_limit_is_refused_and_not_cut() -> None:
    document = multistatus(with_data("/a", b"BEGIN:VCALENDAR\r\n" + b"x" * 10_000_001))
    with pytest.raises(NotMultistatus):
        parse(document)
