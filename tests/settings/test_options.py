from __future__ import annotations

import pytest

from caldav_backup.settings.errors import SettingsError
from caldav_backup.settings.names import check_name
from caldav_backup.settings.options import (
    SECRET_FAMILIES,
    SECRET_OPTIONS,
    Kind,
    check_option,
    check_secret_families,
    overridden,
)


def test_an_unknown_option_names_the_nearest_known_one() -> None:
    with pytest.raises(SettingsError, match=r"a source has no option 'pasword' \(did you mean 'password'\?\)"):
        check_option(Kind.SOURCE, "pasword", "x", "source @work")


def test_a_store_has_no_password_and_a_source_no_passphrase() -> None:
    with pytest.raises(SettingsError):
        check_option(Kind.STORE, "password", "x", "store")
    with pytest.raises(SettingsError):
        check_option(Kind.SOURCE, "passphrase", "x", "source")


@pytest.mark.parametrize(
    ("name", "value"),
    [("insecure", "yes"), ("timeout", "0"), ("timeout", "soon"), ("rate", "-1"), ("rate", "inf"), ("location", "")],
)
def test_values_must_have_their_form(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        check_option(Kind.SOURCE, name, value, "source @work")


@pytest.mark.parametrize(("name", "value"), [("insecure", "true"), ("timeout", "2.5"), ("rate", "10")])
def test_values_of_the_right_form_pass(name: str, value: str) -> None:
    check_option(Kind.SOURCE, name, value, "source @work")


def test_two_forms_of_one_secret_are_refused() -> None:
    with pytest.raises(SettingsError, match="both password and password_file"):
        check_secret_families({"password", "password_file", "username"}, "source @work")


def test_an_override_replaces_every_form_of_the_secret() -> None:
    values = {"password_command": "false", "username": "alice"}
    assert overridden(values, {"password_env": "X"}) == {"username": "alice", "password_env": "X"}


def test_every_secret_form_is_a_known_option_of_some_kind() -> None:
    known = {option for kind in Kind for option in kind.options}
    assert set(SECRET_OPTIONS) <= known
    assert {option for family in SECRET_FAMILIES.values() for option in family} <= known


@pytest.mark.parametrize("name", ["work", "@work", "My_cal-2", "a"])
def test_names_begin_with_a_letter(name: str) -> None:
    assert check_name(name) == name.removeprefix("@")


@pytest.mark.parametrize("name", ["", "@", "2work", "-x", "a b", "ä", "a/b", "a.b", "@@a", "a\n"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(SettingsError):
        check_name(name)
