"""What stands in config.yml, and what is told of mistakes in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from caldav_backup.settings import SettingsError, UnknownName
from caldav_backup.settings.config import Config


def config(directory: Path, text: str) -> Config:
    (directory / "config.yml").write_text(text)
    return Config(directory / "config.yml")


def test_an_entry_is_handed_out_as_it_was_written(tmp_path: Path) -> None:
    found = config(tmp_path, "policies:\n  nightly: {keep-daily: 007, keep-tag: [a, 'b c']}\n  other: {}\n")
    assert found.entry("policies", "nightly") == {"keep-daily": "007", "keep-tag": ("a", "b c")}
    assert found.entry("policies", "other") == {}


def test_without_a_file_nothing_is_set(tmp_path: Path) -> None:
    found = Config(tmp_path / "config.yml")
    assert found.default_store() is None
    with pytest.raises(UnknownName, match="has no 'nightly' in its policies"):
        found.entry("policies", "nightly")


def test_an_unknown_name_is_told_with_the_nearest_one(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="did you mean 'nightly'"):
        config(tmp_path, "policies: {nightly: {keep-daily: 7}}").entry("policies", "nigtly")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("polices: {}", "has an unknown key 'polices' (did you mean 'policies'?)"),
        ("policies: [nightly]", "policies must be a map from names to options"),
        ("policies: {nightly: 7}", "policies: nightly must be a map of options"),
        (
            "policies: {nightly: {keep-daily: {a: b}}}",
            "policies: nightly: keep-daily must be a text, or a list of texts",
        ),
        ("policies: {nightly: {keep-tag: [[a]]}}", "policies: nightly: keep-tag must be a text, or a list of texts"),
    ],
)
def test_a_mistake_is_told_with_file_and_key(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        config(tmp_path, text).entry("policies", "nightly")
    told = str(caught.value)
    assert told.startswith(str(tmp_path / "config.yml")) and message in told
