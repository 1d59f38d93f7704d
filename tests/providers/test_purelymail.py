"""Purelymail: neither CTag nor sync-token, whole URLs as hrefs, no component set.

Sources: https://github.com/Purelymail/purelymail-issues/issues/310 (no signals, the form of the address),
https://github.com/Purelymail/purelymail-issues/issues/421 (whole URLs, no supported-calendar-component-set).
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.events import event, events
from tests.patience.runs import SIGNALS, Nights, served
from tests.providers.by_name import assert_quiet, back_up_from
from tests.servers.scripted import Account, Answer, Asked, ScriptedServer, scripted
from tests.servers.scripted_rules import each_member
from tests.servers.scripted_xml import CALDAV

pytestmark = pytest.mark.full

HOME = "/webdav/999999/caldav/"
URL = f"https://purelymail.com{HOME}"


def as_purelymail(asked: Asked) -> Answer | None:
    if asked.method not in {"PROPFIND", "REPORT"}:
        return None
    return each_member(lambda member: member._replace(href=f"https://purelymail.com{member.href}"))


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    account = Account(root=HOME, principal="/webdav/999999/", home=HOME)
    account.calendar("default", events(6), lacks=[*SIGNALS, f"{CALDAV}supported-calendar-component-set"])
    with scripted(account, as_purelymail) as server:
        yield server


@pytest.mark.parametrize("url", [URL, f"{URL}default/"])
def test_every_night_is_a_listing_and_fetches_what_changed(nights: Nights, server: ScriptedServer, url: str) -> None:
    back_up_from(nights, server, url)
    assert nights.stored() == served(server.account)
    assert assert_quiet(nights, server, url).outcome.listed == 1
    calendar = server.account.at(f"{HOME}default")
    calendar.put(event(2).name, event(2, summary="moved").content)
    calendar.delete(event(3).name)
    night = back_up_from(nights, server, url)
    assert (night.outcome.fetched, night.outcome.deleted) == (1, 1)
    assert nights.stored() == served(server.account)
    assert_quiet(nights, server, url)
