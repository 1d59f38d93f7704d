"""Pages with status 200 where calendars should be: a captive portal, a proxy's error, a session that has ended."""

from __future__ import annotations

import pytest

from caldav_backup.connectors.base import CollectionUnreadable
from caldav_backup.dav import BadAnswer, DavError, NotCalDAV
from tests.events import event, events
from tests.patience.runs import Nights, served
from tests.servers.scripted import Account, Answer, Asked, scripted
from tests.servers.scripted_rules import Question, any_request, any_rule, lists, of, reports, when

pytestmark = pytest.mark.full

PAGE = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><p>please log in<br></body></html>"
PAGES = {
    "html": Answer(status=200, body=PAGE, headers={"Content-Type": "text/html"}),
    "html-207": Answer(status=207, body=PAGE, headers={"Content-Type": "text/html"}),
    "xhtml": Answer(
        status=200,
        body=b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><body>please log in</body></html>',
    ),
    "json": Answer(status=200, body=b'{"error": "please log in"}', headers={"Content-Type": "application/json"}),
    "text": Answer(status=200, body=b"please log in\n", headers={"Content-Type": "text/plain"}),
    "calendar": Answer(status=200, body=event(1).content, headers={"Content-Type": "text/calendar"}),
    "empty": Answer(status=200, body=b""),
    "empty-207": Answer(status=207, body=b""),
    "blanks": Answer(status=207, body=b" \r\n"),
    "other-xml": Answer(status=207, body=b'<d:error xmlns:d="DAV:"><d:please-log-in/></d:error>'),
    "no-namespace": Answer(status=207, body=b"<multistatus><response><href>/</href></response></multistatus>"),
}


def assert_nothing_of_a_page(nights: Nights) -> None:
    for content in nights.stored().values():
        assert b"please log in" not in content and content.startswith(b"BEGIN:VCALENDAR")


@pytest.mark.parametrize("answer", PAGES.values(), ids=PAGES)
def test_a_page_in_the_place_of_an_account_is_no_empty_account(nights: Nights, answer: Answer) -> None:
    with scripted(Account(), when(any_request, answer)) as server, pytest.raises((NotCalDAV, BadAnswer)):
        nights.backup(server)
    assert nights.snapshots == 0


@pytest.mark.parametrize("answer", PAGES.values(), ids=PAGES)
@pytest.mark.parametrize(
    "asks", [of("PROPFIND"), lists("alice"), lists("work"), lists("home")], ids=["all", "homes", "work", "home"]
)
def test_a_page_in_mid_run_changes_no_snapshot_and_deletes_nothing(
    nights: Nights, answer: Answer, asks: Question
) -> None:
    account = Account()
    account.calendar("home", events(3))
    account.calendar("work", events(4, 10))
    with scripted(account) as server:
        nights.backup(server)
        before = nights.stored()
        for calendar in account.collections.values():
            if calendar.is_calendar:
                calendar.put("new.ics", event(50).content)
        server.rule = when(asks, answer)
        try:
            night = nights.backup(server)
        except (DavError, CollectionUnreadable):
            assert nights.stored() == before
        else:
            assert night.outcome.failures
        assert_nothing_of_a_page(nights)
        server.rule = lambda _: None
        healed = nights.backup(server)
    assert not healed.outcome.failures and nights.stored() == served(account)
    nights.assert_sound()


@pytest.mark.parametrize("answer", PAGES.values(), ids=PAGES)
def test_a_page_in_the_place_of_events_is_stored_nowhere(nights: Nights, answer: Answer) -> None:
    """The one exception is a page that is a calendar: nobody can tell it from the event that was asked for."""
    account = Account()
    account.calendar("work", events(4))
    with scripted(account, any_rule(when(reports(), answer), when(of("GET"), answer))) as server:
        night = nights.backup(server)
    if answer is PAGES["calendar"]:
        assert set(nights.stored().values()) == {event(1).content}
        return
    assert len(night.outcome.failures) == 4 and nights.stored() == {}


def test_a_page_at_the_given_address_leads_on_to_the_well_known_one(nights: Nights) -> None:
    """Nextcloud's and SOGo's front pages answer a PROPFIND with their HTML."""
    account = Account(root="/dav/")
    account.calendar("work", events(2))

    def front_page(asked: Asked) -> Answer | None:
        return PAGES["html"] if asked.path == "/" else None

    with scripted(account, front_page) as server:
        nights.backup(server, server.origin + "/")
    assert nights.stored() == served(account)
