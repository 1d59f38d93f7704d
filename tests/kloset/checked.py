"""What a check tells, and snapshots that are planted with something wrong in them."""

from __future__ import annotations

from collections.abc import Callable

from caldav_backup.kloset.check import Finding, Severity, check
from caldav_backup.kloset.repository import Repository
from tests.kloset.planted import Plant


def findings(repository: Repository, *, read_data: bool = True) -> list[Finding]:
    return list(check(repository, read_data=read_data))


def told(repository: Repository, *, read_data: bool = True) -> set[tuple[Severity, str]]:
    return {(finding.severity, finding.what) for finding in findings(repository, read_data=read_data)}


DAMAGE, WARNING = Severity.DAMAGE, Severity.WARNING


def nothing(plant: Plant) -> None:
    """Leaves a planted snapshot as it is."""


def planted(change: Callable[[Plant], None] = nothing, *, indexes: tuple[str, ...] = ()) -> Repository:
    """A snapshot with a few of everything, changed before it is stored."""
    plant = Plant(indexes=("dirpack", "summary", *indexes))
    for path in ("/a", "/a/b", "/c"):
        plant.directory(path)
    for number in range(30):
        plant.file(f"/a/b/{number:02}.ics", b"content %d" % number)
    plant.directory("/d", extended_attributes=("user.x",))
    plant.attribute("/d", "user.x", b"value")
    plant.fail("/c/lost", "410 Gone")
    change(plant)
    plant.grow()
    return plant.repository


def damage_of(change: Callable[[Plant], None], *, indexes: tuple[str, ...] = ()) -> set[tuple[Severity, str]]:
    repository = planted(change, indexes=indexes)
    assert told(repository) == told(repository, read_data=False)
    return told(repository)


def messages(repository: Repository, what: str = "file tree") -> str:
    return " ".join(finding.message for finding in findings(repository) if finding.what == what)
