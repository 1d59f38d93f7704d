"""What the runs of one case amount to: a table of medians, and whether the goals are reached."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmarks.crawlers.contestants import BARE, OURS, PEERS, Run

AT_MOST_OF_BARE = 1.3
AT_MOST_OF_A_QUIET_PEER = 0.1
#: The quiet run's goal is for calendars of this size; what a request costs at all outweighs smaller ones.
LARGE = 10_000


@dataclass(slots=True)
class Runs:
    """One contestant's runs, a first and a quiet one for each round."""

    first: list[Run] = field(default_factory=list)
    quiet: list[Run] = field(default_factory=list)

    @property
    def first_seconds(self) -> float:
        return statistics.median(run.seconds for run in self.first)

    @property
    def quiet_seconds(self) -> float:
        return statistics.median(run.seconds for run in self.quiet)


class Goal:
    """One promise: `ratio` has to stay at `limit` or below."""

    def __init__(self, text: str, ratio: float, limit: float) -> None:
        self.is_reached = ratio <= limit
        self._line = f"{text:<58} {ratio:6.2f}   (at most {limit:g})   {'ok' if self.is_reached else 'MISSED'}"

    def __str__(self) -> str:
        return self._line


def table(results: Mapping[str, Runs]) -> str:
    """A row for each contestant: seconds, their ratios (to the bare loop, to our quiet run), requests, MiB."""
    bare, ours = results[BARE.name].first_seconds, results[OURS.name].quiet_seconds
    head = f"{'':<22}{'first':>9}{'of bare':>9}{'quiet':>10}{'of ours':>9}{'requests':>14}{'MiB':>11}"
    return "\n".join([head, *(_row(name, runs, bare, ours) for name, runs in results.items())])


def _row(name: str, runs: Runs, bare: float, ours: float) -> str:
    row = f"{name:<22}{runs.first_seconds:>7.2f} s{runs.first_seconds / bare:>9.2f}"
    if runs.quiet:
        row += f"{runs.quiet_seconds:>8.2f} s{runs.quiet_seconds / ours:>9.2f}"
    else:
        row += f"{'-':>10}{'-':>9}"
    kinds = [each for each in (runs.first, runs.quiet) if each]
    requests = " / ".join(f"{statistics.median(run.requests for run in kind):.0f}" for kind in kinds)
    peaks = " / ".join(f"{statistics.median(run.peak for run in kind):.0f}" for kind in kinds)
    return row + f"{requests:>14}{peaks:>11}"


def goals(results: Mapping[str, Runs], events: int) -> list[Goal]:
    """Those that can be judged by these results: without peers only the one about the bare loop."""
    ours = results[OURS.name]
    bare = results[BARE.name]
    peers = {peer.name: results[peer.name] for peer in PEERS if peer.name in results}
    found = [Goal("first run, of the bare loop's", ours.first_seconds / bare.first_seconds, AT_MOST_OF_BARE)]
    for name, peer in peers.items():
        found.append(Goal(f"first run, of {name}'s", ours.first_seconds / peer.first_seconds, 1.0))
        if events >= LARGE:
            ratio = ours.quiet_seconds / peer.quiet_seconds
            found.append(Goal(f"quiet run, of {name}'s", ratio, AT_MOST_OF_A_QUIET_PEER))
    return found
