"""A second snapshot of the same tree.

Owns the commit that makes it: headers alone, for trees are shared. Unlike `reissue`, what there was before stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from caldav_backup.kloset.locks import Tell, shared_lock, silent
from caldav_backup.kloset.reissue import (
    NewIdentifier,
    Reissue,
    look_again,
    new_headers,
    require_named_once,
    store_headers,
)
from caldav_backup.kloset.resources import random_identifier

if TYPE_CHECKING:
    from caldav_backup.kloset.header import Header
    from caldav_backup.kloset.repository import Repository


def duplicate(
    repository: Repository,
    originals: Sequence[Reissue],
    *,
    lock_wait: float = 0.0,
    tell: Tell = silent,
    new_identifier: NewIdentifier = random_identifier,
) -> dict[bytes, Header]:
    """Another snapshot beside each of these, in one commit under the shared lock; by the original's id its header.

    Tree, time, and all else but the tags stay; a signature covers the id and is left out. plakar's `dup` gives its
    duplicate the time of the deed (kloset 90a8f211, `snapshot/builder.go: Fork`); here a snapshot's time is when its
    source was read, so an old one never becomes the newest. SnapshotNotFound when one was removed meanwhile;
    UnsupportedStore where a header holds what this version would lose; Locked after `lock_wait` seconds;
    InvalidArgument for one that is named twice; StorageError.
    """
    if not originals:
        return {}
    require_named_once(originals, "duplicated")
    state = new_identifier()
    with shared_lock(repository, state, wait=lock_wait, tell=tell) as lock:
        # Nothing may refer to what was removed before the lock was taken.
        look_again(repository, [original.header for original in originals])
        headers = new_headers(originals, new_identifier)
        placed = store_headers(repository, headers.values(), state)
        lock.confirm()
        repository.put_state(state, placed)
    return headers
