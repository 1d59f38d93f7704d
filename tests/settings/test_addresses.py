from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caldav_backup.settings.addresses import (
    DirectoryAddress,
    ServerAddress,
    expanded,
    masked,
    parse_address,
    scrubbed,
    split_userinfo,
)
from caldav_backup.settings.errors import SettingsError


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("caldav://cloud.example.org", "https://cloud.example.org"),
        ("caldav://cloud.example.org:8443/dav/?x=1", "https://cloud.example.org:8443/dav/?x=1"),
        ("caldav://https://cloud.example.org/a", "https://cloud.example.org/a"),
        ("caldav://http://127.0.0.1:5232/a", "http://127.0.0.1:5232/a"),
        ("caldav+http://localhost:5232/", "http://localhost:5232/"),
        ("caldav+http://[::1]:5232/", "http://[::1]:5232/"),
        ("CalDAV://host/", "https://host/"),
        ("https://host/#top", "https://host/"),
        ("http://radicale.localhost/", "http://radicale.localhost/"),
    ],
)
def test_schemes_become_the_url_to_ask(location: str, url: str) -> None:
    assert parse_address(location, insecure=False, where="source") == ServerAddress(url)


@pytest.mark.parametrize("location", ["caldav+http://cloud.example.org/", "http://10.0.0.1/", "caldav://http://host/"])
def test_plain_http_leaves_this_machine_only_when_allowed(location: str) -> None:
    with pytest.raises(SettingsError, match="insecure=true"):
        parse_address(location, insecure=False, where="source @work")
    assert isinstance(parse_address(location, insecure=True, where="source @work"), ServerAddress)


@pytest.mark.parametrize(
    ("location", "path"), [("/srv/calendars", "/srv/calendars"), ("file:///a%20b", "/a b"), ("fs:///a%20b", "/a%20b")]
)
def test_everything_without_a_server_is_a_directory(location: str, path: str) -> None:
    assert parse_address(location, insecure=False, where="source") == DirectoryAddress(Path(path))


@pytest.mark.parametrize(
    "location", ["ftp://host/", "caldav://", "https:///path", "https://host:port/", "https://[::1/"]
)
def test_a_location_that_cannot_be_used_is_refused(location: str) -> None:
    with pytest.raises(SettingsError, match="source @work"):
        parse_address(location, insecure=False, where="source @work")


def test_a_url_broken_by_its_password_is_not_shown() -> None:
    with pytest.raises(SettingsError) as caught:
        parse_address("https://alice:hun/ter2@host/", insecure=False, where="source")
    assert "hun" not in str(caught.value)


def test_userinfo_is_split_off_and_decoded() -> None:
    bare, credentials = split_userinfo("caldav://alice%40example.org:p%2Fw@host:8443/users/alice@example.org/")
    assert bare == "caldav://host:8443/users/alice@example.org/"
    assert credentials.username == "alice@example.org"
    assert credentials.password is not None
    assert credentials.password.reveal() == "p/w"


@pytest.mark.parametrize("location", ["/a/alice@b", "https://host/users/alice@example.org/", "caldav://host?who=a@b"])
def test_an_at_sign_behind_the_host_is_no_userinfo(location: str) -> None:
    assert split_userinfo(location) == (location, split_userinfo("/")[1])


@pytest.mark.parametrize(
    ("text", "location"),
    [
        ("alice@example.org", "caldav://alice%40example.org@example.org"),
        ("a.b+c@mail.example.org", "caldav://a.b%2Bc%40mail.example.org@mail.example.org"),
        *[
            (text, text)
            for text in ("./alice@example.org", "alice@host", "@work", "a@b@example.org", "a@10.0.0.1", "b:c@d.org")
        ],
        ("caldav://alice@example.org", "caldav://alice@example.org"),
    ],
)
def test_a_mail_address_means_its_domain_and_itself_as_user_name(text: str, location: str) -> None:
    assert expanded(text) == location
    if text != location:
        bare, credentials = split_userinfo(location)
        assert (bare, credentials.username) == (f"caldav://{text.partition('@')[2]}", text)


def test_a_directory_that_is_called_like_a_mail_address_is_one(tmp_path: Path) -> None:
    (tmp_path / "alice@example.org").mkdir()
    with contextlib.chdir(tmp_path):
        assert expanded("alice@example.org") == "alice@example.org"


def test_userinfo_of_plakars_nested_form_is_split_off() -> None:
    bare, credentials = split_userinfo("caldav://https://alice:pw@host/")
    assert (bare, credentials.username) == ("caldav://https://host/", "alice")


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("https://alice:pw@host/a", "https://host/a"),
        ("https://host/a?token=abc&x", "https://host/a?token=***&***"),
        ("https://host/ical/me/private-0123abc/basic.ics", "https://host/ical/me/private-***/basic.ics"),
        ("/srv/a?b=c", "/srv/a?b=c"),
    ],
)
def test_what_makes_an_address_private_is_masked(location: str, shown: str) -> None:
    assert masked(location) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("PROPFIND /private-0123/basic.ics: refused", "PROPFIND /private-***/basic.ics: refused"),
        ("GET /a.ics%3Ftoken=abc: refused", "GET /a.ics%3Ftoken=*** refused"),
        ("GET /a.ics?token=abc&key=def; done", "GET /a.ics?token=***&key=***; done"),
        ("is it a=b? yes", "is it a=b? yes"),
    ],
)
def test_messages_lose_the_private_parts_of_addresses(text: str, shown: str) -> None:
    assert scrubbed(text) == shown


_WORD = st.text("abcXYZ019-._~", min_size=1)


@given(user=_WORD, password=_WORD, host=_WORD, path=_WORD)
def test_a_password_in_a_url_is_never_shown(user: str, password: str, host: str, path: str) -> None:
    shown = masked(f"caldav://{user}:mark{password}mark@{host}/{path}")
    assert shown == f"caldav://{host}/{path}"
