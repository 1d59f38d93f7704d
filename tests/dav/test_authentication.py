from __future__ import annotations

from base64 import b64decode

from caldav_backup.dav import BasicAuthentication


def test_basic_credentials_are_utf8_and_go_without_being_asked_for() -> None:
    header = BasicAuthentication("älice", "pä:ß").authorize("GET", "https://h/", None)
    assert header is not None
    assert b64decode(header.removeprefix("Basic ")).decode() == "älice:pä:ß"


def test_a_password_is_neither_printed_nor_left_in_texts() -> None:
    login = BasicAuthentication("alice", "s3cret")
    header = login.authorize("GET", "https://h/", None)
    assert "s3cret" not in f"{login} {login!r}"
    assert login.mask(f"your {header} with s3cret") == "your Basic *** with ***"


def test_an_empty_password_masks_nothing() -> None:
    assert BasicAuthentication("alice", "").mask("a text") == "a text"
