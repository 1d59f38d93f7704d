"""Whatever happens to a file of a store is noticed or harmless; nothing is ever read that was not stored.

A sample here, every byte and every length in the soak tier, which prints its table. `judging` says what is allowed.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from itertools import islice

import pytest

from caldav_backup.kloset import KlosetError
from caldav_backup.kloset.check import Severity, check
from caldav_backup.kloset.envelope import HEADER_SIZE
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.storage import Kind
from tests.rot.judging import Outcome, Tally, judge
from tests.rot.small import Small, make_small
from tests.rot.variants import Variant, changed, flips, lengths, wholes

STORES = {
    "sealed, LZ4": (True, "LZ4"),
    "plain, ZSTD": (False, "ZSTD"),
    "plain, LZ4": (False, "LZ4"),
    "sealed, uncompressed": (True, None),
}
SAMPLE = 80
"""Of 50,000 flipped bytes, and of as many lengths."""


@cache
def small(name: str) -> Small:
    encrypted, compression = STORES[name]
    return make_small(encrypted=encrypted, compression=compression)


@cache
def other() -> Small:
    return make_small(encrypted=False, compression="LZ4", number=7)


EVERY: dict[str, Callable[[Small, random.Random], Iterator[Variant]]] = {
    "flips": lambda store, chance: flips(store.storage, chance),
    "lengths": lambda store, _: lengths(store.storage),
    "wholes": lambda store, _: wholes(store.storage, other().storage),
}


def sample(variants: Iterator[Variant], count: int, chance: random.Random, total: int = 50_000) -> Iterator[Variant]:
    step = max(1, total // count)
    return islice(variants, chance.randrange(step), None, step)


def test_a_few_rotten_bytes_are_noticed(chance: random.Random) -> None:
    store = small("sealed, LZ4")
    for variants in (flips(store.storage, chance), lengths(store.storage)):
        for variant in sample(variants, 6, chance):
            judge(store, variant)


@pytest.mark.full
@pytest.mark.parametrize("name", list(STORES)[:2])
def test_rotten_bytes_are_noticed(name: str, chance: random.Random) -> None:
    store = small(name)
    for variants in (flips(store.storage, chance), lengths(store.storage)):
        for variant in sample(variants, SAMPLE, chance):
            judge(store, variant)


@pytest.mark.full
@pytest.mark.parametrize("name", list(STORES)[:2])
def test_files_that_are_gone_swapped_copied_or_renamed_are_noticed(name: str) -> None:
    store, tally = small(name), Tally()
    for variant in wholes(store.storage, other().storage):
        tally.add(variant, judge(store, variant))
    # A lost state is what a check has to tell of.
    assert tally.counts["state", Outcome.LEFT_OUT] >= 3
    assert ("packfile", Outcome.HARMLESS) not in tally.counts


@pytest.mark.soak
@pytest.mark.timeout(0)
@pytest.mark.parametrize("what", ["flips", "lengths", "wholes"])
@pytest.mark.parametrize("name", list(STORES))
def test_every_rotten_byte_and_every_length_is_noticed(name: str, what: str, chance: random.Random) -> None:
    store, tally, begin = small(name), Tally(), time.monotonic()
    for variant in EVERY[what](store, chance):
        tally.add(variant, judge(store, variant))
    seconds = time.monotonic() - begin
    sys.stdout.write(f"\n{name}, {what}: {sum(tally.counts.values())} variants in {seconds:.0f} s\n")
    sys.stdout.write("".join(f"  {line}\n" for line in tally.lines()))


@pytest.mark.full
def test_a_header_that_nothing_covers_is_told_by_check_with_data(chance: random.Random) -> None:
    """Without a seal and without compression a header has no checksum of its own, only that of its whole packfile."""
    store = make_small(encrypted=False, compression=None)
    identifier, told = next(iter(store.told.items()))
    place = store.open(store.storage).index.find_locations(ResourceType.SNAPSHOT, identifier)[0]
    key = (Kind.PACKFILE, place.packfile)
    others = 0
    for at in chance.sample(range(HEADER_SIZE + place.offset, HEADER_SIZE + place.offset + place.length), 30):
        content = bytearray(store.storage.files[key])
        content[at] ^= 1 << chance.randrange(8)
        storage = changed(store.storage, (key, bytes(content)))
        with suppress(KlosetError):
            others += store.open(storage).header(identifier) != told.header
        assert any(finding.severity is Severity.DAMAGE for finding in check(store.open(storage), read_data=True))
    assert others > 0
