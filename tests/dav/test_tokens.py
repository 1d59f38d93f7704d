"""Access tokens: from where they come, and when another one is asked for."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from caldav_backup import dav
from caldav_backup.dav import requests
from tests.dav.fakes import BASE, run, transport
from tests.dav.logins import Guard, ask, nobody, nothing, refused


def tokens(*given: str) -> tuple[dav.TokenAuthentication, list[str]]:
    left = list(given)
    fetched: list[str] = []

    def fetch() -> str:
        fetched.append(left.pop(0) if len(left) > 1 else left[0])
        return fetched[-1]

    return dav.TokenAuthentication(fetch), fetched


INVALID = 'Bearer realm="x", error="invalid_token"'


def test_one_token_serves_until_it_is_invalid() -> None:
    authentication, fetched = tokens("one", "two")
    guard = Guard(lambda header: header == "Bearer one" or len(guard.seen) > 3, INVALID)
    ask(guard, authentication, times=2)
    guard.accepts = lambda header: header == "Bearer two"
    ask(guard, authentication, times=2)
    assert guard.seen == ["Bearer one", "Bearer one", "Bearer one", "Bearer two", "Bearer two"]
    assert fetched == ["one", "two"]


@pytest.mark.parametrize(
    ("given", "header", "asked", "fetched", "words"),
    [
        (("one", "two"), INVALID, 2, 2, "does not accept the access token"),
        (("same",), INVALID, 1, 2, "see what token_command prints"),
        (("one", "two"), 'Bearer error="insufficient_scope"', 1, 1, "scope for calendars"),
        (("one", "two"), "Basic", 1, 1, "does not take access tokens; it wants Basic"),
    ],
    ids=["always", "the same again", "scope", "basic"],
)
def test_a_token_that_is_refused_is_replaced_once(
    given: tuple[str, ...], header: str, asked: int, fetched: int, words: str
) -> None:
    authentication, calls = tokens(*given)
    guard = Guard(nobody, header)
    assert words in refused(guard, authentication)
    assert (len(guard.seen), len(calls)) == (asked, fetched)
    assert set(guard.ways) == {"Bearer"}


def test_what_the_token_command_raises_passes_through() -> None:
    class Locked(Exception):
        pass

    def fetch() -> str:
        raise Locked

    with pytest.raises(Locked):
        ask(Guard(nobody), dav.TokenAuthentication(fetch))


def test_requests_at_once_fetch_one_token() -> None:
    authentication, fetched = tokens("one", "two")
    guard = Guard(lambda header: header == "Bearer two", INVALID)

    async def story() -> None:
        async with transport(guard, authentication=authentication) as network:
            await asyncio.gather(*(network.exchange(requests.get(f"{BASE}/{n}"), nothing) for n in range(9)))

    run(story())
    assert fetched == ["one", "two"]


@pytest.mark.full
def test_a_command_that_does_not_end_keeps_nobody_from_stopping() -> None:
    program = (
        "import asyncio, time; from caldav_backup import dav\n"
        "async def story():\n"
        "    async with asyncio.timeout(0.1):\n"
        "        await dav.TokenAuthentication(lambda: time.sleep(60) or 'x').authorize('GET', 'https://h/')\n"
        "try: asyncio.run(story())\n"
        "except TimeoutError: print('stopped')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30)
    assert (done.stdout, done.stderr) == ("stopped\n", "")


def test_a_token_is_neither_printed_nor_left_in_texts() -> None:
    token, _ = tokens("t0ken")
    run(token.authorize("GET", "https://h/"))
    assert "t0ken" not in repr(token)
    assert token.mask("Bearer t0ken") == "Bearer ***"
