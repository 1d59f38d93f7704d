"""Answers made to hurt: bombs, absurd sizes, no end. Each ends in one clear line, soon, and in little memory."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator

import pytest

from caldav_backup.connectors.base import CollectionUnreadable
from caldav_backup.dav import DavError
from caldav_backup.dav.limits import Limits
from tests.events import event, events
from tests.patience.runs import Nights, served
from tests.servers.scripted import Account, Answer, Asked, Framing, ScriptedServer, scripted
from tests.servers.scripted_rules import Question, any_request, any_rule, gets, lists, reports, when

pytestmark = pytest.mark.full

OPEN = b'<?xml version="1.0"?><d:multistatus xmlns:d="DAV:">'
PROPSTAT = b"<d:propstat><d:prop>%s</d:prop></d:propstat>"
RESPONSE = b"<d:response><d:href>/calendars/alice/work/%d.ics</d:href>" + PROPSTAT + b"</d:response>"
LAUGHS = "".join(f'<!ENTITY l{each} "{f"&l{each - 1};" * 10}">' for each in range(1, 12))


def bomb(encoding: str) -> Answer:
    """Some megabytes of blanks in some kilobytes, and again, and again."""
    packed = gzip.compress(b" " * (8 << 20)) if encoding == "gzip" else zlib.compress(b" " * (8 << 20))
    return Answer(status=207, body=packed, headers={"Content-Encoding": encoding})


def whole_bomb() -> Answer:
    """48 MiB of an element's text in 48 KiB."""
    packer = zlib.compressobj(9, wbits=31)
    pieces = [packer.compress(OPEN + b"<d:response><d:href>")]
    pieces += [packer.compress(b"a" * (1 << 20)) for _ in range(48)]
    return Answer(status=207, body=b"".join([*pieces, packer.flush()]), headers={"Content-Encoding": "gzip"})


#: Made when they are needed: some are large.
HOSTILE: dict[str, Callable[[], Answer]] = {
    "entities": lambda: Answer(
        status=207,
        body=f'<?xml version="1.0"?><!DOCTYPE m [<!ENTITY l0 "ha">{LAUGHS}]>'.encode()
        + OPEN[21:]
        + b"<d:response><d:href>&l11;</d:href></d:response></d:multistatus>",
    ),
    "external-entity": lambda: Answer(
        status=207,
        body=b'<?xml version="1.0"?><!DOCTYPE m [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
        + OPEN[21:]
        + b"<d:response><d:href>/&x;</d:href></d:response></d:multistatus>",
    ),
    "deep": lambda: Answer(status=207, body=OPEN + b"<d:response>" + b"<d:prop>" * 100_000),
    "deep-property": lambda: Answer(
        status=207, body=OPEN + RESPONSE % (1, b"<d:x>" * 200 + b"</d:x>" * 200) + b"</d:multistatus>"
    ),
    "wide-attribute": lambda: Answer(
        status=207, body=OPEN + b'<d:response a="' + b"x" * (12 << 20) + b'"/></d:multistatus>'
    ),
    "long-text": lambda: Answer(status=207, body=OPEN + b"<d:response><d:href>" + b"x" * (12 << 20)),
    "length-of-10-TB": lambda: Answer(headers={"Content-Length": str(10 * 10**12)}, cut=10_000),
    "negative-length": lambda: Answer(headers={"Content-Length": "-1"}),
    "length-that-is-no-number": lambda: Answer(headers={"Content-Length": "many"}),
    "two-framings": lambda: Answer(headers={"Transfer-Encoding": "chunked"}),
    "damaged-gzip": lambda: Answer(headers={"Content-Encoding": "gzip"}),
    "unknown-encoding-of-garbage": lambda: Answer(body=bytes(range(256)), headers={"Content-Encoding": "x-rot13"}),
    "blanks-in-gzip": lambda: bomb("gzip"),
    "blanks-in-deflate": lambda: bomb("deflate"),
    "text-in-gzip": whole_bomb,
    "endless-text": lambda: Answer(status=207, body=OPEN + b"<d:response><d:href>", endless=b"x" * 65536),
    "header-of-a-megabyte": lambda: Answer(headers={"X-Long": "x" * (1 << 20)}),
    "status-999": lambda: Answer(status=999),
    "status-100-for-ever": lambda: Answer(status=100),
    "no-bytes": lambda: Answer(cut=0, framing=Framing.CLOSE),
}


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    account = Account()
    account.calendar("home", events(2))
    account.calendar("work", events(3, 10))
    with scripted(account) as server:
        yield server


