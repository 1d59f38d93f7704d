"""What a maintenance would do, as values.

Owns the plan's parts and their sums. How it comes about is told in `planning`, how it is carried out in `applying`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from caldav_backup.kloset.state import DeleteEntry


class Why(Enum):
    """Why nothing needs a packfile."""

    UNUSED = "unused"
    """No snapshot needs anything in it."""
    ORPHAN = "orphan"
    """No state names it: an interrupted run left it behind, or a state was lost."""
    UNREADABLE = "unreadable"
    """The same, and what is in it cannot be told; its age is that of the file."""


class Unneeded(NamedTuple):
    """A packfile that nothing needs."""

    identifier: bytes
    size: int
    why: Why


class Held(NamedTuple):
    """A packfile that no state names and that stays as it is for now, and the reason as part of a sentence.

    `snapshots` describes those that it holds and that a repair could bring back.
    """

    identifier: bytes
    size: int
    reason: str
    snapshots: tuple[str, ...] = ()


class Expired(NamedTuple):
    """A packfile that was coloured at `coloured_ns`, longer ago than the grace period. `size` is 0 when it is gone."""

    identifier: bytes
    size: int
    coloured_ns: int


class Waiting(NamedTuple):
    """A coloured packfile whose grace period ends at `due_ns`."""

    identifier: bytes
    size: int
    due_ns: int


class Needed(NamedTuple):
    """A coloured packfile that a snapshot needs after all."""

    identifier: bytes
    size: int


class Room(NamedTuple):
    """What the packfiles that stay take up: bytes of blobs that snapshots need, and of such that none needs."""

    live: int
    dead: int


@dataclass(frozen=True, slots=True)
class MaintenancePlan:
    """What a maintenance at `now_ns` does with a grace period of `grace_ns`. Sizes in bytes, times since 1970."""

    now_ns: int
    grace_ns: int
    snapshots: int
    """How many snapshots say what is needed."""
    colour: tuple[Unneeded, ...]
    """Packfiles that are marked as unused now, and deleted by a later maintenance."""
    sweep: tuple[Expired, ...]
    """Packfiles that are deleted now."""
    uncolour: tuple[Needed, ...]
    """Packfiles whose mark is taken back."""
    waiting: tuple[Waiting, ...]
    """Packfiles that were marked before and stay until their time has come."""
    held: tuple[Held, ...]
    """Packfiles that no state names and that may yet be needed."""
    dangling: tuple[DeleteEntry, ...]
    """Locations in packfiles that no state names, to be forgotten."""
    room: Room

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do now."""
        return not (self.colour or self.sweep or self.uncolour or self.dangling)

    @property
    def freed_bytes(self) -> int:
        """Bytes that deleting gives back now."""
        return sum(each.size for each in self.sweep)

    @property
    def coloured_bytes(self) -> int:
        """Bytes that will come back once the grace period of what is marked now is over."""
        return sum(each.size for each in self.colour)

    @property
    def waiting_bytes(self) -> int:
        """Bytes that will come back of what was marked before."""
        return sum(each.size for each in self.waiting)

    @property
    def next_due_ns(self) -> int | None:
        """When the first packfile of those that wait may be deleted."""
        return min((each.due_ns for each in self.waiting), default=None)
