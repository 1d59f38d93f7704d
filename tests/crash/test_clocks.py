"""Clocks that jump by hours and days, between runs and during them: nothing is lost, nothing goes early or twice.

Two machines write to one store, each with a clock of its own; the storage's clock is a third one. What they do, and how
far the clocks jump, is up to chance.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

import pytest

from caldav_backup.kloset.builder import SnapshotBuilder
from caldav_backup.kloset.configuration import ChunkSizes, Configuration, PackfileSizes
from caldav_backup.kloset.directory_writer import File
from caldav_backup.kloset.errors import Damaged, Locked
from caldav_backup.kloset.locks import exclusive_lock
from caldav_backup.kloset.maintenance.applying import apply_maintenance
from caldav_backup.kloset.maintenance.merging import apply_merging
from caldav_backup.kloset.maintenance.repacking import apply_repack, plan_repack
from caldav_backup.kloset.reissue import Reissue, reissue
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.storage import Kind, MemoryStorage
from caldav_backup.retention.plan import Question, plan_prune
from caldav_backup.retention.policy import Policy
from tests.crash.worlds import Contents, assert_nothing_lost
from tests.kloset.stores import IMPORTER, body

SECOND = 10**9
HOUR = 3600 * SECOND
DAY = 24 * HOUR
GRACE = 7 * DAY
STEPS = 25
SLOW = pytest.mark.timeout(3600)


class Machine:
    """A machine whose clock is off; its time passes as everybody's."""

    def __init__(self, years: Years) -> None:
        self.off_ns = 0
        self._years = years

    def clock(self) -> int:
        return self._years.now_ns + self.off_ns

    def sleep(self, seconds: float) -> None:
        self._years.now_ns += int(seconds * SECOND)


