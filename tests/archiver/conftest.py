"""What the tests of the archiver share: an empty store in memory."""

from __future__ import annotations

import pytest

from caldav_backup.kloset import Configuration, Repository
from caldav_backup.kloset.storage.memory import MemoryStorage


@pytest.fixture
def repository() -> Repository:
    return Repository.create(MemoryStorage(), Configuration.new(encrypted=False), passphrase=None)
