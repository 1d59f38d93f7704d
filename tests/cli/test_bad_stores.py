"""Stores that are not as they should be: for people one line, for programs one document, and no byte changed."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from caldav_backup.kloset.locks import Lock
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.resources import VERSION_1_0_0, ResourceType
from caldav_backup.kloset.storage import Kind, open_storage
from tests.cli.conftest import Ended, Program
from tests.cli.test_backup import vdir
from tests.cli.test_init import MARK, make_encrypted
from tests.events import event

BACKUP = ["backup", "{vdir}"]
READING = [
    ["ls"],
    ["check"],
    ["info", "latest"],
    ["cat", f"latest:/home/{event(1).name}"],
    ["restore", "--to", "{out}"],
]


class Case(NamedTuple):
    """What is done to a store, and what a run says then: its code, the error's kind, and a part of its message."""

    spoil: Callable[[Program], None]
    commands: list[list[str]]
    code: int
    kind: str
    said: str
    encrypted: bool = False


def store_of(cli: Program) -> Path:
    return cli.home / "store"


def wrong_passphrase(cli: Program) -> None:
    cli.environ["CALDAV_BACKUP_PASSPHRASE"] = "wrong"


def no_passphrase(cli: Program) -> None:
    del cli.environ["CALDAV_BACKUP_PASSPHRASE"]


def a_passphrase(cli: Program) -> None:
    cli.environ["CALDAV_BACKUP_PASSPHRASE"] = MARK


def no_store(cli: Program) -> None:
    shutil.rmtree(store_of(cli))


def an_unmounted_disk(cli: Program) -> None:
    no_store(cli)
    store_of(cli).mkdir()


def newer_version(cli: Program) -> None:
    _change(store_of(cli) / "CONFIG", lambda content: content[:14] + b"\x09" + content[15:])


def cut_configuration(cli: Program) -> None:
    _change(store_of(cli) / "CONFIG", lambda content: content[:-40])


def changed_configuration(cli: Program) -> None:
    _change(store_of(cli) / "CONFIG", lambda content: content[:-1] + bytes([content[-1] ^ 1]))


def cut_state(cli: Program) -> None:
    _change(_files(cli, "states")[-1], lambda content: content[:-40])


def missing_states(cli: Program) -> None:
    for path in _files(cli, "states"):
        path.unlink()


def another_store(cli: Program) -> None:
    no_store(cli)
    elsewhere = {"CALDAV_BACKUP_STORE": str(cli.home / "elsewhere")}
    assert cli("init", "--plaintext", **elsewhere).code == 0
    (cli.home / "elsewhere").rename(store_of(cli))


def encryption_turned_off(cli: Program) -> None:
    del cli.environ["CALDAV_BACKUP_PASSPHRASE"]
    another_store(cli)


def maintenance(cli: Program) -> None:
    repository = Repository.open(open_storage(str(store_of(cli))))
    lock = Lock(time.time_ns(), "maintainer", exclusive=True).to_bytes()
    sealed = repository.seal_file(ResourceType.LOCK, VERSION_1_0_0, lock)
    repository.storage.write(Kind.LOCK, os.urandom(32), sealed)


