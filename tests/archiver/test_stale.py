"""An event that cannot be had any more: the copy from before stays, and says that it is one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from caldav_backup.archiver import BackupOptions, Outcome, back_up
from caldav_backup.kloset import Repository
from tests.archiver.account import Account
from tests.archiver.backups import newest
from tests.events import event

Backup = Callable[[Account], Outcome]
LEAF = "0007.ics"


@pytest.fixture
def backup(repository: Repository) -> Backup:
    return lambda account: asyncio.run(back_up(account, repository, BackupOptions(job="home")))


@pytest.fixture
def account() -> Account:
    return Account({"work": {f"{number:04}.ics": event(number).content for number in range(20)}})


def change(account: Account, number: int = 700) -> bytes:
    before = account.calendars["work"][LEAF]
    account.calendars["work"][LEAF] = event(number).content
    return before


def test_the_last_good_copy_stays_beside_the_reason(repository: Repository, backup: Backup, account: Account) -> None:
    first = backup(account)
    before = change(account)
    account.failing[LEAF] = "500 Internal Server Error"
    outcome = backup(account)
    assert outcome.is_partial and outcome.stale == 1
    snapshot = newest(repository)
    assert snapshot.read(f"/work/{LEAF}") == before
    assert list(snapshot.errors()) == [
        (f"/work/{LEAF}", f"500 Internal Server Error; the copy in snapshot {(first.snapshot or '')[:8]} is kept")
    ]
    assert len(list(snapshot.list_directory("/work"))) == 20
    assert list(repository.check(read_data=True)) == []


def test_a_copy_is_named_after_the_snapshot_that_had_it_fresh(
    repository: Repository, backup: Backup, account: Account
) -> None:
    first = backup(account)
    before = change(account)
    account.failing[LEAF] = "500"
    for _ in range(3):
        backup(account)
    ((_, reason),) = newest(repository).errors()
    assert (first.snapshot or "")[:8] in reason
    assert newest(repository).read(f"/work/{LEAF}") == before


def test_it_is_tried_again_every_time_and_fresh_as_soon_as_it_can_be_read(
    repository: Repository, backup: Backup, account: Account
) -> None:
    backup(account)
    change(account)
    account.failing[LEAF] = "500"
    backup(account)
    account.fetched.clear()
    backup(account)
    assert account.fetched == [LEAF]
    account.failing.clear()
    assert not backup(account).is_partial
    assert newest(repository).read(f"/work/{LEAF}") == event(700).content
    assert list(newest(repository).errors()) == []
    account.fetched.clear()
    backup(account)
    assert account.fetched == []


def test_what_is_listed_and_not_there_keeps_its_copy_with_a_warning(
    repository: Repository, backup: Backup, account: Account
) -> None:
    backup(account)
    before = change(account)
    account.gone.add(LEAF)
    outcome = backup(account)
    assert not outcome.is_partial and len(outcome.warnings) == outcome.stale == 1
    assert newest(repository).read(f"/work/{LEAF}") == before


def test_what_was_deleted_meanwhile_leaves_no_copy(repository: Repository, backup: Backup, account: Account) -> None:
    backup(account)
    change(account)
    account.vanishing.add(LEAF)
    outcome = backup(account)
    assert not outcome.is_partial and not outcome.warnings and outcome.stale == 0
    assert LEAF not in [entry.name for entry in newest(repository).list_directory("/work")]
    assert list(newest(repository).errors()) == []


def test_an_event_that_never_could_be_read_has_no_copy(
    repository: Repository, backup: Backup, account: Account
) -> None:
    account.failing[LEAF] = "500"
    assert backup(account).stale == 0
    assert list(newest(repository).errors()) == [(f"/work/{LEAF}", "500")]
    assert len(list(newest(repository).list_directory("/work"))) == 19


def test_a_calendar_that_goes_away_while_it_is_read_keeps_what_it_had(
    repository: Repository, backup: Backup, account: Account
) -> None:
    backup(account)
    for number in range(20):
        account.calendars["work"][f"{number:04}.ics"] = event(800 + number).content
    account.lost_after["work"] = 0
    account.fetched.clear()
    outcome = backup(account)
    assert outcome.stale == 20
    assert newest(repository).read(f"/work/{LEAF}") == event(7).content


def test_no_copy_is_taken_from_another_account(repository: Repository, backup: Backup, account: Account) -> None:
    backup(account)
    other = Account(
        account.calendars, origin="bob@example.org/", failing=dict.fromkeys(account.calendars["work"], "500")
    )
    outcome = backup(other)
    assert outcome.stale == 0
    assert outcome.is_partial
