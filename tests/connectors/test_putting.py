"""What servers answer to a record that they do not take, and what it means for the restore."""

from __future__ import annotations

import pytest

from caldav_backup.connectors.destination import DestinationNotWritable, Refused, Taken, UidTaken, Written
from caldav_backup.connectors.putting import Putter
from tests.connectors.playing import HREF, Played, error, put, refusing, run, seen
from tests.events import event

OTHER = "/cal/other/b.ics"
SABRE = (
    '<d:error xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns"><s:exception>Sabre\\DAV\\Exception\\BadRequest'
    "</s:exception><s:message>{}</s:message></d:error>"
)


@pytest.mark.parametrize(
    ("name", "status", "text", "key"),
    [
        (
            "cyrus",  # 3.6.1
            403,
            error(
                f"<c:unique-scheduling-object-resource><d:href>{OTHER}</d:href></c:unique-scheduling-object-resource>"
            ),
            OTHER,
        ),
        (
            "",  # RFC 4791 §5.3.2.1
            409,
            error(f"<c:no-uid-conflict><d:href>https://host.example{OTHER}</d:href></c:no-uid-conflict>"),
            OTHER,
        ),
        ("radicale", 409, error("<c:no-uid-conflict/>"), ""),  # 3.9.0
        ("xandikos", 412, error("<c:no-uid-conflict/><d:responsedescription>x</d:responsedescription>"), ""),  # 0.4.10
        ("sogo", 409, '<D:error xmlns:D="DAV">Event UID already in use. (u1)</D:error>', ""),  # 5.8.0
        ("nextcloud", 400, SABRE.format("Calendar object with uid already exists in this calendar collection."), ""),
        ("icloud", 412, "", ""),
        ("icloud", 403, "", ""),
        ("google", 409, '<D:error xmlns:D="DAV:"/>', ""),
    ],
)
def test_a_taken_uid_is_known_by_every_spelling(name: str, status: int, text: str, key: str) -> None:
    outcome = put(Played(refusing(status, text)), name)
    assert isinstance(outcome, UidTaken)
    assert outcome.key == key
    assert "has its UID" in outcome.reason
    assert str(status) in outcome.reason


def test_a_uid_in_nextclouds_trash_bin_is_said_to_be_there() -> None:
    text = SABRE.format("Deleted calendar object with uid already exists in this calendar collection.")
    outcome = put(Played(refusing(400, text)), "nextcloud")
    assert isinstance(outcome, UidTaken)
    assert "trash bin" in outcome.reason


@pytest.mark.parametrize("named", [f"<d:href>{HREF}</d:href>", ""])
def test_an_object_that_would_get_another_uid_is_no_uid_that_is_taken(named: str) -> None:
    """Cyrus 3.6.1 with an href, Radicale 3.9.0 without."""
    played = Played(refusing(409, error(f"<c:no-uid-conflict>{named}</c:no-uid-conflict>")))
    etag = played.put(HREF, event(2).content)
    outcome = put(played, replaced=seen(etag))
    assert isinstance(outcome, Taken)
    assert "another UID" in outcome.reason


