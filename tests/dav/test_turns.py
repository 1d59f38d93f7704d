from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable

import httpx
import pytest

from caldav_backup import dav
from caldav_backup.dav import requests
from caldav_backup.dav.turns import Rate, Turns
from caldav_backup.dav.width import Width
from tests.dav.fakes import BASE, Waits, run, transport

Handler = Callable[[httpx.Request], Awaitable[httpx.Response]]


async def nothing(_: object) -> None:
    """The status is enough."""


class Time:
    """A clock that only sleeping moves; sleepers wake in their order."""

    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        ends = self.now + seconds
        await asyncio.sleep(0)
        self.now = max(self.now, ends)


async def let_run() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def turns(time: Time, most: int = 3) -> Turns:
    return Turns(Width(most), longest_pause=120.0, clock=time.clock, sleep=time.sleep)


def test_as_many_as_allowed_and_in_their_order() -> None:
    async def story() -> list[int]:
        host, begun, ends = turns(Time(), 2), [], [asyncio.Event() for _ in range(5)]

        async def one(number: int) -> None:
            async with host.turn("GET"):
                begun.append(number)
                await ends[number].wait()

        async with asyncio.TaskGroup() as group:
            for number in range(5):
                group.create_task(one(number))
            await let_run()
            assert begun == [0, 1]
            ends[1].set()
            await let_run()
            assert begun == [0, 1, 2]
            for end in ends:
                end.set()
        return begun

    assert run(story()) == [0, 1, 2, 3, 4]


def test_a_request_that_is_cancelled_while_it_waits_costs_no_turn() -> None:
    async def story() -> None:
        host, end = turns(Time(), 1), asyncio.Event()

        async def one() -> None:
            async with host.turn("GET"):
                await end.wait()

        tasks = [asyncio.ensure_future(one()) for _ in range(4)]
        await let_run()
        tasks[1].cancel()
        await let_run()
        end.set()
        tasks[2].cancel()  # perhaps just when it gets its turn
        await asyncio.gather(*tasks, return_exceptions=True)
        assert [task.cancelled() for task in tasks] == [False, True, True, False]
        async with asyncio.timeout(5), host.turn("GET"):
            pass

    run(story())


def test_a_request_that_is_cancelled_just_when_its_turn_comes_passes_it_on() -> None:
    async def story() -> None:
        host, end = turns(Time(), 1), asyncio.Event()

        async def one() -> None:
            async with host.turn("GET"):
                await end.wait()

        first, second, third = (asyncio.ensure_future(one()) for _ in range(3))
        await let_run()
        end.set()
        await asyncio.sleep(0)  # the first is over and has handed its turn on; the second has not woken yet
        second.cancel()
        async with asyncio.timeout(5):
            await asyncio.gather(first, second, third, return_exceptions=True)
        assert not third.cancelled()

    run(story())


def test_a_pause_stops_all_and_may_become_longer() -> None:
    time = Time()

    async def story() -> None:
        host = turns(time)
        host.pause(7, dav.TooManyRequests("429"))
        host.pause(3, dav.TooManyRequests("429"))
        async with host.turn("GET"):
            assert time.now == 7
        host.pause(5, dav.Unavailable("503"))

        async def longer() -> None:
            host.pause(20, dav.Unavailable("503"))

        async with asyncio.TaskGroup() as group:
            group.create_task(longer())
            async with host.turn("GET"):
                assert time.now == 27
        async with host.turn("GET"):
            assert time.now == 27

    run(story())


def test_a_pause_of_hours_is_not_waited_for() -> None:
    time = Time()

    async def story() -> None:
        host = turns(time)
        host.pause(7200, dav.TooManyRequests("429 the server asks for fewer requests"))
        with pytest.raises(dav.TooManyRequests, match="for another 7,200 s"):
            async with host.turn("GET"):
                pytest.fail("it had to be left alone")
        assert time.now == 0

    run(story())


