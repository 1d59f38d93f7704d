"""Multigets that come back wrong as a whole: every event is stored once, with its own bytes, by whatever other way."""

from __future__ import annotations

import pytest

from tests.events import event, events
from tests.patience.runs import SIGNALS, Nights, served
from tests.servers.scripted import Account, Answer, Asked, Framing, Rule, scripted
from tests.servers.scripted_rules import each_member, reports, then_members, when
from tests.servers.scripted_xml import CALDAV, DAV, Member, text

pytestmark = pytest.mark.full

FOREIGN = [
    Member(href, {f"{DAV}getetag": '"foreign"', f"{CALDAV}calendar-data": text(event(99).content)})
    for href in ("/calendars/bob/work/x.ics", "/calendars/alice/work/unasked.ics", "/calendars/alice/work/", "")
]

WRONG = {
    "cut": Answer(cut=3000),
    "cut-and-no-length": Answer(cut=3000, framing=Framing.CLOSE),
    "cut-in-a-chunk": Answer(cut=3000, framing=Framing.CHUNKED),
    "not-well-formed": Answer(body=b'<d:multistatus xmlns:d="DAV:"><d:response><d:href>/x</d:response>'),
    "404": Answer(status=404),
    "403": Answer(status=403),
    "400": Answer(status=400),
    "413": Answer(status=413),
    "500": Answer(status=500),
    "501": Answer(status=501),
    "nothing": then_members(lambda _: []),
    "every-member-404": each_member(lambda member: member.failing(404)),
    "foreign-members-besides": then_members(lambda members: [*FOREIGN, *members, *FOREIGN]),
    "foreign-members-only": then_members(lambda _: FOREIGN),
    "members-twice": then_members(lambda members: [*members, *members]),
    "members-twice-once-without-data": then_members(
        lambda members: [each.without(f"{CALDAV}calendar-data") for each in members] + list(members)
    ),
    "members-backwards": then_members(lambda members: list(reversed(members))),
    "absolute-hrefs": each_member(lambda each: each._replace(href=f"https://other.example:443{each.href}")),
    "escaped-hrefs": each_member(lambda each: each._replace(href=each.href.replace(".", "%2E").replace("-", "%2d"))),
    "hrefs-without-path": each_member(lambda each: each._replace(href=each.href.rpartition("/")[2])),
    "no-etags": each_member(lambda each: each.without(f"{DAV}getetag")),
    "no-lengths": each_member(lambda each: each.without(f"{DAV}getcontentlength")),
    "wrong-lengths": each_member(lambda each: each.with_property(f"{DAV}getcontentlength", "17")),
    "absurd-lengths": each_member(lambda each: each.with_property(f"{DAV}getcontentlength", "9" * 30)),
    "chunked": Answer(framing=Framing.CHUNKED),
    "gzip": Answer(gzip=True),
    "status-200": Answer(status=200),
}


@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG)
def test_every_event_is_stored_with_its_own_bytes_all_the_same(nights: Nights, answer: Answer) -> None:
    account = Account()
    account.calendar("work", events(9), lacks=SIGNALS)
    with scripted(account, when(reports(), answer)) as server:
        night = nights.backup(server)
        assert nights.stored() == served(account)
        assert (list(night.outcome.failures), list(night.outcome.warnings)) == ([], [])
        # What was learned by another way is known the next night all the same.
        assert nights.backup(server).outcome.fetched == 0
    assert nights.stored() == served(account)
    nights.assert_sound()


@pytest.mark.parametrize(
    "answer",
    [Answer(status=404), Answer(status=413), Answer(cut=100), Answer(body=b"<")],
    ids=["404", "413", "cut", "not-well-formed"],
)
def test_a_batch_that_is_refused_for_one_member_is_halved(nights: Nights, answer: Answer) -> None:
    """sabre/dav 1.8 answers 404 to a whole multiget for one missing member; DAViCal, Cyrus and SOGo never do."""
    bad = event(37).name

    def rule(asked: Asked) -> Answer | None:
        return answer if asked.is_report() and bad.encode() in asked.body else None

    account = Account()
    account.calendar("work", events(100))
    with scripted(account, rule) as server:
        night = nights.backup(server)
    assert nights.stored() == served(account) and not night.outcome.failures
    # 100, 50, 25, … down to one, each half that is well once; one GET. Cut answers are asked for again.
    assert len(server.requests("GET")) == 1
    assert len(server.requests("REPORT")) <= 2 * 7 * (4 if answer.cut or answer.body else 1)


def test_a_batch_too_large_for_the_server_is_made_smaller(nights: Nights) -> None:
    def at_most_ten(asked: Asked) -> Answer | None:
        return Answer(status=507) if asked.is_report() and asked.body.count(b"href>") > 2 * 10 else None

    account = Account()
    account.calendar("work", events(100))
    with scripted(account, at_most_ten) as server:
        assert not nights.backup(server).outcome.failures
    assert nights.stored() == served(account)
    assert not server.requests("GET")


def fetched_by_get(asked: Asked) -> Answer | None:
    return Answer(status=403) if asked.is_report() else None


@pytest.mark.parametrize(
    "content", [b"a\r\nb", b"a\nb", b"a\r\nb\nc\n", b"a\rb\r\n"], ids=["crlf", "lf", "mixed", "cr"]
)
@pytest.mark.parametrize("rule", [lambda _: None, fetched_by_get], ids=["multiget", "get"])
def test_line_ends_are_stored_as_a_get_gives_them(nights: Nights, content: bytes, rule: Rule) -> None:
    account = Account()
    calendar = account.calendar("work", lacks=SIGNALS)
    calendar.put("odd.ics", b"BEGIN:VCALENDAR\r\nX:" + content + b"\r\nEND:VCALENDAR\r\n")
    calendar.put("plain.ics", event(1).content)
    with scripted(account, rule) as server:
        nights.backup(server)
    assert nights.stored() == served(account)
