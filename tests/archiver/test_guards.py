"""What looks like a loss: told every night until somebody says that it is right."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from caldav_backup.archiver import BackupOptions, Guard, Outcome, Selection, back_up
from caldav_backup.connectors.base import Collection, LeftOut
from caldav_backup.kloset import Repository
from tests.archiver.account import Account
from tests.events import event

Backup = Callable[..., Outcome]


@pytest.fixture
def backup(repository: Repository) -> Backup:
    def run(account: Account, *, guard: Guard = Guard(), **options: object) -> Outcome:  # noqa: B008  # frozen
        chosen = BackupOptions(job="home", guard=guard, **options)  # type: ignore[arg-type]
        return asyncio.run(back_up(account, repository, chosen))

    return run


def events(count: int, first: int = 0) -> dict[str, bytes]:
    return {f"{number:04}.ics": event(number).content for number in range(first, first + count)}


def account(work: int = 40) -> Account:
    return Account({"home": events(5), "work": events(work)})


def tripped(outcome: Outcome) -> list[str]:
    return [path for path, _ in outcome.trips]


def test_a_calendar_that_shrinks_too_much_makes_the_snapshot_suspicious_night_after_night(
    repository: Repository, backup: Backup
) -> None:
    backup(account())
    for _ in range(3):
        outcome = backup(account(27))
        assert outcome.trips == (("/work", "lost 13 of 40, more than 30%; --accept-shrink takes that for right"),)
        assert outcome.snapshot is not None and "suspicious" in outcome.tags
    assert [header.tags for header in repository.snapshots()] == [(), *[("suspicious",)] * 3]
    assert backup(account(27), guard=Guard(accept_shrink=True)).tags == ()
    assert not backup(account(27)).trips


@pytest.mark.parametrize(
    ("before", "now", "trips"),
    [(40, 31, 0), (40, 30, 0), (40, 28, 0), (40, 27, 1), (12, 3, 0), (12, 2, 1), (100, 70, 0), (100, 69, 1), (9, 1, 0)],
)
def test_it_takes_ten_events_and_more_than_the_share(backup: Backup, before: int, now: int, trips: int) -> None:
    backup(account(before))
    assert len(backup(account(now)).trips) == trips


def test_the_share_is_a_choice(backup: Backup) -> None:
    backup(account(100))
    assert not backup(account(55), guard=Guard(max_shrink=0.5)).trips


def test_events_that_are_exchanged_for_others_are_no_loss(backup: Backup) -> None:
    backup(account(40))
    assert not backup(Account({"home": events(5), "work": events(40, 500)})).trips


def test_a_calendar_that_becomes_empty_has_to_be_accepted_as_empty(backup: Backup) -> None:
    backup(account(3))
    assert tripped(backup(account(0))) == ["/work"]
    assert tripped(backup(account(0), guard=Guard(accept_shrink=True))) == ["/work"]
    assert not backup(account(0), guard=Guard(allow_empty=True)).trips
    assert not backup(account(0)).trips


def test_a_calendar_that_is_gone_trips_and_one_that_cannot_be_looked_for_does_not(backup: Backup) -> None:
    backup(account())
    without = Account({"home": events(5)})
    assert tripped(backup(without)) == ["/work"]
    without.unlisted = [LeftOut("/shared/", "shared", "500")]
    outcome = backup(without)
    assert not outcome.trips and outcome.is_partial
    without.unlisted = ()
    assert not backup(without, guard=Guard(accept_shrink=True)).trips


def test_an_account_without_calendars_is_a_loss_only_where_there_were_some(backup: Backup) -> None:
    assert not backup(Account({})).trips
    backup(account())
    assert tripped(backup(Account({}))) == ["/"]
    assert tripped(backup(Account({}), guard=Guard(accept_shrink=True))) == ["/"]
    assert not backup(Account({}), guard=Guard(allow_empty=True)).trips


def test_an_empty_calendar_that_was_always_empty_is_fine(backup: Backup) -> None:
    backup(account(0))
    assert not backup(account(0)).trips


def test_what_comes_back_after_a_suspicious_night_is_not_fetched_again(backup: Backup) -> None:
    backup(account())
    assert backup(account(0)).trips
    outcome = backup(account())
    assert not outcome.trips and outcome.fetched == 0


def test_a_calendar_that_cannot_be_listed_does_not_become_the_measure(backup: Backup) -> None:
    backup(account())
    there = account(0)
    there.unreadable["home"] = "500"
    assert tripped(backup(there)) == ["/work"]
    there = account()
    there.unreadable["work"] = "500"
    assert not backup(there).trips
    assert tripped(backup(account(0))) == ["/work"]


def test_each_selection_is_compared_with_itself(backup: Backup) -> None:
    backup(account())
    only = Selection(calendars=["home"])
    assert not backup(account(), selection=only).trips
    assert tripped(backup(account(0))) == ["/work"]
    assert not backup(account(0), selection=only).trips


def test_a_dry_run_looks_too(repository: Repository, backup: Backup) -> None:
    backup(account())
    assert tripped(backup(account(0), dry_run=True)) == ["/work"]
    assert len(repository.snapshots()) == 1


def test_a_calendar_that_is_lost_while_it_is_read_is_a_loss(backup: Backup) -> None:
    there = account()
    backup(there)
    there.vanishing = set(there.calendars["work"])
    outcome = backup(there, full=True)
    assert tripped(outcome) == ["/home", "/work"]
    assert (outcome.records, outcome.failures) == (0, ())


@dataclass
class Named(Account):
    """An account whose calendars have the names that they are given."""

    names: dict[str, str] = field(default_factory=dict)

    def _collection(self, name: str) -> Collection:
        return replace(super()._collection(name), displayname=self.names[name])


@pytest.mark.parametrize("selection", [Selection(calendars=["Mine*"]), Selection(exclude=["Other"])])
def test_a_calendar_that_a_new_name_takes_out_of_the_selection_is_not_lost_silently(
    backup: Backup, selection: Selection
) -> None:
    there = Named(account().calendars, names={"home": "Mine too", "work": "Mine"})
    backup(there, selection=selection)
    there.names["work"] = "Other"
    for _ in range(2):
        assert tripped(backup(there, selection=selection)) == ["/work"]
    assert not backup(there, selection=selection, guard=Guard(accept_shrink=True)).trips
    assert not backup(there, selection=selection).trips


def test_a_selection_is_the_same_in_another_order(backup: Backup) -> None:
    backup(account(), selection=Selection(calendars=["work", "home"]))
    assert tripped(backup(account(0), selection=Selection(calendars=["home", "work"]))) == ["/work"]
