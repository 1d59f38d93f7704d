"""Clocks that jump, and machines whose clocks differ: a backup continues the one that was committed before it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caldav_backup.archiver import BackupOptions, Guard, Outcome, back_up
from caldav_backup.kloset import Configuration, Repository
from caldav_backup.kloset.reissue import Reissue, reissue
from caldav_backup.kloset.storage.memory import MemoryStorage
from tests.archiver.account import Account
from tests.events import event

MINUTE = 60 * 10**9
HOUR = 60 * MINUTE
DAY = 24 * HOUR
JUMPS = [HOUR, -HOUR, DAY, -DAY, 400 * DAY, 0]


class Machines:
    """One account that is backed up into one store, by machines whose clocks are off by what is told for each run."""

    def __init__(self) -> None:
        self.storage = MemoryStorage()
        Repository.create(self.storage, Configuration.new(encrypted=False))
        self.account = Account({"work": {f"{number:04}.ics": event(number).content for number in range(40)}})

    def back_up(self, off_ns: int, **options: object) -> Outcome:
        """By a program that has just opened the store."""
        chosen = BackupOptions(job="home", snapshot_clock=lambda: time.time_ns() + off_ns, **options)  # type: ignore[arg-type]
        return asyncio.run(back_up(self.account, Repository.open(self.storage), chosen))

    def change(self, number: int) -> None:
        self.account.calendars["work"]["0000.ics"] = event(1000 + number).content


def assert_incremental(offs: Sequence[int]) -> None:
    machines = Machines()
    assert machines.back_up(0).fetched == 40
    for number, off_ns in enumerate(offs):
        machines.change(number)
        outcome = machines.back_up(off_ns)
        # One that continued an older snapshot would fetch what that one has not.
        assert (outcome.fetched, outcome.unchanged, outcome.deleted) == (1, 39, 0)
        assert machines.back_up(off_ns).fetched == 0
    assert list(Repository.open(machines.storage).check(read_data=True)) == []


@pytest.mark.parametrize("jump", [-DAY, pytest.param(HOUR, marks=pytest.mark.full)])
def test_the_next_backup_is_incremental_also_after_the_clock_jumped(jump: int) -> None:
    assert_incremental([jump, 0])


@pytest.mark.full
def test_two_machines_whose_clocks_are_minutes_apart_continue_each_other() -> None:
    assert_incremental([7 * MINUTE, 0, 7 * MINUTE, 0])


@pytest.mark.full
@settings(max_examples=20, deadline=None)
@given(st.lists(st.sampled_from([*JUMPS, MINUTE, -MINUTE]), min_size=2, max_size=8))
def test_no_order_of_jumps_makes_a_backup_begin_anew(offs: list[int]) -> None:
    assert_incremental(offs)


@pytest.mark.parametrize("off_ns", [-DAY, pytest.param(DAY, marks=pytest.mark.full)])
def test_a_guard_compares_with_what_was_committed_last_whatever_its_time(off_ns: int) -> None:
    machines = Machines()
    machines.back_up(DAY)
    for name in [f"{number:04}.ics" for number in range(20, 40)]:
        del machines.account.calendars["work"][name]
    assert [path for path, _ in machines.back_up(off_ns).trips] == ["/work"]
    assert machines.back_up(off_ns, guard=Guard(accept_shrink=True)).trips == ()
    assert machines.back_up(0).trips == ()


def test_an_old_snapshot_that_was_issued_again_is_not_what_the_next_backup_continues() -> None:
    machines = Machines()
    machines.back_up(0)
    machines.change(1)
    machines.back_up(0)
    repository = Repository.open(machines.storage)
    oldest = repository.snapshots()[0]
    reissue(repository, [Reissue(oldest, ["pinned"])])
    assert machines.back_up(0).fetched == 0


@pytest.mark.full
def test_what_a_stopped_run_left_is_continued_whatever_the_clock_says() -> None:
    machines = Machines()
    machines.back_up(DAY)
    for number in range(200):
        machines.account.calendars["work"][f"new-{number}.ics"] = event(2000 + number).content
    machines.account.breaks_after = (140, ConnectionError("cut"))
    with pytest.raises(ConnectionError):
        machines.back_up(-DAY)
    kept = len(machines.account.fetched) - 40
    machines.account.breaks_after = None
    outcome = machines.back_up(0)
    assert 0 < kept < 200
    assert outcome.fetched == 200 - kept
    assert "incomplete" not in {tag for header in Repository.open(machines.storage).snapshots() for tag in header.tags}
