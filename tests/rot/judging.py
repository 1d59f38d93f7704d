"""What became of a store to which something happened, and whether that is allowed.

Allowed are: an error of the store's own family where something cannot be read; everything read back byte for byte;
snapshots that are gone and whose packfiles a check reports. Wrong bytes and any other exception never are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from caldav_backup.cli.exits import exit_of
from caldav_backup.kloset import KlosetError, Repository, Snapshot
from caldav_backup.kloset.check import Finding, Severity, check
from caldav_backup.kloset.storage import Kind, Storage
from tests.rot.small import Small, Told
from tests.rot.variants import Variant

DETECTED = {65, 66, 77, 78}


class Outcome(Enum):
    """What a person meets with."""

    REFUSED = "the store is refused"
    NOTICED = "reading fails where it is damaged"
    REPORTED = "all reads back, and check tells of it"
    HARMLESS = "all reads back, and nothing is to be told"
    LEFT_OUT = "snapshots are gone, and check tells of their packfiles"


class Wrong(AssertionError):
    """What must never happen."""


@dataclass
class Tally:
    """Counts outcomes by the kind of file."""

    counts: Counter[tuple[str, Outcome]] = field(default_factory=Counter)

    def add(self, variant: Variant, outcome: Outcome) -> None:
        self.counts[variant.where.split()[0], outcome] += 1

    def lines(self) -> Iterator[str]:
        for (kind, outcome), count in sorted(self.counts.items(), key=lambda item: (item[0][0], item[0][1].name)):
            yield f"{kind:9} {count:7} {outcome.value}"


def judge(small: Small, variant: Variant) -> Outcome:
    """What became of the store; Wrong when it is something that must not be."""
    return judge_storage(small, variant, variant.make())


def judge_storage(small: Small, variant: Variant | str, storage: Storage) -> Outcome:
    """The same of a store to which it happened already."""
    try:
        return _judge(small, variant, storage)
    except Wrong as exc:
        raise Wrong(f"{variant}: {exc}") from exc
    except KlosetError:
        raise
    except Exception as exc:
        raise Wrong(f"{variant}: {type(exc).__name__} came out: {exc}") from exc


def _judge(small: Small, variant: Variant | str, storage: Storage) -> Outcome:
    try:
        repository = small.open(storage)
        found = repository.index.snapshot_ids()
    except KlosetError as exc:
        _require_named(exc)
        _check_anyway(small, storage)
        return Outcome.REFUSED
    if not set(found) <= small.told.keys():
        raise Wrong("a snapshot is there that never was")
    failures = sum(_read(repository, identifier, small.told[identifier]) for identifier in found)
    findings = list(check(small.open(storage), read_data=True))
    if failures:
        if not _damage(findings):
            raise Wrong(f"{failures} things cannot be read, and check tells of no damage")
        return Outcome.NOTICED
    if len(found) < len(small.told):
        _require_reported(small, storage, set(found), findings)
        return Outcome.LEFT_OUT
    if findings:
        return Outcome.REPORTED
    if "flipped" in str(variant) and not str(variant).startswith("lock"):
        raise Wrong("a byte was flipped and nobody tells of it")
    return Outcome.HARMLESS


def _require_named(exc: KlosetError) -> None:
    if exit_of(exc) not in DETECTED or type(exc) is KlosetError or not str(exc):
        raise Wrong(f"the error has no good name: {exc!r}")


def _check_anyway(small: Small, storage: Storage) -> None:
    """A check of what cannot be read as a whole says so too: an error when opening, or damage."""
    try:
        findings = list(check(small.open(storage), read_data=True))
    except KlosetError as exc:
        _require_named(exc)
        return
    if not _damage(findings):
        raise Wrong("the index cannot be read, and check tells of no damage")


def _damage(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.severity is Severity.DAMAGE]


def _read(repository: Repository, identifier: bytes, told: Told) -> int:
    """How much of a snapshot cannot be read; Wrong when something is read that was not stored."""
    try:
        header = repository.header(identifier)
        snapshot = Snapshot(repository, header)
    except KlosetError as exc:
        _require_named(exc)
        return 1
    if header != told.header:
        raise Wrong(f"the header of {identifier.hex()[:8]} is another one: {header}")
    failures = 0
    for path, content in told.contents.items():
        try:
            read = snapshot.read(path)
        except KlosetError as exc:
            _require_named(exc)
            failures += 1
            continue
        if read != content:
            raise Wrong(f"{path} of {identifier.hex()[:8]} reads as {read!r}")
    return failures + _read_together(snapshot, told)


def _read_together(snapshot: Snapshot, told: Told) -> int:
    """The same by walking, and what is no file."""
    failures = 0
    try:
        entries = [entry for entry in snapshot.walk() if entry.is_file]
        if {entry.path: content for entry, content in snapshot.read_many(entries)} != told.contents:
            raise Wrong("walking gives other files than there were")
    except KlosetError as exc:
        _require_named(exc)
        failures += 1
    try:
        if snapshot.attributes_by_path() != told.attributes:
            raise Wrong("attributes are others than there were")
    except KlosetError as exc:
        _require_named(exc)
        failures += 1
    try:
        if dict(snapshot.errors()) != told.errors:
            raise Wrong("errors are others than there were")
    except KlosetError as exc:
        _require_named(exc)
        failures += 1
    return failures


def _require_reported(small: Small, storage: Storage, found: set[bytes], findings: list[Finding]) -> None:
    """Whichever snapshot is gone, a finding names the packfile that still holds it, or the state that is missing."""
    told = {finding.where for finding in findings}
    for packfile, identifier in small.held.items():
        if identifier in found:
            continue
        is_there = packfile in storage.ids(Kind.PACKFILE)
        if is_there and packfile.hex() not in told:
            raise Wrong(f"snapshot {identifier.hex()[:8]} is gone, and check does not name its packfile")
        if not findings:
            raise Wrong(f"snapshot {identifier.hex()[:8]} is gone, and check tells nothing")
