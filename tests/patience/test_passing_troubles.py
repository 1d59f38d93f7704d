"""Troubles that pass: what fails once and would work the next time costs nothing but that time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise

import pytest

from caldav_backup.dav import DavError, TooManyRequests, Unauthorized, Unavailable
from tests.events import events
from tests.patience.runs import Nights, served
from tests.servers.scripted import Account, Answer, Asked, Rule, scripted
from tests.servers.scripted_rules import Question, any_request, lists, of, reports, when

pytestmark = pytest.mark.full


def account() -> Account:
    made = Account()
    made.calendar("home", events(3))
    made.calendar("work", events(120, 10))
    return made


def every_other(answer: Answer) -> Rule:
    """Each request is answered so when it is asked for the first time, and well when it is asked again."""
    seen: set[tuple[str, str, str, bytes]] = set()

    def rule(asked: Asked) -> Answer | None:
        key = asked.method, asked.path, asked.depth, asked.body
        if key in seen:
            return None
        seen.add(key)
        return answer

    return rule


TROUBLES = {
    "reset": Answer(reset=True),
    "408": Answer(status=408),
    "429": Answer(status=429),
    "429-at-once": Answer(status=429, headers={"Retry-After": "0"}),
    "502": Answer(status=502),
    "503": Answer(status=503),
    "504": Answer(status=504),
    "cut": Answer(cut=20),
    "cut-at-once": Answer(cut=0),
}


@pytest.mark.parametrize("answer", [*TROUBLES.values(), Answer(status=500)], ids=[*TROUBLES, "500"])
def test_what_fails_once_is_asked_again(nights: Nights, answer: Answer) -> None:
    with scripted(account(), when(of("PROPFIND"), answer, times=1, after=1)) as server:
        first = nights.backup(server)
        server.rule = when(reports(), answer, times=1)
        nights.backup(server, full=True)
    assert nights.stored() == served(server.account)
    assert not first.outcome.failures and nights.snapshots == 2


@pytest.mark.parametrize("answer", TROUBLES.values(), ids=TROUBLES)
def test_a_server_that_fails_every_request_once_is_backed_up_all_the_same(nights: Nights, answer: Answer) -> None:
    with scripted(account(), every_other(answer)) as server:
        assert not nights.backup(server).outcome.failures
    assert nights.stored() == served(server.account)


@pytest.mark.parametrize("hang_up", [Answer(hang_up=True), Answer(hang_up=True, headers={"Connection": "close"})])
def test_a_server_that_ends_every_connection_is_asked_over_new_ones(nights: Nights, hang_up: Answer) -> None:
    with scripted(account(), when(any_request, hang_up)) as server:
        assert not nights.backup(server).outcome.failures
    assert nights.stored() == served(server.account)


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_waited_for_in_both_its_spellings(nights: Nights, status: int) -> None:
    moments: list[datetime] = []

    def later(asked: Asked) -> Answer | None:
        if not lists("work")(asked):
            return None
        moments.append(datetime.now(UTC))
        if len(moments) == 1:
            return Answer(status=status, headers={"Retry-After": "1"})
        if len(moments) == 2:
            # A date has whole seconds: this one is one to two seconds away.
            soon = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
            return Answer(status=status, headers={"Retry-After": soon})
        return None

    with scripted(account(), later) as server:
        assert not nights.backup(server).outcome.failures
    waits = [(after - before).total_seconds() for before, after in pairwise(moments)]
    assert waits[0] >= 1.0 and waits[1] >= 0.9 and len(waits) == 2
    assert nights.stored() == served(server.account)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(status=503, headers={"Retry-After": "86400"}), Unavailable),
        (Answer(status=429, headers={"Retry-After": "86400"}), TooManyRequests),
    ],
)
def test_nobody_waits_a_day(nights: Nights, answer: Answer, error: type[Exception]) -> None:
    with scripted(account(), when(of("PROPFIND"), answer)) as server, pytest.raises(error):
        nights.backup(server)
    assert nights.snapshots == 0


@pytest.mark.parametrize("asks", [lists("alice"), lists("work")], ids=["home", "calendar"])
def test_a_listing_that_fails_once_costs_no_calendar(nights: Nights, asks: Question) -> None:
    with scripted(account(), when(asks, Answer(status=500), times=1)) as server:
        assert not nights.backup(server).outcome.failures
        assert len([asked for asked in server.asked if asks(asked)]) in {2, 3}
    assert nights.stored() == served(server.account)


@pytest.mark.parametrize("answer", TROUBLES.values(), ids=TROUBLES)
def test_a_trouble_that_does_not_pass_is_given_up_after_a_few_attempts(nights: Nights, answer: Answer) -> None:
    with scripted(account()) as server:
        nights.backup(server)
        server.rule = when(of("PROPFIND"), answer)
        with pytest.raises(DavError):
            nights.backup(server)
        assert len(server.asked) < 30
    assert nights.snapshots == 1
    nights.assert_sound()


@pytest.mark.parametrize("asks", [of("PROPFIND"), lists("work"), reports()], ids=["any", "listing", "multiget"])
def test_a_login_that_is_refused_once_is_tried_once_more(nights: Nights, asks: Question) -> None:
    refused = Answer(status=401, headers={"WWW-Authenticate": 'Basic realm="scripted"'})
    with scripted(account(), when(asks, refused, times=1)) as server:
        assert not nights.backup(server).outcome.failures
    assert nights.stored() == served(server.account)


@pytest.mark.parametrize("asks", [of("PROPFIND"), lists("work"), reports()], ids=["any", "listing", "multiget"])
def test_a_login_that_is_refused_twice_is_not_tried_a_third_time(nights: Nights, asks: Question) -> None:
    refused = Answer(status=401, headers={"WWW-Authenticate": 'Basic realm="scripted"'})
    with scripted(account()) as server:
        nights.backup(server)
        before = nights.stored()
        server.account.at("/calendars/alice/work").add(events(120, 500))
        server.rule = when(asks, refused)
        with pytest.raises(Unauthorized):
            nights.backup(server)
    refusals = [each for each in server.asked if asks(each)]
    # Up to three requests are under way at once, each of them is signed twice.
    assert 2 <= len(refusals) <= 6
    assert (nights.snapshots, nights.stored()) == (1, before)
    nights.assert_sound()
