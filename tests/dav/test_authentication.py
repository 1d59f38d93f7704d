"""What follows a 401: how often it is tried again, with what, and what is said in the end."""

from __future__ import annotations

import asyncio
from base64 import b64decode

import httpx
import pytest

from caldav_backup import dav
from caldav_backup.dav import requests
from caldav_backup.dav.challenges import parse_challenges
from tests.dav.fakes import BASE, FakeServer, Waits, reply, run, transport
from tests.dav.logins import PASSWORD, Guard, ask, challenge, login, nobody, nothing, refused

DIGEST = 'Digest realm="r", nonce="{nonce}", qop="auth", algorithm=MD5'


def test_basic_credentials_are_utf8_and_go_without_being_asked_for() -> None:
    guard = Guard(lambda _: True)
    ask(guard, dav.PasswordAuthentication("älice", "pä:ß"))
    (header,) = guard.seen
    assert b64decode(header.removeprefix("Basic ")).decode() == "älice:pä:ß"


@pytest.mark.parametrize(
    ("headers", "ways"),
    [
        ((), ["Basic", "Basic"]),
        (("Basic",), ["Basic", "Basic"]),
        (('basic realm="SOGo"',), ["Basic", "Basic"]),
        (('X-MobileMe-AuthToken realm="MMCS"',), ["Basic", "Basic"]),
        (("Negotiate", "Basic realm=x"), ["Basic", "Basic"]),
        ((DIGEST.format(nonce="n"), "Basic realm=x"), ["Basic", "Basic"]),
        ((DIGEST.format(nonce="n"),), ["Basic", "Digest"]),
        ((f"Negotiate, {DIGEST.format(nonce='n')}",), ["Basic", "Digest"]),
        (('Digest nonce="n", algorithm=SHA-512-256',), ["Basic"]),
        (("Bearer realm=x",), ["Basic"]),
        (("Negotiate, NTLM",), ["Basic"]),
    ],
)
def test_a_login_that_is_refused_is_tried_once_more_at_most(headers: tuple[str, ...], ways: list[str]) -> None:
    guard = Guard(nobody, *headers)
    refused(guard, login())
    assert guard.ways == ways


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("Basic", "some want an app password"),
        ('X-MobileMe-AuthToken realm="MMCS"', "iCloud wants an app-specific password"),
        ("Bearer realm=x", "it wants Bearer; token_command supplies an access token"),
        ("Negotiate", "does not take a password; it wants Negotiate"),
        ('Digest nonce="n", algorithm=SHA-512-256', "a form of Digest that is not known here"),
    ],
)
def test_a_refusal_says_what_can_be_done(header: str, words: str) -> None:
    assert words in refused(Guard(nobody, header), login())


def test_where_digest_is_wanted_no_basic_goes_any_more() -> None:
    guard = Guard(lambda header: header.startswith("Digest"), DIGEST.format(nonce="n1"))
    ask(guard, login(), times=4)
    assert guard.ways == ["Basic", "Digest", "Digest", "Digest", "Digest"]
    counts = [parse_challenges([header])[0].parameters["nc"] for header in guard.seen[1:]]
    assert counts == ["00000001", "00000002", "00000003", "00000004"]


def test_a_server_that_offers_basic_alone_gets_it_again() -> None:
    turns = iter([challenge(DIGEST.format(nonce="n")), httpx.Response(200), challenge("Basic"), httpx.Response(200)])
    seen: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["authorization"].partition(" ")[0])
        return next(turns)

    ask(handle, login(), times=2)
    assert seen == ["Basic", "Digest", "Digest", "Basic"]


class OneUse:
    """A Digest server whose nonces serve for `uses` requests, and are stale then."""

    def __init__(self, uses: int) -> None:
        self.uses = uses
        self.asked = 0
        self.nonces = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        given = parse_challenges([request.headers["authorization"]])[0].parameters
        if given.get("nonce") == f"n{self.nonces}" and int(given["nc"], 16) <= self.uses:
            return httpx.Response(200)
        self.nonces += 1
        stale = ", stale=true" if "nonce" in given else ""
        return challenge(DIGEST.format(nonce=f"n{self.nonces}") + stale)


