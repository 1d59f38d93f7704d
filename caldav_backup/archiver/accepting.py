"""What was taken for a mistake and turns out to be right: suspicious snapshots that hold what is accepted now.

Owns which those are. They lose their tag, so that history and retention count them; how a snapshot gets other tags is
told in `kloset.reissue`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from caldav_backup.archiver.outcome import BackupOptions
from caldav_backup.archiver.parents import History
from caldav_backup.kloset import Header, Repository
from caldav_backup.marks import SUSPICIOUS, failed_paths_in, is_good


def accept(repository: Repository, history: History, options: BackupOptions, accepted: Header) -> Mapping[bytes, bytes]:
    """Take the tag from every suspicious snapshot that holds the same as `accepted`; new ids by old ones.

    Nothing is done unless `options` say that what is gone is gone rightly, and `accepted` is good. `history` is the
    source's, as it was before. Locked, after as many seconds as `options` say; Damaged, StorageError.
    """
    from caldav_backup.kloset.reissue import Reissue, reissue

    if not options.guard.accepts or not is_good(accepted, failed_paths_in(repository)):
        return {}
    same = list(_same(repository, history, accepted))
    changes = [Reissue(header, tuple(tag for tag in header.tags if tag != SUSPICIOUS)) for header in same]
    return reissue(repository, changes, lock_wait=options.lock_wait)


def _same(repository: Repository, history: History, accepted: Header) -> Iterator[Header]:
    """Of the same selection, back to the good one with which all of them were compared."""
    failed_paths = failed_paths_in(repository)
    for header in history.headers():
        if header.perimeter != accepted.perimeter:
            continue
        if SUSPICIOUS in header.tags:
            # The root of the tree names all paths, contents and times below it, and nothing else.
            if header.root == accepted.root:
                yield header
        elif header.root != accepted.root and is_good(header, failed_paths):
            return
