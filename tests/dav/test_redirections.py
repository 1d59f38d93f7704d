"""Where credentials go when a server sends us elsewhere, and where not."""

from __future__ import annotations

import httpx
import pytest

from caldav_backup import dav
from caldav_backup.dav import requests
from tests.dav.exchanges import exchange, failing
from tests.dav.fakes import BASE, FakeServer, reply, run, transport

STATUSES = [301, 302, 303, 307, 308]
PROPFIND = requests.propfind(f"{BASE}/dav/", ["{DAV:}getetag"], "0")


async def nothing(_: object) -> None:
    """The status is enough."""


def visited(target: str, base: str = f"{BASE}/", status: int = 302, insecure: bool = True) -> list[tuple[str, bool]]:
    """What was asked, and whether credentials came along, when the first answer points to `target`."""
    seen: list[tuple[str, bool]] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append((str(request.url), "authorization" in request.headers))
        return httpx.Response(status, headers={"location": target}) if len(seen) == 1 else httpx.Response(200)

    async def story() -> None:
        async with transport(handle, base=base, insecure=insecure) as network:
            await network.exchange(requests.get(base), nothing)

    try:
        run(story())
    except dav.BadAnswer:
        assert len(seen) == 1
    return seen[1:]


@pytest.mark.parametrize("status", STATUSES)
def test_redirections_keep_method_body_and_credentials(status: int) -> None:
    server = FakeServer()
    server.on("PROPFIND", "/dav/", reply(status, "moved", {"location": "/remote/dav/"}))
    server.on("PROPFIND", "/remote/dav/", reply(207, "ok"))
    assert exchange(server, PROPFIND) == b"ok"
    last = server.seen[-1]
    assert last.content == PROPFIND.content
    assert last.headers["depth"] == "0"
    assert "authorization" in last.headers


def test_credentials_never_follow_to_another_host() -> None:
    server = FakeServer()
    server.on("GET", "/x", reply(302, headers={"location": "https://evil.example/x"}))
    server.on("GET", "https://evil.example/x", reply(401))
    error = failing(server)
    assert isinstance(error, dav.Unauthorized)
    assert "https://evil.example" in str(error)
    assert [("authorization" in each.headers) for each in server.seen] == [True, False]


def test_a_redirection_from_https_to_plain_http_elsewhere_is_refused() -> None:
    server = FakeServer()
    server.on("GET", "/x", reply(302, headers={"location": "http://other.example/x"}))
    assert isinstance(failing(server), dav.BadAnswer)
    assert len(server.seen) == 1


def test_redirections_in_a_circle_end() -> None:
    server = FakeServer()
    server.on("GET", "/x", reply(301, headers={"location": "/y"}))
    server.on("GET", "/y", reply(301, headers={"location": "/x"}))
    assert "redirected more than 5 times" in str(failing(server))
    assert len(server.seen) == 6


@pytest.mark.parametrize("headers", [{}, {"location": "mailto:a@b"}, {"location": "ftp://other.example/x"}])
def test_a_redirection_to_nowhere_is_an_error(headers: dict[str, str]) -> None:
    server = FakeServer()
    server.on("GET", "/x", reply(301, headers=headers))
    assert isinstance(failing(server), (dav.BadAnswer, dav.Refused))


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("target", ["/y", "y", "//dav.example/y", "https://dav.example:443/y", "https://DAV.Example/y"])
def test_the_same_host_is_shown_them(target: str, status: int) -> None:
    ((url, is_signed),) = visited(target, status=status)
    assert (url.lower(), is_signed) == (f"{BASE}/y", True)


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "https://dav.example.evil.example/",
        "https://evildav.example/",
        "https://sub.dav.example/",
        "https://dav.example./",
        "https://203.0.113.7/",
        "https://[2001:db8::7]/",
        "https://dav.example@evil.example/",
        "https://alice:s3cret-pass@evil.example/",
        "https://xn--dav-0ra.example/",
    ],
)
def test_another_host_is_not(target: str, status: int) -> None:
    ((url, is_signed),) = visited(target, status=status)
    assert not is_signed
    assert "@" not in url


def test_userinfo_in_a_redirection_is_dropped() -> None:
    assert visited("https://mallory:other@dav.example/y") == [(f"{BASE}/y", True)]


def test_from_https_nothing_goes_in_clear() -> None:
    assert visited("http://evil.example/") == []
    # A host that does not know of the proxy before it: https is kept.
    assert visited("http://dav.example/y") == [(f"{BASE}/y", True)]
    assert visited("http://dav.example:8080/y") == [(f"{BASE}/y", True)]


def test_another_port_of_the_same_host_counts_as_the_same_over_https_only() -> None:
    assert visited("https://dav.example:8443/y") == [("https://dav.example:8443/y", True)]  # Posteo's is at 8443
    assert visited("http://127.0.0.1:81/y", base="http://127.0.0.1:80/") == [("http://127.0.0.1:81/y", False)]
    assert visited("http://nas.example/y", base="http://127.0.0.1:80/") == [("http://nas.example/y", False)]


def test_the_name_and_the_address_of_a_host_are_two_hosts() -> None:
    assert visited("http://127.0.0.1:5232/", base="http://localhost:5232/") == [("http://127.0.0.1:5232/", False)]
    assert visited("https://127.0.0.1/", base="https://localhost/") == [("https://127.0.0.1/", False)]


def test_from_plain_http_to_https_of_the_same_host_they_follow() -> None:
    assert visited("https://dav.example/y", base="http://dav.example/") == [(f"{BASE}/y", True)]


@pytest.mark.parametrize(
    ("base", "target", "is_shown"),
    [
        ("https://caldav.icloud.com/", "https://p42-caldav.icloud.com:443/1/calendars/", True),
        ("https://caldav.icloud.com/", "https://p42-caldav.ICLOUD.com/", True),
        ("https://caldav.icloud.com/", "https://p42-caldav.eviIicloud.com/", False),
        ("https://caldav.icloud.com/", "https://evilicloud.com/", False),
        ("https://caldav.icloud.com/", "https://icloud.com.evil.example/", False),
        ("https://caldav.icloud.com/", "https://p42-caldav.icloud.com.evil.example/", False),
        ("https://evilicloud.com/", "https://p42-caldav.icloud.com/", False),
        ("http://caldav.icloud.com/", "https://p42-caldav.icloud.com/", False),
    ],
)
def test_partitions_of_icloud_are_one_provider(base: str, target: str, is_shown: bool) -> None:
    ((_, is_signed),) = visited(target, base=base)
    assert is_signed is is_shown


def test_partitions_of_icloud_see_nothing_in_clear() -> None:
    assert visited("http://p42-caldav.icloud.com/", base="https://caldav.icloud.com/") == []
    seen = visited("http://p42-caldav.icloud.com/", base="http://caldav.icloud.com/")
    assert [is_signed for _, is_signed in seen] == [False]
