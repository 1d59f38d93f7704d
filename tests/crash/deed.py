"""One thing that people do with a store, and in what world."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

from caldav_backup.kloset.storage import Storage
from tests.crash.worlds import World


def nothing(_: World) -> Collection[int]:
    return ()


def as_it_is(_: World) -> None:
    """Prepares nothing."""


class Deed(NamedTuple):
    """`prepare` makes the world it is done in, or changes the one before; `do` does it through the storage given."""

    prepare: Callable[[World], None]
    do: Callable[[World, Storage], None]
    removes: Callable[[World], Collection[int]] = nothing
    """Times of the snapshots that it removes."""
    mends: bool = False
    """The store is damaged before, and sound afterwards."""
