"""What a check finds, gathered for people and for programs while it runs.

Owns how much of it is kept: for people the first of each kind, for programs everything, on disk where it is much.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from caldav_backup.cli.spool import Spool

if TYPE_CHECKING:
    from caldav_backup.kloset.check import Finding

#: Findings that are told one by one; the JSON document has all of them.
SHOWN = 20
#: The kind of finding that tells of a snapshot which no state names.
LOST = "lost snapshot"


class GatheredFindings:
    """Takes findings one by one. `spool` has their JSON where that is asked for, and is empty otherwise."""

    def __init__(self, *, for_programs: bool) -> None:
        self.spool = Spool()
        self.damaged = 0
        self.warned = 0
        self._for_programs = for_programs
        # By how much they matter: damage, snapshots that could come back, what is only left over.
        self._lines: tuple[list[str], list[str], list[str]] = ([], [], [])

    def add(self, finding: Finding) -> None:
        """One more."""
        from caldav_backup.kloset.check import Severity

        is_damage = finding.severity is Severity.DAMAGE
        self.damaged += is_damage
        self.warned += not is_damage
        if self._for_programs:
            self.spool.append(finding_document(finding))
        lines = self._lines[0 if is_damage else 1 if finding.what == LOST else 2]
        if len(lines) < SHOWN:
            lines.append(f"{finding.severity.value}: {finding.what} {finding.where}: {finding.message}")

    def lines(self) -> list[str]:
        """Damage before warnings, in the order of finding otherwise; the first of them."""
        shown = [line for lines in self._lines for line in lines][:SHOWN]
        more = self.damaged + self.warned - len(shown)
        return [*shown, f"{more} more findings; --json lists all"] if more else shown


def finding_document(finding: Finding) -> dict[str, Any]:
    """One finding for programs."""
    document: dict[str, Any] = {
        "severity": finding.severity.value,
        "what": finding.what,
        "where": finding.where,
        "message": finding.message,
    }
    if finding.path:
        document["path"] = finding.path
    if finding.like:
        document["like"] = finding.like
    if finding.more:
        document["files"] = finding.more
    return document
