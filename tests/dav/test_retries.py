from __future__ import annotations

import pytest

from caldav_backup import dav
from caldav_backup.dav.budget import Budget
from caldav_backup.dav.retries import Repeating, is_repeating
from tests.dav.fakes import Waits, run


def attempts(errors: list[Exception], **options: float) -> tuple[int | Exception, list[float]]:
    """What comes of a job that fails with these errors first, and the waits in between."""
    waits = Waits()
    policy = dav.Retries(sleep=waits, chance=lambda: 0.0, clock=waits.clock, **options)  # type: ignore[arg-type]  # floats
    retries = Repeating(policy, Budget(waits.clock))

    async def attempt(number: int) -> int:
        if number < len(errors):
            raise errors[number]
        return number

    try:
        return run(retries.run(attempt)), list(waits)
    except dav.DavError as error:
        return error, list(waits)


def test_waits_double_and_end() -> None:
    errors: list[Exception] = [dav.ServerUnreachable(str(number)) for number in range(9)]
    result, waits = attempts(errors)
    assert result is errors[3]
    assert waits == [0.5, 1.0, 2.0]


def test_a_busy_server_is_left_alone_longer() -> None:
    assert attempts([dav.Unavailable("503"), dav.TooManyRequests("429")]) == (2, [2.0, 4.0])


def test_no_wait_is_longer_than_allowed() -> None:
    assert attempts([dav.Unavailable("503")] * 3, longest_wait=3.0) == (3, [2.0, 3.0, 3.0])


def test_the_server_says_when_to_come_back() -> None:
    assert attempts([dav.TooManyRequests("429", retry_after=17.0)]) == (1, [17.0])


@pytest.mark.parametrize("seconds", [3600.0, 1e30, float("inf")])
def test_a_server_that_wants_hours_is_not_waited_for(seconds: float) -> None:
    error = dav.TooManyRequests("429", retry_after=seconds)
    assert attempts([error]) == (error, [])


def test_a_server_that_wants_us_back_at_once_is_left_alone_all_the_same() -> None:
    assert attempts([dav.TooManyRequests("429", retry_after=0.0)] * 3) == (3, [2.0, 4.0, 8.0])


def test_a_kept_connection_that_is_gone_is_replaced_at_once_but_only_the_first_time() -> None:
    """SOGo 5.8 resets up to one in five of them."""
    lost: list[Exception] = [dav.ConnectionLost("reset")]
    assert attempts(lost) == (1, [])
    assert attempts(lost * 4) == (4, [0.5, 1.0, 2.0])
    error, waits = attempts(lost * 9)
    assert isinstance(error, dav.ConnectionLost)
    assert waits == [0.5, 1.0, 2.0]


def test_a_repeated_attempt_knows_that_it_is_one() -> None:
    seen: list[bool] = []

    async def attempt(number: int) -> None:
        seen.append(is_repeating())
        if number < 2:
            raise dav.ServerUnreachable("away")

    async def story() -> None:
        await Repeating(dav.Retries(sleep=Waits()), Budget()).run(attempt)
        seen.append(is_repeating())

    run(story())
    assert seen == [False, True, True, False]


@pytest.mark.parametrize("kind", [dav.Unauthorized, dav.NotFound, dav.BadAnswer, dav.Refused, dav.UntrustedServer])
def test_what_another_attempt_cannot_mend_is_not_repeated(kind: type[dav.DavError]) -> None:
    error = kind("no")
    assert attempts([error]) == (error, [])


def test_chance_only_shortens_a_wait() -> None:
    waits = Waits()
    retries = Repeating(dav.Retries(sleep=waits, chance=lambda: 1.0), Budget())

    async def attempt(number: int) -> int:
        if not number:
            raise dav.ServerUnreachable("away")
        return number

    assert run(retries.run(attempt)) == 1
    assert waits == [0.375]
