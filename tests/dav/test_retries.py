from __future__ import annotations

import pytest

from caldav_backup import dav
from tests.dav.fakes import Waits, run


def attempts(errors: list[Exception], **options: float) -> tuple[int | Exception, list[float]]:
    """What comes of a job that fails with these errors first, and the waits in between."""
    waits = Waits()
    retries = dav.Retries(sleep=waits, chance=lambda: 0.0, **options)  # type: ignore[arg-type]  # floats and ints

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


def test_a_server_that_wants_hours_is_not_waited_for() -> None:
    error = dav.TooManyRequests("429", retry_after=3600.0)
    assert attempts([error]) == (error, [])


@pytest.mark.parametrize("kind", [dav.Unauthorized, dav.NotFound, dav.BadAnswer, dav.Refused, dav.UntrustedServer])
def test_what_another_attempt_cannot_mend_is_not_repeated(kind: type[dav.DavError]) -> None:
    error = kind("no")
    assert attempts([error]) == (error, [])


def test_chance_only_shortens_a_wait() -> None:
    waits = Waits()
    retries = dav.Retries(sleep=waits, chance=lambda: 1.0)

    async def attempt(number: int) -> int:
        if not number:
            raise dav.ServerUnreachable("away")
        return number

    assert run(retries.run(attempt)) == 1
    assert waits == [0.375]