def _change(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(change(path.read_bytes()))


def _files(cli: Program, kind: str) -> list[Path]:
    return sorted(path for path in (store_of(cli) / kind).rglob("*") if path.is_file())


CASES = {
    "a wrong passphrase": Case(
        wrong_passphrase, [*READING, BACKUP], 77, "wrong-passphrase", "{store}: the passphrase does not open", True
    ),
    "no passphrase": Case(
        no_passphrase, [*READING, BACKUP], 77, "passphrase-missing", "{store} needs a passphrase", True
    ),
    "a passphrase for a plaintext store": Case(
        a_passphrase,
        [*READING, BACKUP],
        78,
        "passphrase-not-expected",
        "CALDAV_BACKUP_PASSPHRASE gives one for {store}",
    ),
    "no store": Case(
        no_store, [*READING, BACKUP, ["info"]], 66, "store-not-found", "no store at {store}: there is no CONFIG"
    ),
    "an unmounted disk": Case(
        an_unmounted_disk, [*READING, BACKUP], 66, "store-not-found", "is its disk mounted? 'caldav-backup init' makes"
    ),
    "a newer version": Case(
        newer_version,
        [*READING, BACKUP, ["info"]],
        78,
        "unsupported-store",
        "{store}: the store's file CONFIG has version",
    ),
    "a configuration cut short": Case(
        cut_configuration, [*READING, BACKUP, ["info"]], 65, "damaged", "{store}: the store's file CONFIG is damaged"
    ),
    "a configuration changed": Case(
        changed_configuration, [*READING, BACKUP], 65, "damaged", "{store}: the store's file CONFIG is damaged"
    ),
    "a state cut short": Case(
        cut_state, [["ls"], ["info", "latest"], BACKUP], 65, "damaged", "of the store at {store} is damaged"
    ),
    "missing states": Case(
        missing_states, [["info", "latest"], ["restore", "--to", "{out}"]], 66, "snapshot-not-found", "has no snapshots"
    ),
    "another store": Case(
        another_store, [*READING, BACKUP, ["info"]], 78, "store-identity-changed", "{store} is another store"
    ),
    "encryption turned off": Case(
        encryption_turned_off,
        [["ls"], BACKUP],
        78,
        "store-identity-changed",
        "so nothing is done; if that is your",
        True,
    ),
    "a maintenance": Case(
        maintenance,
        [[*BACKUP, "--lock-wait", "0"]],
        75,
        "locked",
        "{store} is locked (exclusive) for maintenance by maintainer",
    ),
}


def spoilt(cli: Program, case: Case) -> Program:
    """The program with a store of one snapshot, to which the case has happened."""
    root = str(vdir(cli.home / "vdir", "home", 2))
    if case.encrypted:
        a_passphrase(cli)
        make_encrypted(cli)
    else:
        assert cli("init", "--plaintext").code == 0
    assert cli("backup", root).code == 0
    case.spoil(cli)
    return cli


def everything(directory: Path) -> dict[str, bytes | None]:
    return {str(path): path.read_bytes() if path.is_file() else None for path in sorted(directory.rglob("*"))}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_it_is_one_line_for_people_and_one_document_for_programs_and_changes_nothing(cli: Program, case: Case) -> None:
    spoilt(cli, case)
    before = everything(store_of(cli))
    said = case.said.replace("{store}", str(store_of(cli)))
    for command in case.commands:
        words = [word.format(vdir=cli.home / "vdir", out=cli.home / "out") for word in command]
        told = cli(*words)
        assert (told.code, told.out, len(told.err.splitlines())) == (case.code, "", 1), told
        assert told.err.startswith("caldav-backup: ") and said in told.err
        document = cli(*words, "--json").document
        assert (document["ok"], document["exit"]) == (False, case.code)
        error = document["error"] if "error" in document else document["result"]["backups"][0]["error"]
        assert error["kind"] == case.kind
        assert said in error["message"]
    assert everything(store_of(cli)) == before
    assert not (cli.home / "out").exists()


def test_check_reports_packfiles_that_no_state_names(cli: Program) -> None:
    spoilt(cli, CASES["missing states"])
    ended = cli("check")
    assert (ended.code, ended.out) == (0, "the store: no damage found\n")
    snapshot, left_over = ended.err.splitlines()
    (packfile,) = _files(cli, "packfiles")
    assert "lost snapshot" in snapshot and snapshot.endswith("'caldav-backup repair' brings it back")
    assert packfile.name in left_over and "no state names it" in left_over


@pytest.mark.parametrize(("kept", "code"), [(100, 65), (-1, 0)], ids=["near its beginning", "at its end"])
def test_a_packfile_cut_short_is_found_by_check_and_costs_the_events_in_it(cli: Program, kept: int, code: int) -> None:
    root = vdir(cli.home / "vdir", "home", 2)
    cli("init", "--plaintext")
    cli("backup", str(root))
    first = _files(cli, "packfiles")
    (root / "home" / event(7).name).write_bytes(event(7).content)
    newer = cli("backup", str(root), "--json").document["result"]["backups"][0]["snapshot"]
    (second,) = set(_files(cli, "packfiles")) - set(first)
    _change(second, lambda content: content[:kept])
    checked = cli("check", "--read-data")
    assert checked.code == 65
    assert "\nthe store: damaged in " in f"\n{checked.out}"
    assert f"damage: packfile {second.name}: " in checked.err
    # What lies in the other packfile is as readable as before.
    older = cli("ls", "--json").document["result"]["snapshots"][0]["id"]
    printed = cli.process("cat", f"{older}:/home/{event(1).name}")
    assert printed.out.encode() == event(1).content.replace(b"\r\n", b"\n")
    assert cli("cat", f"{newer}:/home/{event(7).name}").code == code
    # And the next backup stores again what is lost.
    again = cli("backup", str(root))
    assert again.code == 0
    newest = cli("ls", "--json").document["result"]["snapshots"][-1]["id"]
    assert cli("check", newest, "--read-data", "-q").code == 0


def test_a_destination_that_refuses_writes_is_asked_nothing(cli: Program) -> None:
    spoilt(cli, CASES["no store"]._replace(spoil=lambda _: None))
    cli("destination", "add", "me", "http://127.0.0.1:9/", "read_only=true")
    assert cli("restore", "--to", "@me") == Ended(
        73, "", "caldav-backup: destination @me is marked read_only in the settings; nothing is written to it\n"
    )
