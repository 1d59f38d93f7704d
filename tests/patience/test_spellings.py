"""Answers that are right and written in an unusual way: encodings, prefixes, types, framing, order."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable

import pytest

from tests.events import event, events
from tests.patience.runs import SIGNALS, Nights, served
from tests.servers.scripted import Account, Answer, Framing, scripted
from tests.servers.scripted_dav import Asked, CalDav
from tests.servers.scripted_xml import Multistatus

pytestmark = pytest.mark.full

_DECLARED = 'encoding="utf-8"'


def account() -> Account:
    made = Account()
    calendar = made.calendar("work", events(3), properties={"{DAV:}displayname": "Grüße &amp; Küsse"}, lacks=SIGNALS)
    calendar.put("umlaut.ics", event(5, summary="Grüße ÿ").content)
    return made


def as_utf8_with_bom(xml: str) -> bytes:
    return codecs.BOM_UTF8 + xml.encode()


def as_utf16(xml: str) -> bytes:
    return xml.replace(_DECLARED, 'encoding="utf-16"').encode("utf-16")


def as_latin1(xml: str) -> bytes:
    return xml.replace(_DECLARED, 'encoding="iso-8859-1"').encode("iso-8859-1")


def as_ascii(xml: str) -> bytes:
    return xml.encode("ascii", "xmlcharrefreplace")


def without_declaration(xml: str) -> bytes:
    return xml.partition("?>")[2].strip().encode()


def with_other_prefixes(xml: str) -> bytes:
    xml = re.sub(r"(</?)d:", r"\1", xml).replace("xmlns:d=", "xmlns=")
    return re.sub(r"(</?)c:", r"\1d:", xml).replace("xmlns:c=", "xmlns:d=").encode()


def in_cdata(xml: str) -> bytes:
    return re.sub(r"(<c:calendar-data>)(.*?)(</c:calendar-data>)", r"\1<![CDATA[\2]]>\3", xml, flags=re.DOTALL).encode()


def with_comments(xml: str) -> bytes:
    return xml.replace("<d:prop>", "<!-- c --><?php echo ?><d:prop>").replace("<d:href>", "<d:href>\n  ").encode()


def indented(xml: str) -> bytes:
    return re.sub(r">(?=<)", ">\n\t  ", xml).encode()


def with_carriage_returns_spelled_out(xml: str) -> bytes:
    """sabre/dav 4 and others write `&#13;`, which is exact."""
    return xml.replace("\r\n", "&#13;\n").encode()


def with_line_feeds_only(xml: str) -> bytes:
    return xml.replace("\r\n", "\n").encode()


def with_more_elements(xml: str) -> bytes:
    more = '<d:responsedescription>fine</d:responsedescription><x:y xmlns:x="urn:x"><d:response/></x:y>'
    return xml.replace("</d:response>", f"{more}</d:response>").encode()


def with_empty_propstats(xml: str) -> bytes:
    empty = "<d:propstat><d:prop/><d:status>HTTP/1.1 403 Forbidden</d:status></d:propstat>"
    return xml.replace("</d:href><d:propstat>", f"</d:href>{empty}<d:propstat>").encode()


def with_bare_statuses(xml: str) -> bytes:
    return xml.replace("HTTP/1.1 200 OK", "HTTP/2 200").encode()


SPELLINGS = [
    as_utf8_with_bom,
    as_utf16,
    as_latin1,
    as_ascii,
    without_declaration,
    with_other_prefixes,
    in_cdata,
    with_comments,
    indented,
    with_carriage_returns_spelled_out,
    with_line_feeds_only,
    with_more_elements,
    with_empty_propstats,
    with_bare_statuses,
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_way_to_write_an_answer_is_read(nights: Nights, spelling: Callable[[str], bytes]) -> None:
    made = account()
    honest = CalDav(made)

    def rule(asked: Asked) -> Answer | None:
        multistatus = honest.answer(asked).multistatus
        return Answer(body=spelling(multistatus.to_xml().decode())) if multistatus is not None else None

    with scripted(made, rule) as server:
        night = nights.backup(server)
        assert nights.backup(server).outcome.fetched == 0
    assert not night.outcome.failures and nights.stored() == served(made)
    assert nights.newest.extended_attributes("/work")["user.caldav.displayname"].decode() == "Grüße & Küsse"


@pytest.mark.parametrize(
    "content_type", ["text/xml", "application/xml", "text/plain", "application/octet-stream", "", "///"]
)
@pytest.mark.parametrize("status", [200, 207])
def test_the_content_type_of_an_answer_decides_nothing(nights: Nights, content_type: str, status: int) -> None:
    def rule(asked: Asked) -> Answer | None:
        named = {"Content-Type": content_type or None}
        return Answer(headers=named) if asked.method == "GET" else Answer(headers=named, status=status)

    with scripted(account(), rule) as server:
        assert not nights.backup(server).outcome.failures
    assert nights.stored() == served(account())


@pytest.mark.parametrize("framing", Framing)
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_every_framing_is_read(nights: Nights, framing: Framing, packed: bool) -> None:
    with scripted(account(), lambda _: Answer(framing=framing, gzip=packed)) as server:
        assert not nights.backup(server).outcome.failures
    assert nights.stored() == served(account())


def test_members_may_come_in_any_order_and_the_collection_last(nights: Nights) -> None:
    def backwards(found: Multistatus) -> Multistatus:
        return found._replace(members=list(reversed(found.members)))

    with scripted(account(), lambda _: Answer(alter=backwards)) as server:
        assert not nights.backup(server).outcome.failures
    assert nights.stored() == served(account())
