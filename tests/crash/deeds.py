"""What people do with a store, each in the world that it needs: the deeds that are interrupted here."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

from caldav_backup.kloset.storage import Storage
from tests.crash.worlds import World


def _nothing(_: World) -> Collection[int]:
    return ()


class Deed(NamedTuple):
    """`prepare` makes the world it is done in; `do` does it through the storage given."""

    prepare: Callable[[World], None]
    do: Callable[[World, Storage], None]
    removes: Callable[[World], Collection[int]] = _nothing
    """Times of the snapshots that it removes."""


def _nowhere(world: World) -> None:
    world.put("work", 1)


def _empty(world: World) -> None:
    world.create(world.storage)
    world.put("work", *range(6))
    world.put("home", 20, 21)


def _nightly(world: World) -> None:
    """Three snapshots: one event more each time, one changed, one gone."""
    _empty(world)
    world.back_up()
    world.put("work", 6)
    world.put("home", 20, note="moved")
    world.back_up()
    world.put("work", 7)
    (world.vdir / "home" / "21.ics").unlink()
    world.back_up()
    world.put("work", 8, 9)
    world.remember()


def _init(world: World, storage: Storage) -> None:
    world.create(storage)


def _back_up(world: World, storage: Storage) -> None:
    world.back_up(storage)


def _back_up_with_checkpoints(world: World, storage: Storage) -> None:
    world.back_up(storage, checkpoint_every=0.0)


def _rm(world: World, storage: Storage) -> None:
    repository = world.open(storage)
    first = _first_two(world)
    repository.remove_snapshots([each.identifier for each in repository.snapshots() if each.timestamp_ns in first])


def _first_two(world: World) -> Collection[int]:
    return sorted(world.held)[:2]


DEEDS = {
    "init": Deed(_nowhere, _init),
    "first backup": Deed(_empty, _back_up),
    "next backup": Deed(_nightly, _back_up),
    "backup with checkpoints": Deed(_empty, _back_up_with_checkpoints),
    "rm": Deed(_nightly, _rm, _first_two),
}


def _tonight(number: int) -> Callable[[World], None]:
    def prepare(world: World) -> None:
        world.put("work", number)
        world.put("home", 20, note=f"moved {number} times")

    return prepare


STORY = (
    Deed(_nowhere, _init),
    Deed(_tonight(1), _back_up),
    Deed(_tonight(2), _back_up_with_checkpoints),
    Deed(_tonight(3), _back_up),
    Deed(_nowhere, _rm, _first_two),
    Deed(_tonight(4), _back_up),
)
"""The life of a store, from its beginning."""
