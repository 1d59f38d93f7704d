"""A clock that is wrong, told before it does any harm.

Owns the warning. Backups continue one another whatever their times; but `latest`, listings and retention go by time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from caldav_backup.cli.invocation import Invocation
from caldav_backup.cli.listings import SHORT

if TYPE_CHECKING:
    from caldav_backup.kloset.repository import Repository

#: Seconds that clocks of machines may differ without a word.
TOLERATED = 3600


def warn_of_clock(run: Invocation, repository: Repository, clock: Callable[[], int] = time.time_ns) -> None:
    """Warn when this machine's clock, in Unix nanoseconds, is behind the newest snapshot by more than an hour."""
    from caldav_backup.inspection.moments import local_text
    from caldav_backup.kloset.errors import KlosetError

    newest = None
    with suppress(KlosetError):
        # What is wrong with the store will be told by the work itself.
        newest = next(repository.snapshots_newest_first(), None)
    now_ns = clock()
    if newest is None or newest.timestamp_ns - now_ns <= TOLERATED * 10**9:
        return
    name = newest.identifier.hex()[:SHORT]
    run.warn(
        f"it is {local_text(now_ns)} by this machine's clock, but snapshot {name} is of "
        f"{local_text(newest.timestamp_ns)}: set the clock if it is behind; if it is right, 'latest' means that "
        f"snapshot until 'caldav-backup rm {name} --apply' removes it"
    )
