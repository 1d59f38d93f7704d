"""DavMail before Exchange: names that end in .EML, ETags that are times without quotes, folded case, no change log.

Sources: https://github.com/pimutils/vdirsyncer/issues/246 (hrefs, ETags), https://github.com/pimutils/vdirsyncer/pull/146
(case), https://github.com/pimutils/vdirsyncer/issues/491 (`%3D` in hrefs), https://davmail.sourceforge.net/faq.html
(addresses below `/users/ADDRESS/calendar/`).
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.events import event
from tests.patience.runs import Nights
from tests.providers.by_name import assert_quiet, back_up_from
from tests.servers.scripted import Account, Answer, Asked, ScriptedServer, scripted
from tests.servers.scripted_rules import any_rule, each_member, gets, when
from tests.servers.scripted_xml import CALENDARSERVER, DAV, Member

pytestmark = pytest.mark.full

HOME = "/users/Alice.Example@example.com/"
URL = f"http://localhost:1080{HOME}calendar/"
STEM = "AAMkADE4OTc1NWQxLTVmZWEtNDQwYy1hMjhhLWU4OGYxNTNkZGFkMABGAAAAAADLRzaeCK5sTZAv9HtIoyqnBwBk_qIbjyBNQb4ofLiZzv"


def name(number: int) -> str:
    return f"{STEM}{number}AAA%3D.EML"


def folded(member: Member) -> Member:
    """The account's part of an href comes back in lower case."""
    member = member._replace(href=member.href.replace("Alice.Example", "alice.example"))
    if f"{DAV}getcontenttype" in member.found:
        member = member.with_property(f"{DAV}getcontenttype", "text/calendar; component=vevent")
    return member.without(f"{DAV}getcontentlength", f"{DAV}getlastmodified")


def as_davmail(asked: Asked) -> Answer | None:
    if asked.is_report("sync-collection"):
        return Answer(status=501)
    return Answer() if asked.method == "GET" else each_member(folded)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    account = Account(root="/", principal="/principals/users/Alice.Example@example.com/", home=HOME, folds_case=True)
    calendar = account.calendar("calendar", lacks=[f"{DAV}sync-token", f"{CALENDARSERVER}getctag"])
    for number in range(5):
        calendar.put(name(number), event(number).content, etag=f"2015-07-27T14:29:5{number}Z")
    with scripted(account, as_davmail) as server:
        yield server


def test_events_with_the_names_of_mails_are_stored_as_calendars(nights: Nights, server: ScriptedServer) -> None:
    night = back_up_from(nights, server, URL)
    assert list(night.outcome.failures) == [] and night.outcome.records == 5
    assert sorted(nights.stored().values()) == sorted(event(number).content for number in range(5))
    assert all(path.endswith("AAA=.EML.ics") for path in nights.stored())
    assert_quiet(nights, server, URL)


def test_a_change_is_fetched_once_and_only_it(nights: Nights, server: ScriptedServer) -> None:
    back_up_from(nights, server, URL)
    calendar = server.account.at(f"{HOME}calendar")
    for number in (1, 2):
        calendar.put(name(number), event(number, summary="moved").content, etag=f"2016-07-27T14:29:5{number}Z")
    assert back_up_from(nights, server, URL).outcome.fetched == 2
    assert_quiet(nights, server, URL)


def test_one_malformed_item_costs_itself_only(nights: Nights, server: ScriptedServer) -> None:
    """Exchange holds items that DavMail cannot convert: 500 for the batch, and for the item."""

    def halves(asked: Asked) -> Answer | None:
        return Answer(status=500) if asked.is_report() and name(3).encode() in asked.body else None

    server.rule = any_rule(halves, when(gets(name(3)), Answer(status=500)), as_davmail)
    night = back_up_from(nights, server, URL)
    assert len(night.outcome.failures) == 1 and len(nights.stored()) == 4
