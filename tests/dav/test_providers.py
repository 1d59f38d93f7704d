from __future__ import annotations

import pytest

from caldav_backup import dav
from caldav_backup.dav import providers
from tests.dav.accounts import account, failing
from tests.dav.fakes import FakeServer, reply


@pytest.mark.parametrize(
    ("host", "hint"),
    [
        ("caldav.icloud.com", "app-specific password"),
        ("p12-caldav.icloud.com", "app-specific password"),
        ("caldav.fastmail.com", "app password"),
        ("caldav.calendar.yahoo.com", "app password"),
        ("apidata.googleusercontent.com", "token_command"),
        ("calendar.zoho.eu", "final slash"),
    ],
)
def test_a_refused_login_says_what_the_provider_wants(host: str, hint: str) -> None:
    server = FakeServer()
    server.on("PROPFIND", f"https://{host}/", reply(401))
    error = failing(server, base=f"https://{host}/")
    assert isinstance(error, dav.Unauthorized)
    assert hint in str(error) and "\n" not in str(error)


def test_a_nextcloud_is_known_by_its_path() -> None:
    server = FakeServer()
    server.on("PROPFIND", "/remote.php/dav/", reply(401))
    for url in ("/remote.php/dav/", None):
        assert "Devices & sessions" in str(failing(server, url))


def test_a_server_that_nobody_knows_is_told_nothing_about() -> None:
    server = FakeServer()
    server.on("PROPFIND", "/", reply(401))
    assert "app-specific" not in str(failing(server)) and "Nextcloud" not in str(failing(server))
    assert providers.address_hint("https://notgoogle.com/") == ""


@pytest.mark.parametrize("host", ["outlook.office365.com", "outlook.com", "hotmail.com"])
def test_microsoft_is_not_even_asked(host: str) -> None:
    server = account()
    error = failing(server, base=f"https://{host}/")
    assert isinstance(error, dav.NotCalDAV)
    assert "DavMail" in str(error) and "\n" not in str(error)
    assert server.seen == []


@pytest.mark.parametrize(
    ("given", "there"),
    [
        ("https://icloud.com/", "https://caldav.icloud.com/"),
        ("https://www.fastmail.com/", "https://caldav.fastmail.com/"),
    ],
)
def test_a_providers_website_leads_to_its_calendars(given: str, there: str) -> None:
    error = failing(FakeServer(), base=given)
    assert isinstance(error, dav.NotCalDAV) and str(error).endswith(f"has it at {there}")
    assert providers.address_hint(there) == ""


def test_every_provider_says_where_that_is_known_from() -> None:
    for provider in providers._PROVIDERS:
        assert provider.source.startswith("https://") and provider.domains
