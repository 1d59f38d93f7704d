"""Nextcloud: everything that lies in a calendar home there and is no calendar of one's own.

Sources: https://github.com/nextcloud/server/pull/26083 (`deleted-at`, its own resource type, the trash bin),
https://docs.nextcloud.com/server/latest/user_manual/en/groupware/calendar.html (birthdays, subscriptions, shares),
https://github.com/nextcloud/server/blob/master/apps/dav/lib/CalDAV/AppCalendar/AppCalendar.php (`app-generated--…`),
https://github.com/nextcloud/server/blob/master/apps/dav/lib/CalDAV/CalDavBackend.php (`NAME_shared_by_OWNER`).
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.events import events
from tests.patience.runs import Nights
from tests.providers.by_name import assert_quiet, back_up_from
from tests.servers.scripted import Account, Answer, Asked, Framing, ScriptedServer, scripted
from tests.servers.scripted_xml import CALENDARSERVER, DAV

pytestmark = pytest.mark.full

URL = "https://cloud.example.org/remote.php/dav/"
HOME = "/remote.php/dav/calendars/alice/"
NEXTCLOUD = "{http://nextcloud.com/ns}"
READ_ONLY = "<d:privilege><d:read/></d:privilege><d:privilege><d:read-acl/></d:privilege>"
RIGHTS = f"{DAV}current-user-privilege-set"
FEED = "https://feeds.example.org/holidays.ics"


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    account = Account(root="/remote.php/dav/", principal="/remote.php/dav/principals/users/alice/", home=HOME)
    account.calendar("personal", events(3))
    shared = {
        f"{DAV}owner": "<d:href>/remote.php/dav/principals/users/bob/</d:href>",
        f"{DAV}displayname": "Team (Bob)",
        RIGHTS: READ_ONLY,
    }
    account.calendar("team_shared_by_bob", events(2, 20), properties=shared)
    account.calendar("contact_birthdays", events(2, 30), properties={RIGHTS: READ_ONLY})
    account.calendar("app-generated--deck--board-1", events(2, 40), properties={RIGHTS: READ_ONLY})
    deleted = '<d:collection/><x:deleted-calendar xmlns:x="http://nextcloud.com/ns"/>'
    account.calendar("old", events(2, 50), kinds=deleted, properties={f"{NEXTCLOUD}deleted-at": "2026-01-01T00:00:00Z"})
    account.calendar("older", events(2, 60), properties={f"{NEXTCLOUD}deleted-at": "2026-01-01T00:00:00Z"})
    source = {f"{CALENDARSERVER}source": f"<d:href>{FEED}</d:href>"}
    account.calendar("holidays", kinds="<d:collection/><cs:subscribed/>", properties=source, lacks=[])
    for name, kind in {
        "inbox": "<c:schedule-inbox/>",
        "outbox": "<c:schedule-outbox/>",
        "trashbin": '<x:trash-bin xmlns:x="http://nextcloud.com/ns"/>',
    }.items():
        account.collection(f"{HOME}{name}/", {f"{DAV}resourcetype": f"<d:collection/>{kind}"})
    with scripted(account) as server:
        yield server


def test_calendars_and_shares_are_read_and_all_else_is_left_out_with_its_reason(
    nights: Nights, server: ScriptedServer
) -> None:
    night = back_up_from(nights, server, URL)
    assert {path.split("/")[1] for path in nights.stored()} == {"personal", "team_shared_by_bob"}
    reasons = dict(night.outcome.left_out)
    assert len(reasons) == 8
    assert "trash" in reasons["old"] and "trash" in reasons["older"] and "trash" in reasons["trashbin"]
    assert "subscription" in reasons["holidays"]
    assert "server" in reasons["contact_birthdays"] and "server" in reasons["app-generated--deck--board-1"]
    assert_quiet(nights, server, URL)


def test_the_owner_and_the_rights_of_a_share_are_kept(nights: Nights, server: ScriptedServer) -> None:
    back_up_from(nights, server, URL)
    attributes = nights.newest.extended_attributes("/team_shared_by_bob")
    assert attributes["user.caldav.owner"] == b"/remote.php/dav/principals/users/bob/"
    assert attributes["user.caldav.rights"] == b"read,read-acl"


def test_a_calendar_of_ones_own_may_have_the_name_of_a_generated_one(nights: Nights, server: ScriptedServer) -> None:
    """What the server makes is read-only; a calendar that may be written is somebody's."""
    server.account.calendar("contact_birthdays", events(2, 30))
    back_up_from(nights, server, URL)
    assert "contact_birthdays" in {path.split("/")[1] for path in nights.stored()}


def test_a_calendar_put_into_the_trash_bin_is_gone_and_comes_back_unread(
    nights: Nights, server: ScriptedServer
) -> None:
    back_up_from(nights, server, URL)
    calendar = server.account.calendar("spare", events(2, 80))
    back_up_from(nights, server, URL)
    calendar.properties[f"{NEXTCLOUD}deleted-at"] = "2026-01-01T00:00:00Z"
    back_up_from(nights, server, URL)
    assert "spare" not in {path.split("/")[1] for path in nights.stored()}
    del calendar.properties[f"{NEXTCLOUD}deleted-at"]
    back_up_from(nights, server, URL)
    assert "spare" in {path.split("/")[1] for path in nights.stored()}


@pytest.mark.parametrize(
    "well_known",
    [
        Answer(status=404),
        Answer(status=301, headers={"Location": "http://cloud.example.org/remote.php/dav/"}),
        Answer(
            status=200, body=b"<html>Nextcloud</html>", framing=Framing.CHUNKED, headers={"Content-Type": "text/html"}
        ),
    ],
    ids=["404", "http", "page"],
)
def test_careless_proxies_before_it_do_no_harm(nights: Nights, server: ScriptedServer, well_known: Answer) -> None:
    def rule(asked: Asked) -> Answer | None:
        return well_known if asked.path == "/.well-known/caldav" else None

    server.rule = rule
    back_up_from(nights, server, URL)
    assert len(nights.stored()) == 5
