"""Names from a store become single components of a path that every file system takes."""

from __future__ import annotations

import os
from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from caldav_backup.connectors.portable_names import iter_numbered, safe_file_name, safe_record_name
from tests.connectors.hostile_names import HOSTILE, NAMES


@given(st.sampled_from(HOSTILE) | NAMES | st.text(st.characters(codec="utf-8"), min_size=150, max_size=300))
def test_a_safe_name_is_one_plain_component_and_safe_again(name: str) -> None:
    safe = safe_file_name(name)
    assert safe == os.path.basename(safe)
    assert safe not in {"", ".", ".."}
    assert not safe.startswith(".")
    assert not safe.endswith((".", " "))
    assert len(safe.encode("utf-8")) < 250
    assert not set(safe) & set('\\/:*?"<>|\0\n')
    assert safe_file_name(safe) == safe


@given(st.lists(NAMES, unique=True, max_size=8))
def test_names_that_had_to_change_stay_different(names: list[str]) -> None:
    changed = [safe_file_name(name) for name in names if safe_file_name(name) != name]
    assert len(set(changed)) == len(changed)


def test_every_attempt_at_a_name_is_another_one() -> None:
    names = [safe_record_name("a.ics", "uid", attempt) for attempt in range(4)]
    assert names[0] == "a.ics"
    assert len(set(names)) == 4
    assert all(name.endswith(".ics") for name in names)


def test_names_of_directories_are_numbered() -> None:
    assert list(islice(iter_numbered("work"), 3)) == ["work", "work-2", "work-3"]


def test_devices_of_windows_are_no_names() -> None:
    for name in ("nul", "CON.ics", "com1.tar.gz", "LPT9", "aux. ", "aux .ics", "conin$"):
        assert safe_file_name(name).startswith("_")
    assert safe_file_name("console.ics") == "console.ics"