def test_a_rate_spreads_requests_evenly() -> None:
    time = Time()

    async def story() -> list[float]:
        rate = Rate(0.5, clock=time.clock, sleep=time.sleep)
        sent = []
        for _ in range(4):
            await rate.wait()
            sent.append(time.now)
        time.now = 100.0
        for _ in range(2):
            await rate.wait()
            sent.append(time.now)
        return sent

    assert run(story()) == [0, 2, 4, 6, 100, 102]


def gathered(handle: Handler, urls: list[str], waits: Waits, **options: object) -> list[object]:
    async def story() -> list[object]:
        async with transport(handle, waits=waits, **options) as network:  # type: ignore[arg-type]  # asynchronous
            jobs = (network.exchange(requests.get(url), nothing) for url in urls)
            return list(await asyncio.gather(*jobs, return_exceptions=True))

    return run(story())


def test_a_rate_holds_for_all_requests_of_a_transport() -> None:
    waits = Waits()
    sent: list[float] = []

    async def handle(_: httpx.Request) -> httpx.Response:
        sent.append(waits.clock())
        return httpx.Response(200)

    assert gathered(handle, [f"{BASE}/{n}" for n in range(6)], waits, rate=2.0) == [None] * 6
    gaps = [later - earlier for earlier, later in itertools.pairwise(sent)]
    assert all(gap >= 0.4 for gap in gaps)


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_stops_all_requests_to_that_host_and_to_no_other(status: int) -> None:
    waits = Waits()
    begin = waits.clock()
    sent: list[tuple[str, float]] = []

    async def handle(request: httpx.Request) -> httpx.Response:
        sent.append((request.url.host, waits.clock() - begin))
        is_first = [host for host, _ in sent].count("dav.example") == 1 and request.url.host == "dav.example"
        return httpx.Response(status, headers={"retry-after": "30"}) if is_first else httpx.Response(200)

    async def story() -> None:
        async with (
            transport(handle, waits=waits) as network,  # type: ignore[arg-type]  # an asynchronous handler
            asyncio.TaskGroup() as group,
        ):
            group.create_task(network.exchange(requests.get(f"{BASE}/0"), nothing))
            await let_run()
            await network.exchange(requests.get("https://other.example/"), nothing)
            for number in range(1, 6):
                group.create_task(network.exchange(requests.get(f"{BASE}/{number}"), nothing))

    run(story())
    assert len(sent) == 8
    assert all(when >= 30 for host, when in sent[1:] if host == "dav.example")


def test_a_refusal_for_hours_ends_all_requests_at_once() -> None:
    waits, asked = Waits(), 0

    async def handle(_: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        await let_run()
        return httpx.Response(429, headers={"retry-after": "999999999999999999999"})

    results = gathered(handle, [f"{BASE}/{n}" for n in range(20)], waits)
    assert all(isinstance(result, dav.TooManyRequests) for result in results)
    assert (asked, waits) == (3, [])


def test_each_host_has_its_own_turns() -> None:
    now: dict[str, int] = {}
    most: dict[str, int] = {}

    async def handle(request: httpx.Request) -> httpx.Response:
        host = request.url.host
        now[host] = now.get(host, 0) + 1
        most[host] = max(most.get(host, 0), now[host])
        await let_run()
        now[host] -= 1
        return httpx.Response(200)

    urls = [f"https://p{partition}-caldav.icloud.com/{n}" for n in range(8) for partition in (1, 2)]
    gathered(handle, urls, Waits())
    assert most == {"p1-caldav.icloud.com": 3, "p2-caldav.icloud.com": 3}


def test_a_busy_host_is_asked_less_at_once() -> None:
    now = most_later = asked = 0

    async def handle(_: httpx.Request) -> httpx.Response:
        nonlocal now, most_later, asked
        asked += 1
        is_first = asked == 1
        now += 1
        if asked > 6:
            most_later = max(most_later, now)
        await let_run()
        now -= 1
        return httpx.Response(503 if is_first else 200)

    assert gathered(handle, [f"{BASE}/{n}" for n in range(20)], Waits()) == [None] * 20
    assert most_later == 1
