"""The snapshot of what a restore is about to change, and the command that undoes the restore.

Owns what such a snapshot holds and to whom it belongs: it is of the same source as the backups of that account, so that
little has to be read, and it is tagged, so that nothing takes it for one of them.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from caldav_backup.cli.command_line import context
from caldav_backup.cli.endpoints import open_source
from caldav_backup.cli.exits import Guarded
from caldav_backup.cli.invocation import Invocation
from caldav_backup.cli.listings import SHORT
from caldav_backup.cli.progress_view import watched
from caldav_backup.cli.render import about
from caldav_backup.marks import BEFORE_RESTORE, IMPORTER_TYPE
from caldav_backup.settings import Kind, without_password

if TYPE_CHECKING:
    from caldav_backup.archiver import Outcome
    from caldav_backup.connectors.base import Source
    from caldav_backup.kloset.repository import Repository
    from caldav_backup.progress import Progress
    from caldav_backup.restorer import Invites, RestorePlan

#: How many snapshots back the backups of the same account are looked for.
DEPTH = 100


@dataclass(frozen=True, slots=True)
class Safety:
    """Backs up what restores to `to`, as the command line names it, would change."""

    run: Invocation
    repository: Repository
    to: str

    async def back_up(self, plan: RestorePlan) -> str:
        """Store the calendars that `plan` changes as they are; the new snapshot's id in hex.

        Guarded when not all of them can be read: what is not read could not be put back.
        """
        from caldav_backup.kloset.errors import KlosetError

        source = open_source(self.run, self.run.settings.given_location(Kind.DESTINATION, self.to))
        hint = "backing up what is there before it is changed (--no-safety-snapshot goes on without)"
        try:
            with about(hint, KlosetError), watched(self.run, "what is there") as progress:
                outcome = await self._backed_up(source, plan, progress)
        finally:
            await source.close()
        if outcome.is_partial or outcome.snapshot is None:
            path, reason = outcome.failures[0] if outcome.failures else ("/", "nothing was stored")
            raise Guarded(
                f"not all of what would be changed can be backed up first ({path}: {reason}), so nothing was written;"
                " --no-safety-snapshot goes on without"
            )
        return outcome.snapshot

    async def _backed_up(self, source: Source, plan: RestorePlan, progress: Progress) -> Outcome:
        from caldav_backup.archiver import BackupOptions, Guard, Selection, back_up

        options = BackupOptions(
            job=self._job(source.origin),
            tags=(BEFORE_RESTORE,),
            context=context(self.run.words),
            selection=Selection(keys=tuple(each.key for each in plan.touched)),
            guard=Guard(1.0, accept_shrink=True, allow_empty=True),
        )
        return await back_up(source, self.repository, options, progress=progress)

    def _job(self, origin: str) -> str:
        """The name under which this account is backed up; "" where it is not."""
        for header, _ in zip(self.repository.snapshots_newest_first(), range(DEPTH), strict=False):
            if header.importer.type == IMPORTER_TYPE and header.importer.origin == origin:
                return header.job
        return ""

    def undo(self, snapshot: str, invites: Invites) -> str:
        """The command line that puts back what is in `snapshot`."""
        # By its name where it has one: the passphrase may be known by that name only.
        store = self.run.store()
        place = f"@{store.name}" if store.name else self.repository.storage.location
        words = ["caldav-backup", "at", place, "restore", snapshot[:SHORT]]
        words += ["--to", without_password(self.to)]
        words += ["--on-conflict", "replace", "--delete-extra", "--max-delete", "100%"]
        # Guests that were taken out are to come back, so only whoever allowed mails goes on allowing them.
        words += ["--invites", "allow"] if invites.value == "allow" else []
        return shlex.join(words if self.run.terminal.can_ask else [*words, "--yes"])
