from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caldav_backup.settings.document import MAX_BYTES, change_document, dump_mapping, read_document
from caldav_backup.settings.errors import SettingsError
from caldav_backup.settings.private_files import exposed, replace_file

COMMENTED = """\
# my servers
version: v1.0.0
sources:
  # the one at work
  work: # mine
    location: caldav://host   # behind the VPN
    timeout: 030
  home: {location: /srv/home}
"""


def test_no_file_is_an_empty_map(tmp_path: Path) -> None:
    assert read_document(tmp_path / "sources.yml") == {}


def test_every_value_is_the_text_that_was_typed(tmp_path: Path) -> None:
    path = tmp_path / "a.yml"
    path.write_text("a: 0123\nb: true\nc: 1e5\nd: 2026-01-01\ne: 'x'\nf: ~\n")
    assert read_document(path) == {"a": "0123", "b": "true", "c": "1e5", "d": "2026-01-01", "e": "x", "f": "~"}


def test_comments_and_untouched_values_survive_a_change(tmp_path: Path) -> None:
    path = tmp_path / "sources.yml"
    path.write_text(COMMENTED)

    def change(document: Any) -> None:
        document["sources"]["work"]["location"] = "caldav://other"

    change_document(path, change)
    assert path.read_text() == COMMENTED.replace("caldav://host ", "caldav://other ").replace(
        "   # behind", "  # behind"
    )


@settings(max_examples=30)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20))
def test_any_value_is_read_back_as_it_was_written(tmp_path_factory: pytest.TempPathFactory, value: str) -> None:
    path = tmp_path_factory.mktemp("any") / "a.yml"
    change_document(path, lambda document: document.update(key=value))
    assert read_document(path) == {"key": value}
    (path.parent / "dumped.yml").write_text(dump_mapping({"key": value}))
    assert read_document(path.parent / "dumped.yml") == {"key": value}


def test_new_files_and_directories_are_private(tmp_path: Path) -> None:
    path = tmp_path / "new" / "sources.yml"
    change_document(path, lambda document: document.update(a="b"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [p.name for p in path.parent.iterdir()] == ["sources.yml"]


def test_a_change_makes_an_open_file_private(tmp_path: Path) -> None:
    path = tmp_path / "sources.yml"
    path.write_text("a: b\n")
    path.chmod(0o644)
    assert exposed([path]) == [path]
    change_document(path, lambda document: document.update(a="c"))
    assert exposed([path]) == []


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    link = tmp_path / "sources.yml"
    link.symlink_to(tmp_path / "dotfiles" / "sources.yml")
    replace_file(link, b"a: b\n")
    assert link.is_symlink()
    assert (tmp_path / "dotfiles" / "sources.yml").read_bytes() == b"a: b\n"


def test_a_failed_replacement_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "is-a-directory"
    (target / "x").mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        replace_file(target, b"new")
    assert [p.name for p in tmp_path.iterdir()] == ["is-a-directory"]


@pytest.mark.parametrize(
    "text",
    [
        "password: hunter2: x",
        "password: [hunter2",
        "password: hunter2\npassword: hunter2b",
        "password: *hunter2",
        "'hunter2",
        "\thunter2: x",
        "hunter2\x00",
        "- hunter2",
        "hunter2",
    ],
)
def test_a_file_that_is_no_yaml_map_is_refused_without_showing_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "sources.yml"
    path.write_text(text)

    def untouched(document: object) -> None:
        raise AssertionError(document)

    for attempt in (read_document, lambda path: change_document(path, untouched)):
        with pytest.raises(SettingsError) as caught:
            attempt(path)
        assert str(path) in str(caught.value)
        assert "hunter2" not in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None
    assert path.read_text() == text


def test_a_huge_or_unreadable_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sources.yml"
    path.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(SettingsError, match="larger"):
        read_document(path)
    with pytest.raises(SettingsError, match="cannot read"):
        read_document(tmp_path)


def test_exposed_ignores_what_is_not_there(tmp_path: Path) -> None:
    assert exposed([tmp_path / "missing"]) == []
    os.chmod(tmp_path, 0o750)
    assert exposed([tmp_path]) == [tmp_path]
