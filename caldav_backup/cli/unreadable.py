"""Snapshots whose descriptions cannot be read: nothing but their ids is known of them.

Owns how they are named on a command line; only `rm` has any use for them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from caldav_backup.kloset.repository import Repository

_PREFIX = re.compile(r"[0-9a-f]{4,64}")


def unreadable_ids(repository: Repository, words: Sequence[str]) -> list[bytes]:
    """The ids that all of `words` begin, when each of them means one snapshot that cannot be read; none otherwise."""
    ids = repository.index.snapshot_ids()
    found = [_unreadable_id(repository, ids, word.lower()) for word in words]
    known = [identifier for identifier in found if identifier is not None]
    return list(dict.fromkeys(known)) if len(known) == len(words) else []


def _unreadable_id(repository: Repository, ids: Sequence[bytes], word: str) -> bytes | None:
    from caldav_backup.kloset.errors import Damaged

    if not _PREFIX.fullmatch(word):
        return None
    meant = [identifier for identifier in ids if identifier.hex().startswith(word)]
    if len(meant) != 1:
        return None
    try:
        repository.header(meant[0])
    except Damaged:
        return meant[0]
    return None
