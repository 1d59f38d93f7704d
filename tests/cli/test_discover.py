from __future__ import annotations

from collections.abc import Iterator

import pytest

from caldav_backup.cli.discover import owner_name, plain_rights
from caldav_backup.dav import Principal
from tests.cli.conftest import Program
from tests.events import events
from tests.servers.scripted import Account, Answer, ScriptedServer, scripted
from tests.servers.scripted_xml import CALDAV, CALENDARSERVER, DAV, href_in

FEED = "https://feeds.example/private-f00d/basic.ics"


def account() -> Account:
    """Alice with a calendar, an inbox, an outbox, a subscription, and a calendar that Bob has delegated to her."""
    alice = Account()
    alice.collection(
        alice.principal,
        {f"{DAV}displayname": "Alice A.", f"{CALENDARSERVER}calendar-proxy-read-for": href_in("/principals/bob/")},
    )
    alice.calendar("work", events(3))
    for box in ("inbox", "outbox"):
        alice.collection(f"{alice.home}{box}/", {f"{DAV}resourcetype": f"<d:collection/><c:schedule-{box}/>"})
    alice.collection(f"{alice.home}more/", {f"{DAV}resourcetype": "<d:collection/><c:schedule-inbox/>"})
    subscribed = {f"{DAV}resourcetype": "<d:collection/><cs:subscribed/>", f"{CALENDARSERVER}source": href_in(FEED)}
    alice.collection(f"{alice.home}feed/", subscribed)
    kind = {f"{DAV}resourcetype": "<d:collection/><d:principal/>"}
    alice.collection("/principals/bob/", kind | {f"{CALDAV}calendar-home-set": href_in("/calendars/bob/")})
    alice.collection("/calendars/bob/", {f"{DAV}resourcetype": "<d:collection/>"})
    read_only = {
        f"{DAV}owner": href_in("/principals/bob/"),
        f"{DAV}current-user-privilege-set": "<d:privilege><d:read/></d:privilege>",
    }
    alice.calendar("plan", events(1), properties=read_only, home="/calendars/bob/")
    return alice


@pytest.fixture
def server(cli: Program) -> Iterator[ScriptedServer]:
    with scripted(account()) as running:
        cli("source", "add", "me", running.url, "username=alice", f"password={running.account.password}")
        yield running


def test_calendars_are_told_with_owner_and_rights_and_the_rest_with_its_reason(
    cli: Program, server: ScriptedServer
) -> None:
    ended = cli("discover")
    assert (ended.code, ended.err) == (0, "")
    tables = [[line.split("  ") for line in block.splitlines()] for block in ended.out.split("\n\n")]
    calendars, left_out = ([[cell.strip() for cell in row if cell] for row in table] for table in tables)
    assert calendars == [
        ["CALENDAR", "NAME", "EVENTS", "COMPONENTS", "RIGHTS", "OWNER"],
        ["work", "work", "3", "VEVENT VTODO", "read write", "Alice A."],
        ["plan", "plan", "1", "VEVENT VTODO", "read", "bob"],
    ]
    assert left_out == [
        ["LEFT OUT", "WHY"],
        ["inbox, more", "an inbox for invitations"],
        ["outbox", "an outbox for invitations"],
        [
            "feed (https://feeds.example/private-***/basic.ics)",
            "a subscription to a calendar elsewhere, whose events are not kept here",
        ],
    ]


def test_programs_get_hrefs_and_reasons_and_no_private_address(cli: Program, server: ScriptedServer) -> None:
    ended = cli("discover", "@me", "--json")
    result = ended.document["result"]
    assert result["principal"] == {"href": "/principals/alice/", "displayname": "Alice A."}
    assert [(each["path"], each["owner"], each["owner_name"]) for each in result["calendars"]] == [
        ("/calendars/alice/work/", "/principals/alice/", "Alice A."),
        ("/calendars/bob/plan/", "/principals/bob/", "bob"),
    ]
    assert [each["source"] for each in result["left_out"]] == [
        *[None] * 3,
        "https://feeds.example/private-***/basic.ics",
    ]
    assert (result["unreadable"], "f00d" in ended.out) == ([], False)


def test_a_home_that_cannot_be_read_is_trouble(cli: Program, server: ScriptedServer) -> None:
    server.rule = lambda asked: Answer(status=500) if asked.path == "/calendars/bob/" else None
    ended = cli("discover", "@me")
    assert ended.code == 3
    assert ended.err.startswith("caldav-backup: /principals/bob/: delegated calendars: PROPFIND /calendars/bob/: 500")
    assert [each["path"] for each in cli("discover", "--json").document["result"]["unreadable"]] == ["/principals/bob/"]


def test_a_calendar_that_cannot_be_listed_is_trouble(cli: Program, server: ScriptedServer) -> None:
    server.rule = lambda asked: Answer(status=403) if asked.path == "/calendars/bob/plan/" else None
    ended = cli("discover", "@me")
    assert (ended.code, len(ended.err.splitlines())) == (3, 1)
    assert "/calendars/bob/plan/: " in ended.err and "403" in ended.err


ALICE = Principal("/p/alice/", "https://h/p/alice/", "Alice A.")


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        ("", ""),
        ("/p/alice", "Alice A."),
        ("/principals/users/b%C3%B6b/", "böb"),
        ("/12345/principal/", "12345"),
        ("mailto:bob@firm.org", "mailto:bob@firm.org"),
        ("/", "/"),
    ],
)
def test_owners_have_names(owner: str, name: str) -> None:
    assert owner_name(owner, ALICE) == name
    assert owner_name("/p/carol/", None) == "carol"


@pytest.mark.parametrize(
    ("rights", "plain"),
    [
        (["all"], "read write"),
        (["read", "read-acl", "bind"], "read write"),
        (["read-free-busy", "read"], "read"),
        (["read-free-busy"], "free/busy"),
        (["write-content"], "write"),
        ([], ""),
    ],
)
def test_rights_are_told_as_what_one_may_do(rights: list[str], plain: str) -> None:
    assert plain_rights(rights) == plain
