"""Events that a server lists and does not give: what it means is asked once more, and each costs itself only."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.events import event, events
from tests.patience.runs import Nights, served
from tests.servers.scripted import Account, Answer, Asked, Rule, scripted
from tests.servers.scripted_rules import any_rule, each_member, gets, lists, reports, when
from tests.servers.scripted_xml import Member

BAD = event(3).name


def account(count: int = 6) -> Account:
    made = Account()
    made.calendar("work", events(count))
    return made


def without(name: str) -> Rule:
    """The server has lost the object: a 404 member, and 404 for a GET."""
    lost = each_member(lambda member: member.failing(404) if member.href.endswith(name) else member)
    return any_rule(when(reports(), lost), when(gets(name), Answer(status=404)))


def test_an_event_that_stays_listed_and_is_not_there_is_a_warning(nights: Nights) -> None:
    with scripted(account(), without(BAD)) as server:
        first = nights.backup(server)
        expected = served(server.account)
    assert [path for path, _ in first.outcome.warnings] == [f"/work/{BAD}"]
    assert not first.outcome.failures
    del expected[f"/work/{BAD}"]
    assert nights.stored() == expected
    # The listing is asked for once more, for that event and for no other reason.
    assert len([each for each in server.asked if lists("work")(each)]) == 2
    assert [path for path, _ in nights.newest.errors()] == [f"/work/{BAD}"]


def test_an_event_that_is_deleted_between_listing_and_fetching_is_no_trouble(nights: Nights) -> None:
    with scripted(account()) as server:

        def deleted_now(asked: Asked) -> None:
            if asked.is_report() and BAD in server.account.at("/calendars/alice/work").items:
                server.account.at("/calendars/alice/work").delete(BAD)

        server.rule = deleted_now
        night = nights.backup(server)
        assert nights.stored() == served(server.account)
    assert (list(night.outcome.warnings), list(night.outcome.failures)) == ([], [])
    assert f"/work/{BAD}" not in nights.stored()


@pytest.mark.parametrize("status", [403, 410, 500, 507])
def test_a_member_that_fails_in_the_batch_is_fetched_alone(nights: Nights, status: int) -> None:
    failing = each_member(lambda member: member.failing(status) if member.href.endswith(BAD) else member)
    with scripted(account(), when(reports(), failing)) as server:
        night = nights.backup(server)
    assert not night.outcome.failures and nights.stored() == served(server.account)
    assert [each.path for each in server.requests("GET")] == [f"/calendars/alice/work/{BAD}"]


def left_out(member: Member) -> Member | None:
    return None if member.href.endswith(BAD) else member


def without_data(member: Member) -> Member:
    return member.without("{urn:ietf:params:xml:ns:caldav}calendar-data") if member.href.endswith(BAD) else member


def empty(member: Member) -> Member:
    return member.with_property("{urn:ietf:params:xml:ns:caldav}calendar-data", "")


def a_page(member: Member) -> Member:
    return member.with_property("{urn:ietf:params:xml:ns:caldav}calendar-data", "please log in")


@pytest.mark.parametrize("change", [left_out, without_data, empty, a_page])
def test_what_a_batch_does_not_give_or_garbles_is_fetched_alone(
    nights: Nights, change: Callable[[Member], Member | None]
) -> None:
    with scripted(account(), when(reports(), each_member(change))) as server:
        assert not nights.backup(server).outcome.failures
    assert nights.stored() == served(server.account)


@pytest.mark.full
@pytest.mark.parametrize(
    "answer",
    [
        Answer(status=500),
        Answer(status=400),
        Answer(body=b"", headers={"Content-Type": "text/calendar"}),
        Answer(body=b"<html>please log in</html>", headers={"Content-Type": "text/html"}),
    ],
    ids=["500", "400", "empty", "login page"],
)
def test_one_event_of_a_hundred_that_always_fails_costs_itself_only(nights: Nights, answer: Answer) -> None:
    """Whole batches that hold it fail too: they are halved until it is alone."""

    def rule(asked: Asked) -> Answer | None:
        if asked.is_report() and BAD.encode() in asked.body:
            return Answer(status=500)
        return answer if gets(BAD)(asked) else None

    with scripted(account(100), rule) as server:
        night = nights.backup(server)
        expected = served(server.account)
    del expected[f"/work/{BAD}"]
    ((path, reason),) = night.outcome.failures
    assert path == f"/work/{BAD}" and f"/work/{BAD}" in reason
    assert nights.stored() == expected
    assert "partial" in nights.newest.header.tags
    assert night.requests < 40
    nights.assert_sound()