@pytest.mark.parametrize(
    ("name", "status", "text", "for_its_form"),
    [
        ("cyrus", 403, error("<c:valid-calendar-data/>"), True),
        ("cyrus", 403, error("<c:valid-calendar-object-resource/>"), True),
        ("xandikos", 412, error("<c:valid-calendar-data/>"), True),
        ("", 403, error("<c:supported-calendar-data/>"), True),
        ("", 403, "Invalid iCalendar: RRULE", True),
        ("radicale", 400, "Bad Request", True),
        ("sabredav", 415, SABRE.format("This resource only supports valid iCalendar 2.0 data."), True),
        ("sabredav", 500, "", True),
        ("davical", 412, "No calendar content", True),
        ("", 412, "No calendar content", True),
        ("sogo", 501, "", True),
        ("sogo", 404, '<D:error xmlns:D="DAV">the requested object could not be found!</D:error>', True),
        ("google", 400, '<D:error xmlns:D="DAV:"/>', True),
        ("sogo", 404, "object not found: user1 =&gt; Calendar =&gt; nocal =&gt; v.ics", False),
        ("", 404, "", False),
        ("sabredav", 403, error("<c:supported-calendar-component/>"), False),
        ("", 403, error("<c:max-resource-size/>"), False),
        ("", 403, error("<c:max-attendees-per-instance/>"), False),
        ("", 413, "", False),
        ("radicale", 412, "Precondition failed.", False),  # larger than its limit
        ("sogo", 412, '<D:error xmlns:D="DAV">Precondition Failed</D:error>', False),  # another user is the organizer
        ("", 403, "", False),
        ("", 409, "Conflict in the request.", False),
        ("", 405, "", False),
        ("", 507, error("<d:quota-not-exceeded/>"), False),
        ("cyrus", 500, "<h1>Internal Server Error</h1><p>Over quota</p>", False),
    ],
)
def test_only_what_is_wrong_with_the_object_itself_is_worth_another_form(
    name: str, status: int, text: str, for_its_form: bool
) -> None:
    outcome = put(Played(refusing(status, text)), name)
    assert isinstance(outcome, Refused)
    assert outcome.for_its_form is for_its_form
    assert HREF in outcome.reason


def test_no_uid_is_taken_by_an_object_without_one() -> None:
    played = Played(refusing(409, '<D:error xmlns:D="DAV">Event UID already in use. ()</D:error>'))
    content = event(1).content.replace(b"UID:" + event(1).uid.encode() + b"\r\n", b"")
    assert put(played, "sogo", content=content) == Refused(
        "another object of the account has its UID: PUT /cal/a.ics: 409 it conflicts with what is there; "
        "Event UID already in use. ()",
        for_its_form=True,
    )


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("radicale", ["PUT", "GET"]),
        ("sogo", ["PROPFIND", "PUT", "GET"]),
        ("", ["PUT", "GET", "PUT"]),
        ("google", ["PROPFIND", "PUT", "GET", "PUT"]),
    ],
)
def test_only_a_server_that_may_not_know_if_none_match_is_sent_the_object_without(name: str, asked: list[str]) -> None:
    """Radicale 3.9.0 takes ten seconds over ten megabytes."""
    played = Played(refusing(412))
    put(played, name)
    assert played.methods == asked


FULL = (507, error("<d:quota-not-exceeded/>"))


@pytest.mark.parametrize(
    ("status", "text"),
    [FULL, (507, ""), (403, FULL[1]), (403, error("<d:sufficient-disk-space/>")), (500, "<p>Over quota</p>")],
)
def test_a_full_account_refuses_each_record_until_three_in_a_row_were_refused(status: int, text: str) -> None:
    played = Played(refusing(status, text))
    putter = Putter(played.client())

    async def story() -> None:
        for _ in range(2):
            outcome = await putter.put(HREF, event(1).content, None, {})
            assert isinstance(outcome, Refused)
            assert str(status) in outcome.reason
        played.rule = lambda _: None
        assert isinstance(await putter.put("/cal/small.ics", event(2).content, None, {}), Written)
        played.rule = refusing(*FULL)
        for _ in range(2):
            assert isinstance(await putter.put(HREF, event(1).content, None, {}), Refused)
        with pytest.raises(DestinationNotWritable, match="the account is full"):
            await putter.put(HREF, event(1).content, None, {})

    run(story())


def test_large_records_that_find_no_room_do_not_end_what_smaller_ones_may_have() -> None:
    played = Played(refusing(*FULL))
    putter = Putter(played.client())
    large = event(1).content.replace(b"SUMMARY:", b"DESCRIPTION:" + b"x" * 20_000 + b"\r\nSUMMARY:")

    async def story() -> None:
        for _ in range(9):
            assert isinstance(await putter.put(HREF, large, None, {}), Refused)

    run(story())
