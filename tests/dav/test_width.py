from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from caldav_backup.dav.width import Sample, Width

#: Seconds that a request takes when so many are under way.
Server = Callable[[int], float]


def one_at_a_time(at_once: int) -> float:
    return 0.1 * at_once


def several_at_a_time(at_once: int) -> float:
    return 0.1


def worse_together(at_once: int) -> float:
    return 0.1 * at_once**2


def limits(width: Width, server: Server, requests: int, method: str = "REPORT") -> list[int]:
    """The limit after each of so many answers, with as many requests under way as may be."""
    found = []
    for _ in range(requests):
        at_once = width.limit
        width.answered(Sample(method, at_once, server(at_once), 50_000))
        found.append(width.limit)
    return found


def test_three_at_once_to_begin_with() -> None:
    assert Width().limit == 3
    assert Width(1).limit == 1


@pytest.mark.parametrize("server", [one_at_a_time, several_at_a_time])
def test_a_server_that_loses_nothing_keeps_three(server: Server) -> None:
    found = limits(Width(), server, 300)
    # Now and then three requests are sent alone, to know what one takes.
    assert set(found) == {1, 3}
    assert found.count(1) <= 9
    assert found[-1] == 3


def test_a_server_that_gets_slower_is_asked_one_at_a_time() -> None:
    found = limits(Width(), worse_together, 110)
    assert found[:8] == [3] * 8
    assert set(found[8:]) == {1}


def test_it_is_tried_again_later_and_ever_more_seldom() -> None:
    found = limits(Width(), worse_together, 3000)
    tried_at = [number for number, (one, next_) in enumerate(itertools.pairwise(found)) if (one, next_) == (1, 3)]
    assert 3 <= len(tried_at) <= 5
    assert tried_at[0] == pytest.approx(111, abs=3)
    gaps = [later - earlier for earlier, later in itertools.pairwise(tried_at)]
    assert gaps == sorted(gaps)
    assert Width().limit == limits(Width(), several_at_a_time, 3000)[-1]


def test_a_server_that_recovers_gets_three_again() -> None:
    width = Width()
    limits(width, worse_together, 50)
    assert limits(width, several_at_a_time, 300)[-1] == 3


def test_larger_answers_take_longer_and_that_means_nothing() -> None:
    width = Width()
    for size in itertools.islice(itertools.cycle([500_000, 50_000, 5_000]), 200):
        at_once = width.limit
        width.answered(Sample("REPORT", at_once, size / 1e6 * at_once, size))
    assert width.limit == 3


def test_only_like_is_compared_with_like() -> None:
    width = Width()
    limits(width, lambda _: 5.0, 9, "REPORT")
    assert width.limit == 1
    limits(width, lambda _: 0.001, 3, "PROPFIND")
    assert width.limit == 3


def test_a_request_that_was_under_way_already_is_not_taken_for_one_alone() -> None:
    width = Width()
    limits(width, worse_together, 9)
    for _ in range(2):
        width.answered(Sample("REPORT", 3, 0.9, 50_000))
    assert width.limit == 1
    limits(width, worse_together, 3)
    assert limits(width, worse_together, 10) == [1] * 10


def test_a_busy_host_gets_half_and_more_again_slowly() -> None:
    width = Width(4)
    width.turned_away()
    assert width.limit == 2
    width.turned_away()
    width.turned_away()
    assert width.limit == 1
    found = limits(width, several_at_a_time, 19)
    assert set(found) == {1}
    assert limits(width, several_at_a_time, 1)[-1] == 2
    assert 4 in limits(width, several_at_a_time, 200)
