"""Everything that can happen to one file of a store, one thing after the other."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from caldav_backup.kloset.storage import Kind, MemoryStorage

Place = tuple[Kind, bytes] | None
"""One file; None is CONFIG."""


class Variant(NamedTuple):
    """One store with one thing done to it; `where` and `what` say to which file, and what."""

    where: str
    what: str
    make: Callable[[], MemoryStorage]

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def places(storage: MemoryStorage) -> dict[str, Place]:
    """Every file by a name that is the same in each run, in the order of writing."""
    found: dict[str, Place] = {"CONFIG": None}
    for kind in Kind:
        mine = [key for key in storage.files if key[0] is kind]
        found |= {f"{kind.noun} {number}": key for number, key in enumerate(mine)}
    return found


def get(storage: MemoryStorage, place: Place) -> bytes:
    content = storage.configuration if place is None else storage.files[place]
    assert content is not None
    return content


def changed(storage: MemoryStorage, *changes: tuple[Place, bytes | None]) -> MemoryStorage:
    """The same store with other content, or nothing, in some places."""
    copy = MemoryStorage(storage.location)
    copy.configuration, copy.files = storage.configuration, dict(storage.files)
    for place, content in changes:
        if place is None:
            copy.configuration = content
        elif content is None:
            copy.files.pop(place, None)
        else:
            copy.files[place] = content
    return copy


def flips(storage: MemoryStorage, chance: random.Random) -> Iterator[Variant]:
    """Every byte of every file, one bit of it."""
    for where, place in places(storage).items():
        for at in range(len(get(storage, place))):
            bit = chance.randrange(8)
            yield Variant(where, f"bit {bit} of byte {at} flipped", partial(_flip, storage, place, at, bit))


def _flip(storage: MemoryStorage, place: Place, at: int, bit: int) -> MemoryStorage:
    content = bytearray(get(storage, place))
    content[at] ^= 1 << bit
    return changed(storage, (place, bytes(content)))


def lengths(storage: MemoryStorage) -> Iterator[Variant]:
    """Every file cut short at every length, and longer than it was."""
    for where, place in places(storage).items():
        content = get(storage, place)
        for length in range(len(content)):
            yield _replaced(storage, where, place, f"cut after {length} bytes", content[:length])
        for tail in (b"\0", content[-1:], bytes(4096), content[-48:], content):
            yield _replaced(storage, where, place, f"longer by {len(tail)} bytes", content + tail)


def _replaced(storage: MemoryStorage, where: str, place: Place, what: str, content: bytes | None) -> Variant:
    return Variant(where, what, partial(changed, storage, (place, content)))


def wholes(storage: MemoryStorage, other: MemoryStorage) -> Iterator[Variant]:
    """What happens to whole files: gone, empty, holes, in another's place, under another name. `other` is a store."""
    all_places = places(storage)
    for where, place in all_places.items():
        content = get(storage, place)
        yield _replaced(storage, where, place, "gone", None)
        yield _replaced(storage, where, place, "all zero", bytes(len(content)))
        yield _replaced(storage, where, place, "twice", content + content)
        for name, elsewhere in all_places.items():
            if name != where:
                yield _replaced(storage, where, place, f"is {name}", get(storage, elsewhere))
        for name, elsewhere in all_places.items():
            if name > where:
                yield Variant(where, f"and {name} swapped", partial(_swapped, storage, place, elsewhere))
        for name, elsewhere in places(other).items():
            yield _replaced(storage, where, place, f"is {name} of another store", get(other, elsewhere))
        if place is not None:
            copy = (place[0], place[1][::-1])
            yield Variant(where, "copied", partial(changed, storage, (copy, content)))
            yield Variant(where, "renamed", partial(changed, storage, (copy, content), (place, None)))


def _swapped(storage: MemoryStorage, one: Place, two: Place) -> MemoryStorage:
    return changed(storage, (one, get(storage, two)), (two, get(storage, one)))
