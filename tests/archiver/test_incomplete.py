"""Runs that do not reach their end: what they have read is kept, and the next run goes on from there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from caldav_backup.archiver import BackupOptions, Outcome, Selection, back_up
from caldav_backup.dav import ServerUnreachable
from caldav_backup.kloset import Configuration, Repository
from caldav_backup.kloset.resources import BytesLike
from caldav_backup.kloset.storage import Kind, MemoryStorage
from caldav_backup.progress import Event, Noted, RecordsStored
from tests.archiver.account import Account, expected
from tests.archiver.backups import newest, stored
from tests.events import event

Backup = Callable[..., Outcome]


@pytest.fixture
def backup(repository: Repository) -> Backup:
    def run(account: Account, told: list[Event] | None = None, **options: object) -> Outcome:
        chosen = BackupOptions(**{"job": "home", **options})  # type: ignore[arg-type]
        progress = (lambda _: None) if told is None else told.append
        return asyncio.run(back_up(account, repository, chosen, progress=progress))

    return run


def account(count: int = 450) -> Account:
    events = {f"{number:04}.ics": event(number).content for number in range(count)}
    return Account({"home": {"a.ics": event(9000).content}, "work": events})


def tags(repository: Repository) -> list[tuple[str, ...]]:
    return [tuple(header.tags) for header in repository.snapshots()]


def stop(there: Account, backup: Backup, after: int, **options: object) -> list[Event]:
    told: list[Event] = []
    there.breaks_after = (after, ServerUnreachable("the connection is refused"))
    with pytest.raises(ServerUnreachable):
        backup(there, told, **options)
    there.breaks_after = None
    return told


def test_a_run_that_is_stopped_keeps_what_it_has_read(repository: Repository, backup: Backup) -> None:
    there = account()
    told = stop(there, backup, after=250)
    assert tags(repository) == [("incomplete",)]
    held = stored(repository)
    assert 200 <= len(held) < 451
    assert held.items() <= expected(there).items()
    assert any(isinstance(each, Noted) and "where the next run goes on" in each.message for each in told)
    assert list(repository.check(read_data=True)) == []


def test_the_next_run_fetches_the_rest_and_removes_it(repository: Repository, backup: Backup) -> None:
    there = account()
    stop(there, backup, after=250)
    held = len(stored(repository))
    there.fetched.clear()
    outcome = backup(there)
    assert len(there.fetched) == 451 - held and outcome.fetched == 451 - held
    assert stored(repository) == expected(there)
    assert tags(repository) == [()]
    assert list(repository.check(read_data=True)) == []


def test_several_runs_in_a_row_may_be_stopped(repository: Repository, backup: Backup) -> None:
    there = account(900)
    for _ in range(3):
        stop(there, backup, after=len(there.fetched) + 200)
    fetched = len(there.fetched)
    backup(there)
    assert stored(repository) == expected(there)
    assert len(there.fetched) - fetched < 901 - 3 * 150
    assert tags(repository) == [()]


def test_what_a_stopped_run_had_and_what_changed_before_are_joined(repository: Repository, backup: Backup) -> None:
    there = account()
    backup(there)
    for number in range(0, 450, 2):
        there.calendars["work"][f"{number:04}.ics"] = event(2000 + number).content
    stop(there, backup, after=len(there.fetched) + 110)
    there.fetched.clear()
    there.calendars["work"]["0001.ics"] = event(7000).content
    del there.calendars["work"]["0003.ics"]
    outcome = backup(there)
    assert 0 < outcome.fetched < 130 and outcome.deleted == 1
    assert stored(repository) == expected(there)
    assert tags(repository) == [(), ()]
    assert list(repository.check(read_data=True)) == []


def test_long_runs_save_what_they_have_again_and_again(repository: Repository, backup: Backup) -> None:
    there = account()
    there.failing["0005.ics"] = "500"
    told = stop(there, backup, after=250, checkpoint_every=0.0)
    assert tags(repository) == [("incomplete",)]
    assert any(isinstance(each, Noted) for each in told) or len(stored(repository)) >= 200
    assert ("/work/0005.ics", "500") in list(newest(repository).errors())
    outcome = backup(there, checkpoint_every=0.0)
    assert outcome.is_partial
    del there.calendars["work"]["0005.ics"]
    assert stored(repository) == expected(there)
    assert tags(repository) == [("partial",)]
    assert list(repository.check(read_data=True)) == []


def test_a_run_in_many_pieces_ends_like_one_in_one_piece(backup: Backup, repository: Repository) -> None:
    there = account()
    backup(there)
    whole = newest(repository)
    there.calendars["work"]["0100.ics"] = event(5000).content
    there.calendars["work"]["0400.ics"] = event(5001).content
    backup(there, checkpoint_every=0.0)
    assert stored(repository) == expected(there)
    backup(there)
    again = newest(repository)
    assert again.extended_attributes("/work").keys() == whole.extended_attributes("/work").keys()
    assert again.summary("/work").directory.files == 450


def test_a_cancelled_run_keeps_what_it_has_read(repository: Repository) -> None:
    there = account()

    def cancel(told: Event) -> None:
        if isinstance(told, RecordsStored) and told.path == "/work" and (task := asyncio.current_task()) is not None:
            task.cancel()

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(back_up(there, repository, BackupOptions(job="home"), progress=cancel))
    assert tags(repository) == [("incomplete",)]
    assert stored(repository).items() <= expected(there).items()
    assert len(stored(repository)) >= 101
    assert list(repository.check(read_data=True)) == []


def test_nothing_read_leaves_nothing(repository: Repository, backup: Backup) -> None:
    stop(account(), backup, after=0)
    assert tags(repository) == []


def test_a_run_of_some_calendars_leaves_what_a_run_of_all_has_begun(repository: Repository, backup: Backup) -> None:
    there = account()
    stop(there, backup, after=250)
    backup(there, selection=Selection(calendars=["home"]))
    assert tags(repository) == [("incomplete",), ()]
    backup(there)
    assert tags(repository) == [(), ()]


def test_an_incomplete_snapshot_is_no_measure_of_what_was_lost(repository: Repository, backup: Backup) -> None:
    there = account()
    backup(there)
    for leaf in list(there.calendars["work"]):
        there.calendars["work"][leaf] = event(3000 + int(leaf[:4])).content
    stop(there, backup, after=len(there.fetched) + 100)
    assert not backup(there).trips


@pytest.mark.parametrize("is_listed", [False, True])
def test_what_a_stopped_run_had_stays_while_the_calendar_cannot_be_had(
    repository: Repository, backup: Backup, *, is_listed: bool
) -> None:
    there = account()
    if is_listed:
        backup(account(20))
    stop(there, backup, after=len(there.fetched) + 250)
    work = there.calendars["work"]
    if is_listed:
        there.calendars["work"] = {}
    else:
        there.unreadable["work"] = "500"
    backup(there)
    assert ("incomplete",) in tags(repository)
    there.calendars["work"] = work
    there.unreadable.clear()
    there.fetched.clear()
    backup(there)
    assert len(there.fetched) < 300
    assert stored(repository) == expected(there)
    assert ("incomplete",) not in tags(repository)


def test_what_another_machine_removed_meanwhile_is_no_failure(repository: Repository) -> None:
    there = account()

    def remove(told: Event) -> None:
        if isinstance(told, RecordsStored) and len(repository.snapshots()) == 1:
            repository.remove_snapshot(repository.snapshots()[0].identifier)

    options = BackupOptions(job="home", checkpoint_every=0.0)
    outcome = asyncio.run(back_up(there, repository, options, progress=remove))
    assert outcome.snapshot is not None
    assert tags(repository) == [()]
    assert stored(repository) == expected(there)


@pytest.mark.full
def test_half_a_run_that_another_machine_removed_meanwhile_is_gone_on_with_all_the_same() -> None:
    class Elsewhere(MemoryStorage):
        """Whenever a lock is taken, another machine has just completed the same source and tidied up."""

        def write(self, kind: Kind, identifier: bytes, data: BytesLike) -> None:
            super().write(kind, identifier, data)
            if kind is Kind.LOCK:
                other = Repository.open(self)
                half = [header.identifier for header in other.snapshots() if "incomplete" in header.tags]
                other.remove_snapshots(half)
                self.removed += len(half)

        removed = 0

    storage = Elsewhere()
    repository = Repository.create(storage, Configuration.new(encrypted=False))
    there = account()
    asyncio.run(back_up(there, repository, BackupOptions(job="home", checkpoint_every=0)))
    assert storage.removed > 1
    assert stored(repository) == expected(there)
    assert tags(repository) == [()]
    assert list(repository.check(read_data=True)) == []