@pytest.mark.parametrize(
    "asks", [any_request, lists("alice"), lists("work"), reports()], ids=["all", "home", "list", "get"]
)
@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_answer_costs_nothing_that_was_there(
    nights: Nights, server: ScriptedServer, make: Callable[[], Answer], asks: Question
) -> None:
    nights.backup(server)
    before = nights.stored()
    for calendar in server.account.collections.values():
        if calendar.is_calendar:
            calendar.put("new.ics", event(50).content)
            calendar.put("newer.ics", event(51).content)
    server.rule = when(asks, make())
    try:
        night = nights.backup(server, timeout=0.3)
    except (DavError, CollectionUnreadable) as error:
        message = str(error)
        assert nights.stored() == before
    else:
        message = " ".join(reason for _, reason in night.outcome.failures)
        # Events that a batch does not give come by GET, and what cannot be listed is in the error index.
        assert message or nights.stored() == served(server.account)
    assert "\n" not in message and len(message) < 2_000
    server.rule = lambda _: None
    nights.backup(server)
    assert nights.stored() == served(server.account)
    nights.assert_sound()


ENDLESS = {
    "responses": (OPEN, RESPONSE % (1, b"<d:getetag>x</d:getetag>")),
    "blanks": (OPEN, b" " * 65536),
    "comments": (OPEN, b"<!-- nothing -->" * 4096),
    "tokens": (OPEN, b"<d:sync-token>x</d:sync-token>" * 1024),
    "elements": (OPEN + b"<d:response>", b"<d:href>/x</d:href>" * 4096),
    "zeros": (b"", bytes(65536)),
}


@pytest.mark.parametrize(("body", "again"), ENDLESS.values(), ids=ENDLESS)
def test_an_answer_without_end_ends_all_the_same(
    nights: Nights, server: ScriptedServer, body: bytes, again: bytes
) -> None:
    server.rule = when(lists("work"), Answer(status=207, body=body, endless=again))
    few = Limits(response=1 << 20, multistatus=32 << 20, responses=10_000)
    night = nights.backup(server, timeout=0.1, limits=few)
    assert [path for path, _ in night.outcome.failures] == ["/work"]
    assert {path.split("/")[1] for path in nights.stored()} == {"home"}


def test_a_discovery_without_end_ends_all_the_same(nights: Nights, server: ScriptedServer) -> None:
    body, again = ENDLESS["responses"]
    server.rule = when(any_request, Answer(status=207, body=body, endless=again * 100))
    with pytest.raises(DavError, match="more than 5,000 responses"):
        nights.backup(server, limits=Limits(held_responses=5_000))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Answer(body=b"BEGIN:VCALENDAR\r\n", endless=b"X-LONG:" + b"x" * 65536),
        lambda: Answer(headers={"Content-Length": str(10**13)}, cut=100),
        lambda: Answer(
            body=gzip.compress(b"BEGIN:VCALENDAR\r\n" + bytes(80 << 20)), headers={"Content-Encoding": "gzip"}
        ),
    ],
    ids=["endless", "10-TB", "gzip-bomb"],
)
def test_an_event_of_absurd_size_costs_itself_only(
    nights: Nights, server: ScriptedServer, make: Callable[[], Answer]
) -> None:
    name = event(11).name

    def halves(asked: Asked) -> Answer | None:
        return Answer(status=500) if asked.is_report() and name.encode() in asked.body else None

    server.rule = any_rule(halves, when(gets(name), make()))
    night = nights.backup(server, timeout=5)
    assert [path for path, _ in night.outcome.failures] == [f"/work/{name}"]
    assert len(nights.stored()) == 4
