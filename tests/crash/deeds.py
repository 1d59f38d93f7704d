"""What people do with a store: the deeds that are interrupted here."""

from __future__ import annotations

from collections.abc import Callable, Collection

from caldav_backup.kloset.storage import Kind, MemoryStorage, Storage
from tests.crash import upkeep
from tests.crash.deed import Deed, as_it_is
from tests.crash.worlds import World


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


def _thinned(world: World) -> None:
    """Two of three snapshots were removed."""
    _nightly(world)
    _rm(world, world.storage)
    world.remember()


def _coloured(world: World) -> None:
    """Their packfiles were coloured, and one more snapshot was removed since."""
    _thinned(world)
    upkeep.maintain(world, world.storage)
    world.back_up()
    world.put("work", 10)
    world.back_up()
    repository = world.open()
    repository.remove_snapshot(repository.snapshots()[1].identifier)
    world.remember()


def _without_a_state(world: World) -> None:
    """A state was lost, the second of three."""
    _nightly(world)
    states = world.open().index.states
    world.storage.delete(Kind.STATE, states[1])


def _beside_another(world: World) -> None:
    """A store that has the oldest snapshot of another one and lacks the others."""
    _nightly(world)
    world.source, world.storage = world.storage, MemoryStorage("copy")
    world.held = {}
    world.create(world.storage)
    upkeep.sync(world, world.storage, count=1)
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
    "prune": Deed(_nightly, upkeep.prune, upkeep.all_but_the_last),
    "pin": Deed(_nightly, upkeep.pin),
    "maintenance that colours": Deed(_thinned, upkeep.maintain),
    "maintenance that sweeps": Deed(_coloured, upkeep.maintain),
    "repack": Deed(_nightly, upkeep.repack),
    "merging of states": Deed(_coloured, upkeep.merge),
    "maintenance --repack": Deed(_coloured, upkeep.maintain_and_repack),
    "repair": Deed(_without_a_state, upkeep.repair, mends=True),
    "sync": Deed(_beside_another, upkeep.sync),
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
    Deed(as_it_is, upkeep.maintain),
    Deed(_tonight(5), _back_up),
    Deed(as_it_is, upkeep.pin),
    Deed(as_it_is, upkeep.maintain),
    Deed(_tonight(6), _back_up),
    Deed(as_it_is, upkeep.maintain_and_repack),
    Deed(_tonight(7), _back_up),
    Deed(as_it_is, upkeep.prune, upkeep.all_but_the_last),
    Deed(as_it_is, upkeep.maintain_and_repack),
    Deed(as_it_is, upkeep.maintain_and_repack),
    Deed(_tonight(8), _back_up),
)
"""The life of a store, from its beginning."""
