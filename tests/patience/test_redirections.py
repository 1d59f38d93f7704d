"""Redirections: the password stays at the host that it was given for."""

from __future__ import annotations

from contextlib import suppress

import pytest

from caldav_backup.connectors.base import CollectionUnreadable
from caldav_backup.dav import DavError, Unauthorized
from tests.events import events
from tests.patience.runs import Nights, served
from tests.servers.scripted import Account, Answer, Asked, Rule, ScriptedServer, scripted
from tests.servers.scripted_rules import Question, any_request, gets, lists, of, reports

#: One of them is enough for the quick tests.
STATUSES = [307, *(pytest.param(status, marks=pytest.mark.full) for status in (301, 302, 303, 308))]


def account(user: str = "alice") -> Account:
    made = Account(user=user)
    made.calendar("work", events(3))
    return made


def elsewhere(server: ScriptedServer, asks: Question, status: int) -> Rule:
    """What `asks` is true for is sent to the same path at another server."""

    def rule(asked: Asked) -> Answer | None:
        return Answer(status=status, headers={"Location": server.origin + asked.path}) if asks(asked) else None

    return rule


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize(
    "asks", [any_request, lists("alice"), lists("work"), reports()], ids=["all", "home", "list", "get"]
)
def test_no_other_host_ever_sees_the_password(nights: Nights, status: int, asks: Question) -> None:
    with scripted(account()) as other, scripted(account()) as server:
        server.rule = elsewhere(other, asks, status)
        with suppress(Unauthorized, CollectionUnreadable):
            assert nights.backup(server).outcome.failures or nights.stored() == served(server.account)
    assert other.asked
    for asked in other.asked:
        assert "authorization" not in asked.headers
        assert not any(server.account.password in value for value in asked.headers.values())
        assert "@" not in asked.headers["host"]


def test_another_host_that_asks_for_no_password_is_not_shown_it_either(nights: Nights) -> None:
    with scripted(account(user="")) as other, scripted(account()) as server:
        server.rule = elsewhere(other, any_request, 307)
        with suppress(DavError):
            nights.backup(server)
            assert nights.stored() == served(account())
    assert other.asked and all("authorization" not in asked.headers for asked in other.asked)


def test_hrefs_of_another_host_are_not_shown_the_password(nights: Nights) -> None:
    """An account whose calendar home is said to lie at another server (RFC 4791 §6.2.1 allows it)."""
    with scripted(account()) as other, scripted(account()) as server:
        home = "{urn:ietf:params:xml:ns:caldav}calendar-home-set"
        place = f"http://localhost:{other.port}{other.account.home}"
        server.account.collection(server.account.principal, {home: f"<d:href>{place}</d:href>"})
        with pytest.raises(DavError, match="not shown the password"):
            nights.backup(server)
    assert all("authorization" not in asked.headers for asked in other.asked)


@pytest.mark.parametrize("status", STATUSES)
def test_redirections_within_the_host_are_followed_with_method_body_and_password(nights: Nights, status: int) -> None:
    def moved(asked: Asked) -> Answer | None:
        if asked.path.startswith("/old"):
            return Answer(status=status, headers={"Location": asked.path.removeprefix("/old")})
        return None

    with scripted(account(), moved) as server:
        night = nights.backup(server, server.origin + "/old/")
    assert not night.outcome.failures and nights.stored() == served(account())


LOST = {
    "for-ever": lambda asked: Answer(status=302, headers={"Location": asked.path + "x/"}),
    "to-itself": lambda asked: Answer(status=302, headers={"Location": asked.path}),
    "nowhere": lambda _: Answer(status=302),
    "to-nothing": lambda _: Answer(status=302, headers={"Location": ""}),
    "to-mail": lambda _: Answer(status=302, headers={"Location": "mailto:alice@example.org"}),
    "to-files": lambda _: Answer(status=302, headers={"Location": "file:///etc/passwd"}),
    "to-garbage": lambda _: Answer(status=302, headers={"Location": "http://[::1:80/"}),
}


@pytest.mark.full
@pytest.mark.parametrize("rule", LOST.values(), ids=LOST)
def test_redirections_that_lead_nowhere_end_in_one_error(nights: Nights, rule: Rule) -> None:
    with scripted(account(), rule) as server, pytest.raises(DavError) as raised:
        nights.backup(server)
    assert "\n" not in str(raised.value) and len(server.asked) < 60
    assert nights.snapshots == 0


def test_a_single_event_is_not_asked_for_at_another_host_with_the_password(nights: Nights) -> None:
    with scripted(account()) as other, scripted(account()) as server:
        name = next(iter(server.account.at("/calendars/alice/work").items))
        follow = elsewhere(other, gets(name), 302)
        server.rule = lambda asked: Answer(status=403) if of("REPORT")(asked) else follow(asked)
        night = nights.backup(server)
    ((_, reason),) = night.outcome.failures
    assert "not shown the password" in reason and len(nights.stored()) == 2
    assert other.asked and all("authorization" not in asked.headers for asked in other.asked)
