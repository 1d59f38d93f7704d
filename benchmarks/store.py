"""A store's whole life against restic and plakar: the same event files, whole commands, encrypted stores.

First backup, nothing changed, one changed, list, restore all, check, check of all data, and prune to the newest
snapshot with its space freed. Wall and processor time are without the derivation of the key, which is measured for
each and taken off; memory is that of the largest process. Our restore reads everything back, which theirs do not.
Rounds alternate; medians. Ends with 1 where a goal is missed; of restic and plakar it takes those on PATH.

    python -m benchmarks.store [--events 10000,100000] [--rounds 3]
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.store_build import change_one, fill
from benchmarks.stores.contestant import STEPS, Contestant, Cost, measure
from benchmarks.stores.ours import Ours
from benchmarks.stores.plakar import Plakar
from benchmarks.stores.restic import Restic

#: The most that ours may take of a peer's wall time, by peer and step.
GOALS: Mapping[str, Mapping[str, float]] = {
    "plakar": dict.fromkeys(STEPS, 1.0),
    "restic": {"nothing changed": 1.0, "list": 1.0},
}
#: A file younger than that proves nothing yet, and would be read again.
SETTLED = 2.1

Costs = dict[str, dict[str, list[Cost]]]
"""By step and contestant, one cost a round."""


def contestants(scratch: Path, source: Path) -> Iterator[Contestant]:
    ours = Ours(scratch, source)
    yield ours
    if shutil.which("restic"):
        yield Restic(scratch, source)
    if shutil.which("plakar"):
        yield Plakar(scratch, source)


def one_round(scratch: Path, count: int, costs: Costs) -> None:
    calendar = scratch / "source" / "work"
    fill(calendar, count)
    time.sleep(SETTLED)
    with ExitStack() as stack:
        running = list(contestants(scratch, calendar.parent))
        for contestant in running:
            stack.callback(contestant.close)
        for step in STEPS:
            if step == "1 changed":
                change_one(calendar)
                time.sleep(SETTLED)
            for contestant in running:
                costs.setdefault(step, {}).setdefault(contestant.name, []).append(measure(contestant, step))


def median(costs: Sequence[Cost]) -> Cost:
    wall, cpu, mebibytes, grown = (statistics.median(column) for column in zip(*costs, strict=True))
    return Cost(wall, cpu, mebibytes, int(grown))


def report(count: int, rounds: int, costs: Costs) -> bool:
    """Print the table; True when every goal is reached."""
    print(f"\n{count:,} events, medians of {rounds}")
    print(f"{'':>16} {'':>7} {'wall s':>8} {'CPU s':>8} {'MiB':>6} {'bytes':>14}   ours / theirs: wall  CPU  bytes")
    kept = True
    for step, by_name in costs.items():
        ours = median(by_name["ours"])
        for name, measured in by_name.items():
            cost = median(measured)
            label = step if name == "ours" else ""
            line = f"{label:>16} {name:>7} {cost.wall:8.2f} {cost.cpu:8.2f} {cost.mebibytes:6.0f} {cost.grown:14,}"
            if name != "ours":
                line += f"   {_ratios(ours, cost)}"
                if ours.wall > GOALS[name].get(step, float("inf")) * cost.wall:
                    line, kept = f"{line}   MISSED", False
            print(line, flush=True)
    return kept


def _ratios(ours: Cost, theirs: Cost) -> str:
    grown = f"{ours.grown / theirs.grown:.2f}" if theirs.grown > 0 and ours.grown > 0 else "-"
    return f"{ours.wall / theirs.wall:.2f}  {ours.cpu / theirs.cpu:.2f}  {grown}"


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure a store's life against restic and plakar.")
    parser.add_argument("--events", default="10000,100000")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    missing = [name for name in GOALS if shutil.which(name) is None]
    if missing:
        print(f"not on PATH, so not measured: {', '.join(missing)}")
    kept = True
    for count in map(int, options.events.split(",")):
        costs: Costs = {}
        for _ in range(options.rounds):
            with tempfile.TemporaryDirectory() as scratch:
                one_round(Path(scratch), count, costs)
        kept &= report(count, options.rounds, costs)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
