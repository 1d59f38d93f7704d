"""What the runs on one server amount to: a table of medians, and whether the goals are reached."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

from benchmarks.crawlers.contestants import Contestant, Run

PACKAGE = "benchmarks.restorers"
AT_ONCE = (1, 3, 6, 8, 12)


def loop(events: int, at_once: int) -> Contestant:
    """That many PUTs at once."""
    name = "one PUT after the other" if at_once == 1 else f"{at_once} PUTs at once"
    return Contestant(name, "loop", (str(events), str(at_once)), package=PACKAGE)


WHOLE = Contestant("ours: plan, write, read back", "ours", ("verify",), package=PACKAGE)
WRITTEN = Contestant("ours: plan, write", "ours", ("trust",), package=PACKAGE)
AGAIN = Contestant("ours: once more", "ours", ("verify",), package=PACKAGE)

IN_TURN = "one PUT after the other"
TIMES_FASTER = 3.0
OF_SATURATED = 0.8

Results = Mapping[str, Sequence[Run]]


class Goal:
    """One promise: `value` has to be at least, or at most, `bound`."""

    def __init__(self, text: str, value: float, *, at_least: float | None = None, at_most: float | None = None) -> None:
        too_low = at_least is not None and value < at_least
        too_high = at_most is not None and value > at_most
        self.is_reached = not (too_low or too_high)
        bound = f"at least {at_least:g}" if at_least is not None else f"at most {at_most:g}"
        self._line = f"{text:<58} {value:7.2f}   ({bound})   {'ok' if self.is_reached else 'MISSED'}"

    def __str__(self) -> str:
        return self._line


def table(results: Results, events: int) -> str:
    """A row for each contestant: seconds, events a second, times as fast as one PUT after the other, requests, MiB."""
    in_turn = seconds(results[IN_TURN])
    head = f"{'':<30}{'seconds':>9}{'events/s':>10}{'times':>8}{'requests':>10}{'MiB':>6}"
    return "\n".join([head, *(_row(name, runs, events, in_turn) for name, runs in results.items())])


def _row(name: str, runs: Sequence[Run], events: int, in_turn: float) -> str:
    median = seconds(runs)
    return (
        f"{name:<30}{median:>9.2f}{events / median:>10.0f}{in_turn / median:>8.2f}"
        f"{requests(runs):>10.0f}{statistics.median(run.peak for run in runs):>6.0f}"
    )


def goals(server: str, results: Results, events: int) -> list[Goal]:
    """The promises that are made for this server; what it takes is compared with what is written, not with reading."""
    most = 3 + math.ceil(events / 100)
    found = [Goal("requests when there is nothing to do", requests(results[AGAIN.name]), at_most=most)]
    if server == "sabredav":
        ratio = seconds(results[IN_TURN]) / seconds(results[WHOLE.name])
        found.append(Goal("times as fast as one PUT after the other", ratio, at_least=TIMES_FASTER))
    if server == "cyrus":
        written = seconds(results[WRITTEN.name])
        saturated = min(seconds(runs) for name, runs in results.items() if "PUT" in name)
        found.append(Goal("of the rate that the server takes PUTs at", saturated / written, at_least=OF_SATURATED))
    return found


def seconds(runs: Sequence[Run]) -> float:
    """The median."""
    return statistics.median(run.seconds for run in runs)


def requests(runs: Sequence[Run]) -> float:
    """The median."""
    return statistics.median(run.requests for run in runs)
