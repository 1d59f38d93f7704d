"""ETags that are spelled in several ways: the same event is not fetched again, another one always is."""

from __future__ import annotations

from collections.abc import Callable
from html import unescape

import pytest

from tests.events import event, events
from tests.patience.runs import SIGNALS, Nights, served
from tests.servers.scripted import Account, Answer, Asked, scripted
from tests.servers.scripted_rules import each_member
from tests.servers.scripted_xml import DAV, Member, escape

pytestmark = pytest.mark.full

Spelling = Callable[[str], str]

ETAG = f"{DAV}getetag"
SPELLINGS: dict[str, Spelling] = {
    "plain": lambda etag: etag,
    "weak": lambda etag: f"W/{etag}",
    "gzip": lambda etag: f'{etag[:-1]}-gzip"',  # Apache's mod_deflate
    "weak-gzip": lambda etag: f'W/{etag[:-1]}-gzip"',
    "bare": lambda etag: etag.strip('"'),  # against RFC 9110 §8.8.3; DavMail and Kerio do so in XML
    "escaped": lambda etag: etag.replace('"', "&quot;"),
}


def spelled(spelling: Spelling) -> Answer:
    def change(member: Member) -> Member:
        if ETAG not in member.found:
            return member
        return member.with_property(ETAG, spelling(unescape(member.found[ETAG])))

    return each_member(change)


@pytest.mark.parametrize("listed", SPELLINGS)
@pytest.mark.parametrize("batched", SPELLINGS)
def test_an_event_whose_etag_is_spelled_otherwise_elsewhere_is_not_fetched_again(
    nights: Nights, listed: str, batched: str
) -> None:
    def rule(asked: Asked) -> Answer | None:
        if asked.method == "PROPFIND" and asked.depth == "1":
            return spelled(SPELLINGS[listed])
        return spelled(SPELLINGS[batched]) if asked.is_report() else None

    assert_quiet_after_one_change(nights, rule)


@pytest.mark.parametrize("listed", SPELLINGS)
def test_an_event_fetched_alone_whose_etag_is_spelled_otherwise_is_not_fetched_again(
    nights: Nights, listed: str
) -> None:
    def rule(asked: Asked) -> Answer | None:
        if asked.method == "PROPFIND" and asked.depth == "1":
            return spelled(SPELLINGS[listed])
        if asked.is_report():
            return Answer(status=403)
        item = next((each for each in calendar.items.values() if asked.path.endswith(each.segment)), None)
        return Answer(headers={"ETag": f'W/{item.etag[:-1]}-gzip"'}) if item is not None else None

    account = Account()
    calendar = account.calendar("work", events(4), lacks=SIGNALS)
    assert_quiet_after_one_change(nights, rule, account)


def assert_quiet_after_one_change(
    nights: Nights, rule: Callable[[Asked], Answer | None], account: Account | None = None
) -> None:
    if account is None:
        account = Account()
        account.calendar("work", events(4), lacks=SIGNALS)
    with scripted(account, rule) as server:
        assert nights.backup(server).outcome.fetched == 4
        assert nights.backup(server).outcome.fetched == 0
        account.at("/calendars/alice/work").put(event(2).name, event(2, summary="moved").content)
        assert nights.backup(server).outcome.fetched == 1
        assert nights.backup(server).outcome.fetched == 0
    assert nights.stored() == served(account)


@pytest.mark.parametrize("spelling", [lambda _: "", lambda _: '""'], ids=["empty", "quotes"])
def test_events_without_etag_are_stored_and_every_change_is_seen(nights: Nights, spelling: Spelling) -> None:
    account = Account()
    calendar = account.calendar("work", events(3), lacks=SIGNALS)
    with scripted(account, lambda _: spelled(spelling)) as server:
        nights.backup(server)
        calendar.put(event(2).name, event(2, summary="moved").content)
        nights.backup(server)
    assert nights.stored() == served(account)


def test_an_etag_with_characters_that_xml_escapes_is_kept(nights: Nights) -> None:
    account = Account()
    calendar = account.calendar("work", lacks=SIGNALS)
    calendar.put("a.ics", event(1).content, etag='"<&>\'"')
    with scripted(account) as server:
        nights.backup(server)
        assert nights.backup(server).outcome.fetched == 0
    assert nights.stored() == served(account)
    assert escape("<&>") == "&lt;&amp;&gt;"
