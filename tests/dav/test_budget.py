from __future__ import annotations

import pytest

from caldav_backup import dav
from caldav_backup.dav import requests
from caldav_backup.dav.budget import Budget
from tests.dav.fakes import BASE, FakeServer, Waits, reply, run, transport

AWAY = dav.ServerUnreachable("away")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def spend(budget: Budget, times: int, each: float = 1.0) -> int:
    """How often it went well."""
    for number in range(times):
        try:
            budget.spend(each, AWAY)
        except dav.GaveUp:
            return number
    return times


def test_a_small_run_may_repeat_some_hundred_times_and_a_large_one_a_tenth() -> None:
    small, large = Budget(), Budget()
    small.sent()
    for _ in range(5000):
        large.sent()
    assert spend(small, 1000) == 250
    assert spend(large, 1000) == 500


def test_a_connection_that_is_reset_costs_less() -> None:
    budget = Budget()
    assert spend(budget, 2000, each=0.25) == 1000


def test_ten_minutes_without_success_are_the_end() -> None:
    clock = Clock()
    budget = Budget(clock)
    budget.sent()
    clock.now = 599
    budget.spend(1, AWAY)
    budget.succeeded()
    clock.now = 1199
    budget.spend(1, AWAY)
    clock.now = 1200
    with pytest.raises(dav.GaveUp, match="no request has succeeded for 10 minutes; the last: away"):
        budget.spend(1, AWAY)


def test_once_it_is_used_up_nothing_is_sent_any_more() -> None:
    server, waits = FakeServer(), Waits()
    server.on("GET", "/good", reply(200))
    server.on("GET", "/bad", reply(504))

    async def nothing(_: object) -> None:
        """The status is enough."""

    async def story() -> list[str]:
        said: list[str] = []
        async with transport(server, waits=waits) as network:
            for path in ["bad"] * 100 + ["good"] * 5:
                try:
                    await network.exchange(requests.get(f"{BASE}/{path}"), nothing)
                except dav.DavError as error:
                    said.append(f"{type(error).__name__} {error}")
        return said

    said = run(story())
    assert len(server.seen) <= 4 * 45
    assert "/good" not in "".join(server.asked())
    assert len(said) == 105
    assert said[-1].startswith("GaveUp given up: ")
    assert "504" in said[-1] and "\n" not in said[-1]
    assert sum(waits) <= 600 + 120
