"""Goals are judged by medians, and only where there is something to compare with."""

from __future__ import annotations

from benchmarks.crawlers.contestants import BARE, OURS, PEERS, Run
from benchmarks.crawlers.table import Runs, goals, table


def runs(first: list[float], quiet: list[float]) -> Runs:
    return Runs(*([Run(seconds, 4, 1000, 50.0) for seconds in each] for each in (first, quiet)))


def results(ours: float, ours_quiet: float) -> dict[str, Runs]:
    peers = {peer.name: runs([9.0, 2.0, 1.5], [1.0, 1.0, 1.0]) for peer in PEERS}
    return {BARE.name: runs([1.0, 1.0, 9.0], []), OURS.name: runs([ours] * 3, [ours_quiet] * 3), **peers}


def test_every_goal_is_reached_or_missed_by_the_medians() -> None:
    assert [goal.is_reached for goal in goals(results(1.25, 0.09), 10_000)] == [True] * 5
    assert [goal.is_reached for goal in goals(results(1.35, 0.11), 10_000)] == [False, True, False, True, False]
    assert [goal.is_reached for goal in goals(results(2.5, 0.09), 10_000)] == [False, False, True, False, True]


def test_quiet_runs_are_judged_at_the_size_that_the_goal_names() -> None:
    assert len(goals(results(1.0, 9.0), 1_000)) == 3


def test_without_peers_only_the_bare_loop_is_compared_with() -> None:
    alone = {name: each for name, each in results(1.0, 9.0).items() if name in {BARE.name, OURS.name}}
    assert len(goals(alone, 10_000)) == 1
    assert table(alone).splitlines()[2].split() == [
        "ours",
        "1.00",
        "s",
        "1.00",
        "9.00",
        "s",
        "1.00",
        "4",
        "/",
        "4",
        "50",
        "/",
        "50",
    ]
