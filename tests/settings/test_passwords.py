from __future__ import annotations

from pathlib import Path

import pytest

from caldav_backup.settings import Kind, Secret, SecretUnavailable, lookup_client_secret, lookup_password
from caldav_backup.settings.locations import Location
from caldav_backup.settings.lookup import MAX_BYTES


def source(**options: str) -> Location:
    return Location(Kind.SOURCE, "work", "caldav://host", options)


def test_no_form_is_no_password() -> None:
    assert lookup_password(source(), {}) is None
    assert lookup_client_secret(source(), {}) is None


def test_each_form_gives_the_password(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_bytes(b"hunter2\r\nurl: https://host\n")
    forms = [
        Location(Kind.SOURCE, "work", "caldav://host", {}, {"password": Secret("hunter2")}),
        source(password_command="echo hunter2; echo second line"),
        source(password_file=str(file)),
        source(password_env="PW"),
    ]
    assert [lookup_password(form, {"PW": "hunter2"}) for form in forms] == [Secret("hunter2")] * 4


def test_a_client_secret_has_the_same_forms() -> None:
    assert lookup_client_secret(source(client_secret_command="echo abc"), {}) == Secret("abc")


def test_a_failing_command_stops_with_its_message() -> None:
    command = source(password_command="echo hunter2; echo agent is locked >&2; exit 3")
    with pytest.raises(SecretUnavailable) as caught:
        lookup_password(command, {})
    assert str(caught.value) == "password_command of source @work: the command failed with status 3: agent is locked"


@pytest.mark.parametrize(
    "form",
    [
        source(password_command="true"),
        source(password_command="/does/not/exist"),
        source(password_file="/does/not/exist"),
        source(password_file="/dev/zero"),
        source(password_file="/dev/null"),
        source(password_env="NOT_SET"),
        source(password_keyring="service"),
        Location(Kind.SOURCE, "work", "caldav://host", {}, {"password": Secret("")}),
    ],
)
def test_a_form_that_gives_nothing_is_an_error_and_never_no_password(form: Location) -> None:
    with pytest.raises(SecretUnavailable, match="source @work"):
        lookup_password(form, {})


def test_the_first_line_may_not_be_endless(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"x" * (MAX_BYTES + 1))
    with pytest.raises(SecretUnavailable, match="larger"):
        lookup_password(source(password_file=str(tmp_path / "log")), {})
