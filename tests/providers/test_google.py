"""Google Calendar's CalDAV v2, as its guide and its users describe it.

Sources: https://developers.google.com/workspace/calendar/caldav/v2/guide (addresses: `/caldav/v2/CALID/user` is the
principal, `/caldav/v2/CALID/events` the calendar), https://developers.google.com/workspace/calendar/api/guides/errors
(403 with `rateLimitExceeded`), https://github.com/pimutils/vdirsyncer/issues/568 (hrefs, ETags and types in listings),
https://github.com/pimutils/vdirsyncer/issues/1007 (`ID_R…@google.com.ics` is listed and answers 404),
https://github.com/aluxnimm/outlookcaldavsynchronizer/issues/114 (the body of such a 404).
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from caldav_backup.dav import TooManyRequests
from tests.events import event, events
from tests.patience.runs import Nights
from tests.providers.by_name import assert_quiet, back_up_from
from tests.servers.scripted import Account, Answer, ScriptedServer, scripted
from tests.servers.scripted_rules import any_rule, each_member, gets, reports, when
from tests.servers.scripted_xml import DAV, Member

pytestmark = pytest.mark.full

URL = "https://apidata.googleusercontent.com/caldav/v2/alice%40example.com/user"
LOST = "idj879l08i1jpn7i5j4qm0g4qs_R20211026T130000@google.com.ics"
NOT_FOUND = Answer(
    status=404,
    body=b'<?xml version="1.0" encoding="UTF-8"?>\n<errors xmlns="http://schemas.google.com/g/2005">\n <error>\n'
    b"  <domain>GData</domain>\n  <code>notFound</code>\n  <internalReason>Not Found</internalReason>\n"
    b" </error>\n</errors>\n",
)
QUOTA = b'{"error": {"code": 403, "errors": [{"domain": "usageLimits", "reason": "rateLimitExceeded"}]}}'


def as_google(member: Member) -> Member:
    """No lengths and times, a type that names the component."""
    if f"{DAV}getcontenttype" in member.found:
        member = member.with_property(f"{DAV}getcontenttype", "text/calendar; component=vevent")
    return member.without(f"{DAV}getlastmodified", f"{DAV}getcontentlength")


def lose(member: Member) -> Member:
    return member.failing(404) if member.href.endswith(LOST) else as_google(member)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    home = "/caldav/v2/alice%40example.com/"
    account = Account(root="/caldav/v2/", principal=f"{home}user", home=home)
    own = account.calendar("events", properties={f"{DAV}displayname": "alice@example.com"})
    for number in range(3):
        own.put(
            f"{number}gtl3bl8tgh3aea7dktub1suhc%40google.com.ics", event(number).content, etag=f'"6362277281{number}"'
        )
    own.put(LOST, event(9).content, etag='"63622772899"')
    team = account.calendar("events", events(2, 20), home="/caldav/v2/c_1a2b%40group.calendar.google.com/")
    account.at(home).guests.append(team)
    rule = any_rule(
        when(gets(LOST), NOT_FOUND),
        when(reports(), each_member(lose)),
        lambda asked: each_member(as_google) if asked.method == "PROPFIND" and asked.depth == "1" else None,
    )
    with scripted(account, rule) as server:
        yield server


def test_calendars_are_named_by_their_ids_as_their_addresses_all_end_alike(
    nights: Nights, server: ScriptedServer
) -> None:
    night = back_up_from(nights, server, URL)
    assert night.outcome.calendars == 2
    directories = {path.split("/")[1] for path in nights.stored()}
    assert directories == {"alice@example.com", "c_1a2b@group.calendar.google.com"}
    assert_quiet(nights, server, URL)


def test_an_event_that_is_listed_and_not_there_is_a_warning_and_never_a_failure(
    nights: Nights, server: ScriptedServer
) -> None:
    for _ in range(2):
        night = back_up_from(nights, server, URL)
        assert [path for path, _ in night.outcome.warnings] == [f"/alice@example.com/{LOST}"]
        assert list(night.outcome.failures) == []
    assert len(nights.stored()) == 5


def test_a_used_up_quota_is_waited_for_and_is_no_missing_right(nights: Nights, server: ScriptedServer) -> None:
    honest = server.rule
    server.rule = any_rule(when(reports(), Answer(status=403, body=QUOTA), times=2), honest)
    night = back_up_from(nights, server, URL)
    assert list(night.outcome.failures) == [] and len(nights.stored()) == 5


def test_a_quota_that_stays_used_up_ends_the_run_and_says_so(nights: Nights, server: ScriptedServer) -> None:
    honest = server.rule
    server.rule = any_rule(when(reports(), Answer(status=403, body=QUOTA)), honest)
    with pytest.raises(TooManyRequests, match="rateLimitExceeded"):
        back_up_from(nights, server, URL)
