from __future__ import annotations

from caldav_backup.dav.patience import Patience, beginning, connecting, silence


def seconds_until_over(each: float, size: int, timeout: float = 60.0, most: float = 100_000.0) -> float | None:
    """When an answer is given up that brings `size` bytes after `each` so many seconds; None: never."""
    patience, passed = Patience(timeout), 0.0
    while passed < most:
        passed += each
        if patience.why_over(each, size) is not None:
            return passed
    return None


def test_a_trickle_is_given_up_after_one_timeout() -> None:
    assert seconds_until_over(5.0, 1) == 60
    assert seconds_until_over(5.0, 1, timeout=10.0) == 10


def test_a_slow_line_has_its_time_but_not_for_ever() -> None:
    assert seconds_until_over(1.0, 20 * 1024) is None
    over = seconds_until_over(1.0, 1024)
    assert over is not None and 1200 <= over <= 1300


def test_a_large_answer_may_take_longer_in_proportion() -> None:
    small, large = (seconds_until_over(1.0, size) for size in (1024, 12 * 1024))
    assert small is not None and large is not None and large > 3 * small


def test_a_pause_after_much_is_no_trickle() -> None:
    patience = Patience(60.0)
    assert patience.why_over(1.0, 1_000_000) is None
    assert patience.why_over(58.0, 1) is None
    assert patience.why_over(58.0, 1_000_000) is None
    assert patience.waited == 117.0


def test_the_time_until_an_answer_begins_grows_with_what_is_sent() -> None:
    assert beginning(60.0, 0) == 240
    assert beginning(60.0, 30 * 1024 * 1024) == 240 + 1920
    assert (connecting(60.0), connecting(5.0)) == (30.0, 5.0)


def test_a_server_that_looks_through_ten_megabytes_may_be_silent_for_longer() -> None:
    assert silence(60.0, 0) == silence(60.0, 1_000_000) == 60
    assert 150 < silence(60.0, 10_000_000) < beginning(60.0, 10_000_000)
