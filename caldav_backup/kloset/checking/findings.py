"""What a check finds.

Owns the values that leave it and the way in which parts of the check gather them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple


class Severity(Enum):
    """How bad a finding is."""

    DAMAGE = "damage"
    """Something that was stored cannot be read, or not be trusted."""
    WARNING = "warning"
    """Everything can be read; something is left over, or another program may stumble over it."""


class Finding(NamedTuple):
    """One thing that is not as it should be: what kind of thing, which one, and what is wrong with it."""

    severity: Severity
    what: str
    where: str
    message: str


class Step(NamedTuple):
    """How far a check is: `done` of `total` things of one kind."""

    what: str
    done: int
    total: int


Progress = Callable[[Step], None]


@dataclass(slots=True)
class Findings:
    """Gathers findings until whoever runs the check takes them; never many, for each step is followed by a `drain`."""

    _waiting: list[Finding] = field(default_factory=list)
    count: int = 0
    """Everything that was found so far, taken or not."""

    def damage(self, what: str, where: str, message: object) -> None:
        self._add(Finding(Severity.DAMAGE, what, where, str(message)))

    def warn(self, what: str, where: str, message: object) -> None:
        self._add(Finding(Severity.WARNING, what, where, str(message)))

    def _add(self, finding: Finding) -> None:
        self._waiting.append(finding)
        self.count += 1

    def drain(self) -> Iterator[Finding]:
        """What was found since the last time, in the order of finding."""
        found, self._waiting = self._waiting, []
        yield from found
