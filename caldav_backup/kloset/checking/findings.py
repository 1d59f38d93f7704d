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
    """One thing that is not as it should be: what kind of thing, which one, and what is wrong with it.

    `path` is where in the snapshot it is, "" when that is unknown or no question. `like` is the id of a snapshot that
    was checked before and holds the very same damage: it is told there, and not again. `more` is how many files of
    the directory `path` are meant, where they are too many to be told one by one.
    """

    severity: Severity
    what: str
    where: str
    message: str
    path: str = ""
    like: str = ""
    more: int = 0


class Step(NamedTuple):
    """How far a check is: `done` of `total` things of one kind."""

    what: str
    done: int
    total: int


Progress = Callable[[Step], None]


def no_progress(step: Step) -> None:
    """Nobody watches."""


@dataclass(slots=True)
class Findings:
    """Gathers findings until whoever runs the check takes them; never many, for each step is followed by a `drain`."""

    _waiting: list[Finding] = field(default_factory=list)
    damaged: int = 0
    """How much damage was found so far, taken or not."""

    damaged_states: set[str] = field(default_factory=set)
    """Ids of states that were told of: those in which new ones are looked for later need not be told again."""

    def damage(self, what: str, where: str, message: object, path: str = "", *, like: str = "", more: int = 0) -> None:
        if what == "state":
            self.damaged_states.add(where)
        self._add(Finding(Severity.DAMAGE, what, where, _without_advice(str(message)), path, like, more))

    def warn(self, what: str, where: str, message: object, path: str = "") -> None:
        self._add(Finding(Severity.WARNING, what, where, str(message), path))

    def _add(self, finding: Finding) -> None:
        self._waiting.append(finding)
        self.damaged += finding.severity is Severity.DAMAGE

    def drain(self) -> Iterator[Finding]:
        """What was found since the last time, in the order of finding."""
        found, self._waiting = self._waiting, []
        yield from found


def _without_advice(message: str) -> str:
    """What went wrong, without the advice to run a check: one is running."""
    for advice in ("; run a check to see what is affected", ", or run a check to see what is affected"):
        message = message.removesuffix(advice)
    return message
