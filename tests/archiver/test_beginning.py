from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from functools import partial

import pytest

from caldav_backup.archiver import BackupOptions, back_up
from caldav_backup.archiver.beginning import begin_when_free
from caldav_backup.archiver.worker import Worker
from caldav_backup.kloset import Configuration, Importer, Repository, SnapshotBuilder
from caldav_backup.kloset.errors import Locked
from caldav_backup.kloset.storage import Kind
from caldav_backup.kloset.storage.memory import MemoryStorage
from caldav_backup.progress import Event, Progress, Waiting, Warned, silent
from tests.archiver.account import Account
from tests.events import event


@pytest.fixture
def begin() -> partial[SnapshotBuilder]:
    repository = Repository.create(MemoryStorage(), Configuration.new(encrypted=False), passphrase=None)
    return partial(SnapshotBuilder, repository, importer=Importer("caldav-backup", "alice@example.org", "/"))


def locks(begin: partial[SnapshotBuilder]) -> list[bytes]:
    return list(begin.args[0].storage.ids(Kind.LOCK))


async def begun(begin: Callable[[], SnapshotBuilder], wait: float, progress: Progress = silent) -> SnapshotBuilder:
    async with Worker() as worker:
        return await begin_when_free(worker, begin, wait, progress=progress, poll_every=0.01)


class Maintained:
    """A store that is locked the first times that a snapshot is begun."""

    def __init__(self, begin: Callable[[], SnapshotBuilder], times: float) -> None:
        self.begin, self.left = begin, times

    def __call__(self) -> SnapshotBuilder:
        self.left -= 1
        if self.left >= 0:
            raise Locked("maintenance", "somebody")
        return self.begin()


def test_the_end_of_a_maintenance_is_waited_for(begin: partial[SnapshotBuilder]) -> None:
    told: list[Event] = []
    builder = asyncio.run(begun(Maintained(begin, 2), 60, told.append))
    assert told == [Waiting("somebody")]
    assert len(locks(begin)) == 1
    builder.abort()


@pytest.mark.parametrize("wait", [0.0, 0.02])
def test_a_maintenance_that_goes_on_is_not_waited_for_any_longer(begin: partial[SnapshotBuilder], wait: float) -> None:
    with pytest.raises(Locked):
        asyncio.run(begun(Maintained(begin, float("inf")), wait))


def test_the_wait_ends_when_the_run_is_cancelled(begin: partial[SnapshotBuilder]) -> None:
    async def story() -> None:
        waiting = asyncio.create_task(begun(Maintained(begin, float("inf")), 3600))
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(waiting, 0.02)

    asyncio.run(asyncio.wait_for(story(), 10))


def test_a_run_that_is_cancelled_while_it_begins_leaves_no_lock(begin: partial[SnapshotBuilder]) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def slowly() -> SnapshotBuilder:
        builder = begin()
        inside.set()
        assert go_on.wait(10)
        return builder

    async def story() -> None:
        beginning = asyncio.create_task(begun(slowly, 0))
        assert await asyncio.to_thread(inside.wait, 10)
        assert len(locks(begin)) == 1
        beginning.cancel()
        await asyncio.sleep(0)
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await beginning

    asyncio.run(story())
    assert locks(begin) == []


def test_what_fails_after_a_run_was_cancelled_is_not_printed() -> None:
    inside, go_on = threading.Event(), threading.Event()
    unheard: list[object] = []

    def fail() -> None:
        inside.set()
        assert go_on.wait(10)
        raise Locked("nobody wants to know")

    async def story() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: unheard.append(context))
        async with Worker() as worker:
            job = asyncio.create_task(worker.run(fail))
            assert await asyncio.to_thread(inside.wait, 10)
            job.cancel()
            await asyncio.sleep(0)
            go_on.set()
            with pytest.raises(asyncio.CancelledError):
                await job

    asyncio.run(story())
    assert unheard == []


def test_what_is_wrong_with_the_locks_is_told_at_the_end_of_a_run(repository: Repository) -> None:
    repository.storage.write(Kind.LOCK, bytes(32), b"no lock at all")
    told: list[Event] = []
    there = Account({"work": {"a.ics": event(1).content}})
    asyncio.run(back_up(there, repository, BackupOptions(job="home"), progress=told.append))
    (warning,) = [each.message for each in told if isinstance(each, Warned)]
    assert "has a lock that cannot be read, so plakar cannot back up" in warning
