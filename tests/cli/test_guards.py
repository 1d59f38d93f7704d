"""A source that suddenly holds much less, as a person and a script meet it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Program
from tests.cli.test_backup import vdir
from tests.events import event


@pytest.fixture
def store(cli: Program) -> Program:
    """A store with a snapshot of forty events in `home` and three in `work`."""
    assert cli("init", "--plaintext").code == 0
    root = vdir(cli.home / "vdir", "home", 40)
    vdir(root, "work", 3)
    assert cli("backup", str(root)).code == 0
    return cli


@pytest.fixture
def root(store: Program) -> Path:
    return store.home / "vdir"


def test_a_shrunken_calendar_ends_with_4_until_it_is_accepted(store: Program, root: Path) -> None:
    for number in range(20):
        (root / "home" / event(number).name).unlink()
    for _ in range(2):
        ended = store("-q", "backup", str(root))
        assert (ended.code, ended.out) == (4, "")
        assert ended.err.endswith("/home: lost 20 of 40, more than 30%; --accept-shrink takes that for right\n")
    tags = [each["tags"] for each in store("ls", "--json").document["result"]["snapshots"]]
    assert tags == [[], ["suspicious"], ["suspicious"]]
    good = store("ls", "--json").document["result"]["snapshots"][0]["id"]
    assert store("info", "latest", "--json").document["result"]["snapshot"]["id"] == good
    assert store("backup", str(root), "--accept-shrink").code == 0
    assert store("backup", str(root)).code == 0


def test_another_limit_can_be_set_and_nonsense_is_refused(store: Program, root: Path) -> None:
    for number in range(20):
        (root / "home" / event(number).name).unlink()
    assert store("backup", str(root), "--max-shrink", "50%").code == 0
    refused = store("backup", str(root), "--max-shrink", "a third")
    assert (refused.code, "--max-shrink takes a share such as 10%" in refused.err) == (2, True)


def test_an_emptied_calendar_and_one_that_is_gone_are_told_apart(store: Program, root: Path) -> None:
    for name in ("home", "work"):
        (root / name / "displayname").write_text(name)
    for number in range(3):
        (root / "work" / event(number).name).unlink()
    shutil.rmtree(root / "home")
    document = store("backup", str(root), "--json").document
    assert (document["exit"], document["ok"]) == (4, False)
    (backup,) = document["result"]["backups"]
    assert {each["path"]: each["reason"].split(",")[0] for each in backup["trips"]} == {
        "/home": "is gone",
        "/work": "is empty",
    }
    assert backup["tags"] == ["suspicious"]
    assert store("backup", str(root), "--accept-shrink", "--allow-empty").code == 0


def test_with_v_the_run_tells_what_it_asked(store: Program, root: Path) -> None:
    assert "0 requests; 2 calendars listed, 0 unmoved since the last run" in store("-v", "backup", str(root)).out