class Years:
    """What happens to a store over the years."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.now_ns = time.time_ns()
        self.machines = [Machine(self), Machine(self)]
        self.storage = MemoryStorage(clock=lambda: self.now_ns)
        configuration = Configuration.new(
            encrypted=False, chunking=ChunkSizes(64, 128, 512), packfile=PackfileSizes(max_size=8_000)
        )
        Repository.create(self.storage, configuration)
        self.events = dict.fromkeys(range(8), "")
        self.held: dict[int, Contents] = {}
        #: When the snapshot was made that was stored last, if it was not removed.
        self.last: int | None = None
        #: By packfile, when it was coloured in truth.
        self.coloured: dict[bytes, int] = {}
        self.deeds: list[Callable[[Machine], None]] = [
            self.back_up,
            self.back_up,
            self.back_up,
            self.back_up_while_others_maintain,
            self.remove,
            self.prune,
            self.maintain,
            self.maintain,
            self.repack,
            self.merge,
            self.issue_again,
            self.let_pass,
            self.jump,
            self.jump,
        ]

    def live(self) -> None:
        for _ in range(STEPS):
            self.now_ns += self.chance.randint(1, 100) * SECOND
            before = set(self.storage.ids(Kind.PACKFILE))
            self.chance.choice(self.deeds)(self.chance.choice(self.machines))
            assert_nothing_lost(self.open(), self.held)
            assert len(self.open().snapshots()) == len(self.held)
            self.assert_gone_in_time(before - set(self.storage.ids(Kind.PACKFILE)))
            self.note_colours()

    def open(self) -> Repository:
        return Repository.open(self.storage)

    # What happens

    def jump(self, machine: Machine) -> None:
        machine.off_ns = self.chance.choice(
            [0, self.chance.randint(-30, 30) * HOUR, self.chance.randint(-400, 400) * DAY]
        )

    def let_pass(self, _: Machine) -> None:
        self.now_ns += self.chance.randint(1, 10) * DAY

    def back_up(self, machine: Machine) -> None:
        self.change()
        self.finish(self.begin(machine))

    def back_up_while_others_maintain(self, machine: Machine) -> None:
        """The clock jumps in the middle, and the other machine's as well; nobody may take the lock for abandoned."""
        self.change()
        builder = self.begin(machine)
        self.jump(machine)
        for other in self.machines:
            self.jump(other)
            with pytest.raises(Locked), exclusive_lock(self.open(), clock=other.clock, sleep=other.sleep):
                pytest.fail("the store was taken from a backup that runs")
        self.finish(builder)

    def remove(self, _: Machine) -> None:
        if len(self.held) > 2:
            repository = self.open()
            gone = self.chance.choice(repository.snapshots())
            repository.remove_snapshot(gone.identifier)
            del self.held[gone.timestamp_ns]
            self.last = self.last if self.last in self.held else None

    def prune(self, machine: Machine) -> None:
        """What was stored last stays, whatever time it bears."""
        plan = plan_prune(self.open(), Question(Policy(last=2), machine.clock()))
        for header in plan.apply():
            del self.held[header.timestamp_ns]
        assert self.last is None or self.last in self.held

    def issue_again(self, machine: Machine) -> None:
        repository = self.open()
        if headers := repository.snapshots():
            header = self.chance.choice(headers)
            reissue(repository, [Reissue(header, ["again"])], clock=machine.clock)

    def maintain(self, machine: Machine) -> None:
        repository = self.open()
        with exclusive_lock(repository, clock=machine.clock, sleep=machine.sleep) as lock:
            apply_maintenance(repository, lock, grace_ns=GRACE, clock=machine.clock)

    def repack(self, machine: Machine) -> None:
        repository = self.open()
        with exclusive_lock(repository, clock=machine.clock, sleep=machine.sleep) as lock:
            apply_repack(
                repository,
                plan_repack(repository, enough_small=2, small_share=9.0),
                confirm=lock.confirm,
                clock=machine.clock,
            )

    def merge(self, machine: Machine) -> None:
        repository = self.open()
        with exclusive_lock(repository, clock=machine.clock, sleep=machine.sleep) as lock:
            apply_merging(repository, confirm=lock.confirm, clock=machine.clock)

    # A backup in pieces

    def change(self) -> None:
        self.events[self.chance.choice(list(self.events))] = f" {self.chance.random()}"
        self.events[max(self.events) + 1] = ""
        del self.events[min(self.events)]

    def begin(self, machine: Machine) -> SnapshotBuilder:
        builder = SnapshotBuilder(self.open(), importer=IMPORTER, job="home", clock=machine.clock)
        directory = builder.open_directory("/work")
        directory.add([File(path, content, DAY) for path, content in self.files().items()])
        directory.close({"user.caldav.displayname": b"Work"})
        return builder

    def finish(self, builder: SnapshotBuilder) -> None:
        files = self.files()
        header = builder.finish()
        self.last = header.timestamp_ns
        self.held[header.timestamp_ns] = {f"/work/{name}": content for name, content in files.items()}

    def files(self) -> Mapping[str, bytes]:
        return {f"event-{number:04}.ics": body(number, note) for number, note in self.events.items()}

    # What must hold

    def assert_gone_in_time(self, gone: set[bytes]) -> None:
        """The grace period was over, whatever the clocks said."""
        for packfile in gone:
            assert self.now_ns - self.coloured[packfile] >= GRACE

    def note_colours(self) -> None:
        colours = {
            entry.identifier for entry in self.open().index.colours if entry.resource_type == ResourceType.PACKFILE
        }
        self.coloured = {packfile: self.coloured.get(packfile, self.now_ns) for packfile in colours}


@pytest.mark.parametrize(
    "lives", [pytest.param(2, marks=pytest.mark.full), pytest.param(100, marks=[pytest.mark.soak, SLOW])]
)
def test_clocks_that_jump_lose_nothing(chance: random.Random, lives: int) -> None:
    for _ in range(lives):
        Years(chance).live()


@pytest.mark.full
def test_a_backup_that_slept_for_weeks_is_whole_or_refused(chance: random.Random) -> None:
    """A machine that was suspended in the middle, while others took its lock for abandoned and cleaned up."""
    years = Years(chance)
    here, there = years.machines
    years.back_up(there)
    builder = years.begin(here)
    for header in years.open().snapshots():
        years.open().remove_snapshot(header.identifier)
    years.held.clear()
    years.last = None
    for _ in range(3):
        years.now_ns += 8 * DAY
        years.maintain(there)
    with suppress(Damaged, Locked):
        years.finish(builder)
    assert_nothing_lost(years.open(), years.held)
    years.back_up(here)
    assert_nothing_lost(years.open(), years.held)
    assert len(years.open().snapshots()) == len(years.held)
