"""A restore's goals are judged by medians of one race, each on the server that it is for."""

from __future__ import annotations

from benchmarks.crawlers.contestants import Run
from benchmarks.restorers.results import AGAIN, AT_ONCE, WHOLE, WRITTEN, goals, loop, table

EVENTS = 1_000


def runs(*seconds: float, requests: int = EVENTS) -> list[Run]:
    return [Run(each, requests, 1000, 50.0) for each in seconds]


def results(whole: float, requests: int = 13) -> dict[str, list[Run]]:
    loops = {loop(EVENTS, at_once).name: runs(9.0, 12.0 / at_once, 12.0 / at_once) for at_once in AT_ONCE}
    ours = {WRITTEN.name: runs(whole), WHOLE.name: runs(9.0, whole, whole)}
    return {**loops, **ours, AGAIN.name: runs(0.5, requests=requests)}


def reached(server: str, whole: float, requests: int = 13) -> list[bool]:
    return [goal.is_reached for goal in goals(server, results(whole, requests), EVENTS)]


def test_sabredav_is_raced_against_one_put_after_the_other() -> None:
    assert reached("sabredav", 4.0) == [True, True]
    assert reached("sabredav", 4.1) == [True, False]


def test_cyrus_is_raced_against_the_fastest_loop() -> None:
    assert reached("cyrus", 1.25) == [True, True]
    assert reached("cyrus", 1.26) == [True, False]


def test_a_run_with_nothing_to_do_is_judged_by_its_requests() -> None:
    assert reached("radicale", 9.0, 13) == [True]
    assert reached("radicale", 9.0, 14) == [False]


def test_a_goal_says_what_it_is_and_whether_it_was_missed() -> None:
    (_, goal) = goals("sabredav", results(4.1), EVENTS)
    assert str(goal).split()[-5:] == ["2.93", "(at", "least", "3)", "MISSED"]


def test_the_table_has_a_row_for_each_contestant() -> None:
    rows = table(results(4.0), EVENTS).splitlines()
    assert len(rows) == 1 + len(AT_ONCE) + 3
    assert rows[1].split()[-5:] == ["12.00", "83", "1.00", "1000", "50"]
