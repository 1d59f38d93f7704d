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


def two_at_a_time_from_far(at_once: int) -> float:
    """A way of 90 ms to a server that needs 10 for each request and works on two."""
    return max(0.1, 0.005 * at_once)


def one_at_a_time_from_far(at_once: int) -> float:
    """A way of 70 ms to a server that needs 30 for each request and works on one."""
    return max(0.1, 0.03 * at_once)


def test_a_server_with_time_to_spare_gets_as_many_as_there_is_room_for() -> None:
    found = limits(Width(3, 8), two_at_a_time_from_far, 1000, "PUT")
    assert found.index(6) == 11
    assert found.index(8) == 11 + 9
    assert found.count(1) <= 12
    assert set(found) == {1, 3, 6, 8}
    assert found[-1] == 8


@pytest.mark.parametrize(("server", "most"), [(one_at_a_time, 3), (worse_together, 3), (one_at_a_time_from_far, 6)])
def test_a_server_that_is_no_faster_for_it_gets_no_more(server: Server, most: int) -> None:
    assert max(limits(Width(3, 24), server, 1000, "PUT")) == most


def test_a_server_that_gets_slower_keeps_more_while_they_are_a_gain() -> None:
    width = Width(3, 8)
    assert limits(width, two_at_a_time_from_far, 50, "PUT")[-1] == 8
    assert limits(width, lambda at_once: 0.1 + 0.03 * at_once, 2000, "PUT")[-1] == 8
    assert limits(width, one_at_a_time, 4000, "PUT")[-1] == 3


def test_a_host_that_was_busy_once_gets_no_more_than_usual() -> None:
    width = Width(3, 8)
    limits(width, two_at_a_time_from_far, 50, "PUT")
    width.turned_away()
    assert width.limit == 4
    width.turned_away()
    assert max(limits(width, two_at_a_time_from_far, 1000, "PUT")) == 3


def test_what_is_read_before_says_nothing_of_writing() -> None:
    width = Width(3, 8)
    limits(width, two_at_a_time_from_far, 12, "REPORT")
    assert width.limit == 6
    assert limits(width, one_at_a_time, 10, "PUT")[-1] == 6
    assert limits(width, one_at_a_time, 200, "PUT")[-1] == 3
