"""The beginning of a snapshot in a store that another program may be maintaining just now.

Owns the wait, which a signal must be able to end: so it is here, and not in the thread that writes to the store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from caldav_backup.archiver.worker import Worker
from caldav_backup.kloset import SnapshotBuilder
from caldav_backup.kloset.errors import Locked
from caldav_backup.kloset.locks import POLL_EVERY
from caldav_backup.progress import Progress, Waiting, silent


async def begin_when_free(
    worker: Worker,
    begin: Callable[[], SnapshotBuilder],
    wait: float,
    *,
    progress: Progress = silent,
    poll_every: float = POLL_EVERY,
) -> SnapshotBuilder:
    """What `begin` makes, tried again for `wait` seconds while it raises Locked. Leaves no lock when cancelled.

    `progress` is told once whom it waits for.
    """
    now = asyncio.get_running_loop().time
    end = now() + wait
    is_told = False
    while True:
        try:
            return await _begin(worker, begin)
        except Locked as error:
            left = end - now()
            if left <= 0:
                raise
            if not is_told:
                progress(Waiting(error.holder))
                is_told = True
        await asyncio.sleep(min(poll_every, left))


async def _begin(worker: Worker, begin: Callable[[], SnapshotBuilder]) -> SnapshotBuilder:
    begun: list[SnapshotBuilder] = []
    try:
        await worker.run(lambda: begun.append(begin()))
    except asyncio.CancelledError:
        for builder in begun:
            await worker.run(builder.abort)
        raise
    return begun[0]
