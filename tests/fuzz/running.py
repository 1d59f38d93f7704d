"""Runs many changed inputs through the parsers, and keeps count.

Owns what is allowed: an error of the store's own family, or none. Every input has a second; what the whole run may add
to the program's memory is asserted by whoever runs it.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from caldav_backup.kloset import KlosetError
from caldav_backup.kloset.errors import InvalidArgument
from tests.fuzz.mutating import mutate
from tests.fuzz.targets import Target

SECONDS = 2.0
"""That one input may take, on a busy machine."""


class Escaped(AssertionError):
    """Something came out that must not; the message holds what is needed to see it again."""


@dataclass
class Count:
    """What became of the inputs of one target."""

    outcomes: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    slowest: float = 0.0

    @property
    def inputs(self) -> int:
        return sum(self.outcomes.values())


def run(targets: Sequence[Target], inputs: int, chance: random.Random) -> dict[str, Count]:
    """So many inputs, shared among the targets."""
    counts = {target.name: Count() for target in targets}
    shares = [target.share for target in targets]
    for target in chance.choices(targets, shares, k=inputs):
        _run_one(target, mutate(target.samples, chance), counts[target.name])
    return counts


def _run_one(target: Target, content: bytes, count: Count) -> None:
    begin = time.perf_counter()
    try:
        target.parse(content)
        outcome = "read"
    except InvalidArgument as exc:
        raise Escaped(f"{target.name}: {exc!r} for {content.hex()}") from exc
    except KlosetError as exc:
        outcome = type(exc).__name__
    except Exception as exc:
        raise Escaped(f"{target.name}: {exc!r} for {content.hex()}") from exc
    took = time.perf_counter() - begin
    if took > SECONDS:
        raise Escaped(f"{target.name}: {took:.1f} s for {content.hex()}")
    count.outcomes[outcome] += 1
    count.seconds += took
    count.slowest = max(count.slowest, took)


def lines(counts: dict[str, Count]) -> Iterator[str]:
    yield f"{'parser':22} {'inputs':>8} {'read':>8} {'refused':>8} {'s':>6}  slowest"
    for name, count in counts.items():
        read = count.outcomes["read"]
        yield (
            f"{name:22} {count.inputs:8} {read:8} {count.inputs - read:8} {count.seconds:6.1f}"
            f"  {count.slowest * 1000:.1f} ms"
        )
