"""What the six real servers say of records that they do not take."""

from __future__ import annotations

import pytest

from caldav_backup import ics
from caldav_backup.connectors.calendar_limits import limits_of
from caldav_backup.connectors.destination import Refused, Taken, UidTaken, Written
from caldav_backup.connectors.products import recognise
from caldav_backup.connectors.putting import Putter
from tests.connectors.putters import client_of, content_of, putter_of, run
from tests.events import event
from tests.servers.server import Server, make_calendar

pytestmark = pytest.mark.full

#: Take a UID twice into one calendar: sabre/dav 1.8 (Nextcloud does not) and DAViCal 1.1.
TAKE_TWICE = {"sabredav", "davical"}


def test_a_uid_that_the_calendar_has_is_told_as_that(each_server: Server) -> None:
    url = make_calendar(each_server, "work")

    async def story() -> object:
        async with client_of(each_server) as client:
            putter = await putter_of(each_server, client)
            assert isinstance(await putter.put(f"{url}a.ics", event(1).content, None, {}), Written)
            return await putter.put(f"{url}b.ics", event(1).content, None, {})

    outcome = run(story())
    if each_server.name in TAKE_TWICE:
        assert isinstance(outcome, Written)
    else:
        assert isinstance(outcome, UidTaken)
        assert outcome.key.endswith("/work/a.ics") or each_server.name != "cyrus"


def test_only_cyrus_takes_a_uid_but_once_in_an_account(each_server: Server) -> None:
    urls = [make_calendar(each_server, name) for name in ("work", "home")]

    async def story() -> tuple[bool, object]:
        async with client_of(each_server) as client:
            product = await recognise(client, each_server.home)
            putter = Putter(client, product)
            await putter.put(f"{urls[0]}a.ics", event(1).content, None, {})
            return product.has_account_wide_uids, await putter.put(f"{urls[1]}a.ics", event(1).content, None, {})

    account_wide, outcome = run(story())
    assert account_wide is (each_server.name == "cyrus")
    if account_wide:
        assert isinstance(outcome, UidTaken)
        assert outcome.key.endswith("/work/a.ics")
        assert ics.same_meaning(content_of(each_server, outcome.key), event(1).content)
    else:
        assert isinstance(outcome, Written)


def test_an_object_is_not_given_another_uid_unseen(each_server: Server) -> None:
    """Radicale 3.9 and Cyrus 3.6 refuse it; the others do it when asked to."""
    url = make_calendar(each_server, "work")
    href = f"{url}a.ics"

    async def story() -> object:
        async with client_of(each_server) as client:
            putter = await putter_of(each_server, client)
            await putter.put(href, event(1).content, None, {})
            return await putter.put(href, event(2).content, await putter._find(href), {})

    refuses = each_server.name in {"radicale", "cyrus"}
    assert isinstance(run(story()), Taken if refuses else Written)


def without(line: bytes) -> bytes:
    return b"".join(each for each in event(1).content.splitlines(keepends=True) if not each.startswith(line))


METHOD = event(1).content.replace(b"VERSION:2.0", b"VERSION:2.0\r\nMETHOD:REQUEST")
TWO = event(1).content.replace(b"END:VCALENDAR\r\n", b"BEGIN:VEVENT" + event(2).content.split(b"BEGIN:VEVENT", 1)[1])
RULE = event(1).content.replace(b"SUMMARY:", b"RRULE:FREQ=SOMETIMES\r\nSUMMARY:")
NO_TRIGGER = without(b"TRIGGER")
GARBAGE = b"BEGIN:VCALENDAR\r\nnonsense"


@pytest.mark.parametrize(
    ("content", "refuse"),
    [
        (TWO, {"radicale", "sabredav", "cyrus", "sogo"}),
        (METHOD, {"cyrus"}),
        (RULE, {"radicale", "sabredav", "cyrus"}),
        (without(b"UID"), {"radicale", "sabredav", "cyrus"}),
        (NO_TRIGGER, {"sogo"}),
        (GARBAGE, {"radicale", "xandikos", "sabredav", "cyrus", "davical", "sogo"}),
    ],
    ids=["two UIDs", "METHOD", "bad rule", "no UID", "alarm without trigger", "garbage"],
)
def test_an_object_that_is_refused_for_its_form_is_told_as_that(
    each_server: Server, content: bytes, refuse: set[str]
) -> None:
    url = make_calendar(each_server, "work")

    async def story() -> object:
        async with client_of(each_server) as client:
            return await (await putter_of(each_server, client)).put(f"{url}a.ics", content, None, {})

    outcome = run(story())
    if each_server.name in refuse:
        assert isinstance(outcome, Refused)
        assert outcome.for_its_form
    else:
        assert isinstance(outcome, Written)


def test_a_calendar_that_is_missing_is_no_fault_of_the_object(each_server: Server) -> None:
    async def story() -> object:
        async with client_of(each_server) as client:
            putter = await putter_of(each_server, client)
            return await putter.put(f"{each_server.home}nowhere/a.ics", event(1).content, None, {})

    outcome = run(story())
    assert isinstance(outcome, Refused)
    assert not outcome.for_its_form


def test_a_guests_copy_of_another_users_event_is_refused_by_sogo_with_the_likely_reason(sogo: Server) -> None:
    url = make_calendar(sogo, "work")
    lines = f"ORGANIZER:mailto:{sogo.other_user}@example.org\r\nATTENDEE:mailto:{sogo.user}@example.org\r\nSUMMARY:"
    content = event(1).content.replace(b"SUMMARY:", lines.encode())

    async def story() -> object:
        async with client_of(sogo) as client:
            return await (await putter_of(sogo, client)).put(f"{url}a.ics", content, None, {})

    outcome = run(story())
    assert isinstance(outcome, Refused)
    assert "another user of this server" in outcome.reason
    assert not outcome.for_its_form


def test_radicale_says_of_nothing_but_by_its_limit_that_an_object_is_too_large(radicale: Server) -> None:
    url = make_calendar(radicale, "work")
    content = event(1).content.replace(
        b"SUMMARY:", b"ATTACH;ENCODING=BASE64;VALUE=BINARY:" + b"QUJD" * 2_600_000 + b"\r\nSUMMARY:"
    )

    async def story() -> tuple[object, object]:
        async with client_of(radicale) as client:
            product = await recognise(client, radicale.home)
            limits = await limits_of(client, url, product)
            return await Putter(client, product).put(f"{url}a.ics", content, None, {}), limits.warnings(content)

    outcome, warnings = run(story())
    assert isinstance(outcome, Refused)
    assert "larger than the server takes" in outcome.reason
    assert not outcome.for_its_form
    assert warnings == ("larger than the 10,000,000 bytes that it takes",)
