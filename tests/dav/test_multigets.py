"""What a calendar's multigets cost where some or all of them fail, over all batches of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caldav_backup import dav
from caldav_backup.dav.multigets import BATCH, LARGE_BATCH, Multigets
from tests.dav.calendar import Calendar, fetch, objects, versions_of
from tests.dav.fakes import CALENDAR, Waits, client, event, run, version

if TYPE_CHECKING:
    from collections.abc import Sequence


def fetch_all(calendar: Calendar, waits: Waits | None = None) -> list[dav.Fetched]:
    """Everything in calls of a hundred, as a backup does it."""

    async def story() -> list[dav.Fetched]:
        found: list[dav.Fetched] = []
        async with client(calendar, waits=waits) as account:
            versions = versions_of(calendar)
            for start in range(0, len(versions), 100):
                found += await account.fetch(CALENDAR, versions[start : start + 100])
        return found

    return run(story())


def contents(fetched: Sequence[dav.Fetched]) -> list[bytes]:
    return [each.content for each in fetched if isinstance(each, dav.Resource)]


def cut(_: Sequence[str]) -> httpx.Response:
    raise httpx.ReadError("reset")


_ALWAYS = {
    "500": lambda _: httpx.Response(500),
    "404": lambda _: httpx.Response(404),
    "garbage": lambda _: httpx.Response(207, content=b"<not xml"),
    "empty": lambda _: httpx.Response(207, content=b'<d:multistatus xmlns:d="DAV:"/>'),
    "504": lambda _: httpx.Response(504),
    "cut": cut,
}


@pytest.mark.parametrize(
    "how", ["cut", *(pytest.param(how, marks=pytest.mark.full) for how in _ALWAYS if how != "cut")]
)
def test_a_server_that_fails_every_multiget_costs_little_more_than_a_get_for_each(how: str) -> None:
    calendar = Calendar(objects(340), _ALWAYS[how])
    waits = Waits()
    assert contents(fetch_all(calendar, waits)) == list(calendar.objects.values())
    assert len(calendar.gets) == 340
    assert calendar.requests <= 340 + 20
    assert sum(waits) < 5


def test_a_multiget_that_failed_for_a_while_is_used_again() -> None:
    troubles = [httpx.Response(500)] * 10
    calendar = Calendar(objects(1000), lambda _: troubles.pop() if troubles else None)
    assert contents(fetch_all(calendar)) == list(calendar.objects.values())
    assert len(calendar.gets) <= 200
    assert calendar.batches[-8:] == [100] * 8


@pytest.mark.parametrize("bad", [13, *(pytest.param(bad, marks=pytest.mark.full) for bad in (0, 50, 99))])
@pytest.mark.parametrize("how", ["500", "cut"])
def test_one_bad_event_costs_itself_only(bad: int, how: str) -> None:
    href = f"/cal/{bad}.ics"
    calendar = Calendar(objects(300), lambda batch: _ALWAYS[how](batch) if href in batch else None)
    assert contents(fetch_all(calendar)) == list(calendar.objects.values())
    assert href in calendar.gets
    assert len(calendar.gets) <= 3
    assert calendar.requests <= 3 + 14 + 2 + 8


@pytest.mark.parametrize("most", [50, *(pytest.param(most, marks=pytest.mark.full) for most in (4, 10, 25))])
def test_a_server_that_takes_small_batches_only_is_given_such(most: int) -> None:
    calendar = Calendar(objects(1000), lambda batch: httpx.Response(413) if len(batch) > most else None)
    assert contents(fetch_all(calendar)) == list(calendar.objects.values())
    assert len(calendar.gets) <= 10  # what is left of a call when it is divided
    assert len(calendar.batches) < 3.2 * 1000 / most


def test_calendars_are_judged_one_by_one() -> None:
    calendar = Calendar(objects(100), lambda _: httpx.Response(405))

    async def story() -> None:
        async with client(calendar) as account:
            for _ in range(2):
                await account.fetch(CALENDAR, versions_of(calendar))
            assert calendar.batches == [100]
            await account.fetch(dav.Calendar("/other/", CALENDAR.url + "?other"), versions_of(calendar))
            assert calendar.batches == [100, 100]

    run(story())


def test_what_is_busy_is_waited_for_as_long_as_ever() -> None:
    answers = [httpx.Response(503, headers={"retry-after": "7"}), httpx.Response(429, headers={"retry-after": "9"})]
    calendar = Calendar(objects(100), lambda _: answers.pop() if answers else None)
    waits = Waits()
    assert len(contents(fetch_all(calendar, waits))) == 100
    assert calendar.batches == [100, 100, 100]
    assert waits[0] >= 9 and waits[1] >= 7


def bodies(newline: str, count: int = 250) -> dict[str, bytes]:
    return {f"/cal/{number}.ics": event(str(number), newline=newline) for number in range(count)}


def test_without_any_length_one_get_shows_the_line_ends_of_a_calendar() -> None:
    calendar = Calendar(bodies("\r\n"), tells_lengths=False)
    assert contents(fetch_all(calendar)) == list(calendar.objects.values())
    assert len(calendar.gets) == 1
    assert calendar.batches == [100, 100, 50]


def test_without_any_length_a_calendar_with_other_line_ends_is_fetched_by_get() -> None:
    calendar = Calendar(bodies("\n"), tells_lengths=False)
    assert contents(fetch_all(calendar)) == list(calendar.objects.values())
    assert len(calendar.gets) == 250
    assert calendar.batches == [100]


def test_an_event_that_changes_while_it_is_looked_at_says_nothing_of_line_ends() -> None:
    calendar = Calendar(bodies("\r\n", 100), tells_lengths=False)
    before = dict(calendar.objects)

    changing = {"/cal/0.ics", "/cal/1.ics"}

    def served(request: httpx.Request) -> httpx.Response:
        if request.method == "GET" and request.url.path in changing:
            calendar.objects[request.url.path] = event("changed", newline="\n")
        return calendar(request)

    fetched = fetch(served, *versions_of(calendar))
    assert contents(fetched) == [event("changed", newline="\n")] * 2 + list(before.values())[2:]
    assert calendar.gets == [f"/cal/{number}.ics" for number in range(3)]


def test_an_event_of_one_line_end_that_xml_kept_needs_no_look() -> None:
    content = event("a").replace(b"\r\n", b"\r")
    calendar = Calendar({"/cal/a.ics": content, "/cal/b.ics": content}, tells_lengths=False)
    fetched = fetch(calendar, version("a.ics"), version("b.ics"))
    assert contents(fetched) == [content, content]


def test_a_pause_is_doubled_while_tries_fail_and_ends_with_a_success() -> None:
    multigets = Multigets()
    for _ in range(10):
        assert multigets.allow(100)
        multigets.failed(100)
    pauses = []
    for _ in range(4):
        alone = 0
        while not multigets.allow(10):
            alone += 10
        pauses.append(alone)
        multigets.failed(100)
    assert pauses == [100, 200, 400, 800]
    while not multigets.allow(100):
        pass
    multigets.succeeded(100)
    multigets.failed(100)
    assert multigets.allow(100)
    assert multigets.most == LARGE_BATCH


def test_a_server_that_takes_a_hundred_is_asked_for_more_once() -> None:
    refusal = httpx.Response(507)
    calendar = Calendar(objects(600), lambda batch: refusal if len(batch) > BATCH else None)

    async def story() -> list[dav.Fetched]:
        async with client(calendar) as account:
            versions = versions_of(calendar)
            return [
                each
                for start in range(0, len(versions), LARGE_BATCH)
                for each in await account.fetch(CALENDAR, versions[start : start + LARGE_BATCH])
            ]

    assert contents(run(story())) == list(calendar.objects.values())
    assert calendar.batches == [LARGE_BATCH, *[BATCH] * 6]
    assert not calendar.gets


@pytest.mark.full
@given(
    bad=st.sets(st.integers(0, 59), max_size=8),
    lost=st.sets(st.integers(0, 59), max_size=8),
    most=st.integers(1, 60),
    hangs_up=st.booleans(),
)
@settings(max_examples=40)
def test_whatever_fails_in_batches_every_event_is_judged_by_itself(
    bad: set[int], lost: set[int], most: int, hangs_up: bool
) -> None:
    """`bad` spoil every batch that they are in and fail alone too, `lost` are listed and not there."""
    calendar = Calendar(objects(60))
    versions = versions_of(calendar)
    for number in lost:
        del calendar.objects[f"/cal/{number}.ics"]
    spoiling = {f"/cal/{number}.ics" for number in bad}

    def refuses(batch: Sequence[str]) -> httpx.Response | None:
        if len(batch) > most or spoiling & set(batch):
            return cut(batch) if hangs_up else httpx.Response(500)
        return None

    def served(request: httpx.Request) -> httpx.Response:
        answered = calendar(request)
        return httpx.Response(500) if request.method == "GET" and request.url.path in spoiling else answered

    calendar.refuses = refuses
    fetched = fetch(served, *versions)
    for number, each in enumerate(fetched):
        expected = dav.Failed if number in bad else dav.Gone if number in lost else dav.Resource
        assert isinstance(each, expected)
    assert calendar.requests <= 60 + 2 * 60
