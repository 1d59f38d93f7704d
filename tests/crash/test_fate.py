"""What the dead leave behind for the tests that follow."""

from __future__ import annotations

import threading

import pytest

from caldav_backup.kloset.errors import StorageUnavailable
from caldav_backup.kloset.held_lock import LOCK_THREAD
from tests.crash.fate import Death, Fate


def test_the_thread_of_a_dead_programs_lock_meets_an_error_that_it_bears() -> None:
    fate = Fate(1)
    with pytest.raises(Death), fate.deed():
        pass
    borne: list[StorageUnavailable] = []

    def refresh() -> None:
        try:
            fate.live()
        except StorageUnavailable as error:
            borne.append(error)

    thread = threading.Thread(target=refresh, name=LOCK_THREAD)
    thread.start()
    thread.join()
    assert len(borne) == 1