def test_a_nonce_that_is_stale_is_no_refused_login() -> None:
    server = OneUse(uses=2)
    ask(server, login(), times=6)
    assert server.asked == 6 + 3


def test_a_server_that_calls_every_nonce_stale_is_given_up() -> None:
    server = OneUse(uses=0)
    refused(server, login())
    assert server.asked == 1 + 1 + 3


@pytest.mark.parametrize("uses", [100, 3])
def test_requests_at_once_share_what_one_of_them_learns(uses: int) -> None:
    server = OneUse(uses)

    async def slowly(request: httpx.Request) -> httpx.Response:
        for _turn in range(5):
            await asyncio.sleep(0)
        return server(request)

    async def story() -> int:
        async with transport(slowly, authentication=login()) as network:  # type: ignore[arg-type]  # asynchronous
            await asyncio.gather(*(network.exchange(requests.get(f"{BASE}/{n}"), nothing) for n in range(9)))
            return network.challenges

    # Those that had gone out with Basic, or with a nonce that another one used up, are challenged; the others know.
    challenges = run(story())
    assert server.asked == 9 + challenges
    assert challenges <= (6 if uses == 100 else 12)


def test_a_password_revoked_in_the_middle_is_one_failed_login_more() -> None:
    """Three requests are under way when it happens; one of them tries again, and nothing is sent after that."""
    waits = Waits()
    after = 20
    seen = 0

    async def handle(_: httpx.Request) -> httpx.Response:
        nonlocal seen
        seen += 1
        is_revoked = seen > after
        for _turn in range(5):
            await asyncio.sleep(0)
        return challenge("Basic") if is_revoked else httpx.Response(200)

    async def story() -> list[object]:
        async with transport(handle, authentication=login(), waits=waits) as network:  # type: ignore[arg-type]  # asynchronous
            jobs = (network.exchange(requests.get(f"{BASE}/{n}"), nothing) for n in range(100))
            return list(await asyncio.gather(*jobs, return_exceptions=True))

    results = run(story())
    assert sum(isinstance(result, dav.Unauthorized) for result in results) == 100 - after
    assert seen <= after + 3 + 1
    assert waits == []


def test_a_login_elsewhere_that_no_credentials_went_to_spoils_nothing() -> None:
    server = FakeServer()
    server.on("GET", "/x", reply(302, headers={"location": "https://other.example/x"}))
    server.on("GET", "https://other.example/x", reply(401, headers={"www-authenticate": "Basic"}))
    server.on("GET", "/y", reply(200))

    async def story() -> None:
        async with transport(server, authentication=login()) as network:
            for _ in range(2):
                with pytest.raises(dav.Unauthorized, match=r"https://other\.example"):
                    await network.exchange(requests.get(f"{BASE}/x"), nothing)
            await network.exchange(requests.get(f"{BASE}/y"), nothing)

    run(story())
    assert ["authorization" in each.headers for each in server.seen] == [True, False, True, False, True]


def test_secrets_are_neither_printed_nor_left_in_texts() -> None:
    authentication = dav.BasicAuthentication("alice", "s3cret")
    header = run(authentication.authorize("GET", "https://h/"))
    assert "s3cret" not in f"{authentication} {authentication!r} {login()!r}"
    assert authentication.mask(f"your {header} with s3cret") == "your Basic *** with ***"
    assert dav.BasicAuthentication("alice", "").mask("a text") == "a text"


def test_basic_alone_does_not_turn_into_anything_else() -> None:
    guard = Guard(nobody, DIGEST.format(nonce="n"))
    assert "wants Digest, and was offered Basic" in refused(guard, dav.BasicAuthentication("alice", PASSWORD))
    assert guard.ways == ["Basic"]
