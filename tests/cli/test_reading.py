from __future__ import annotations

import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from caldav_backup.cli.app import main
from tests.cli.conftest import ROOT, Ended, Program
from tests.cli.test_app import HEAVY, imported
from tests.cli.test_backup import vdir
from tests.kloset.conftest import Golden

SOURCE = "fs://golden/srv/calendars"


@pytest.fixture
def plain(cli: Program, golden: Golden) -> Program:
    """The program with a plaintext store of one snapshot, made by plakar, as its store."""
    cli.environ["CALDAV_BACKUP_STORE"] = str(golden("a-plain")[0])
    return cli


def only_line(ended: Ended) -> str:
    (line,) = ended.err.splitlines()
    return line


def test_snapshots_are_listed(plain: Program) -> None:
    ended = plain("ls")
    header, row = ended.out.splitlines()
    assert header.split() == ["ID", "TIME", "SOURCE", "FILES", "SIZE", "TAGS"]
    assert row.split()[0] == "56cf5e1f"
    assert SOURCE in row
    assert (
        plain("ls", "snapshots", "-uuid").out.splitlines()[1].split()[0]
        == plain("ls", "--json").document["result"]["snapshots"][0]["id"]
    )


def test_an_encrypted_store_is_listed_the_same(cli: Program, golden: Golden) -> None:
    place, facts = golden("b-encrypted")
    listed = cli("at", str(place), "ls", "--json", PLAKAR_PASSPHRASE=facts["passphrase"]).document
    assert [each["id"] for each in listed["result"]["snapshots"]] == [each["id"] for each in facts["snapshots"]]


def test_filters_choose_snapshots(cli: Program, golden: Golden) -> None:
    place, facts = golden("d-tags-tar-importer")
    (snapshot,) = facts["snapshots"]

    def count(*words: str) -> int:
        return len(cli("at", str(place), "ls", *words, "--json").document["result"]["snapshots"])

    assert count() == count("--tag", "calendar") == count("-tag", "calendar,golden") == 1
    assert count("--tag", "calendar", "--tag", "other") == 0
    assert count("--source", "@nightly") == count("--source", "nightly") == 1
    assert count("--since", "2024-02-01", "--before", "2024-02-10") == 1
    assert count("--since", "2024-02-10") == count("--before", "2024-02-01") == 0
    assert cli("at", str(place), "ls", "--source", "@other").code == 66
    listed = cli("at", str(place), "ls", "--json").document["result"]["snapshots"][0]
    assert listed["time"] == "2024-02-03T04:05:06.000000000Z"
    assert (listed["id"], listed["tags"], listed["job"]) == (snapshot["id"], ["calendar", "golden"], "nightly")


def test_calendars_are_found_in_another_programs_tree(plain: Program) -> None:
    found = plain("ls", "calendars", "--json").document["result"]["calendars"]
    assert {each["path"]: each["events"] for each in found} == {
        "/srv/calendars": 3,
        "/srv/calendars/home": 1,
        "/srv/calendars/home/family": 4,
        "/srv/calendars/unicode": 5,
        "/srv/calendars/work": 6,
        "/srv/calendars/work/sub": 1,
        "/srv/calendars/work/sub/deep/deeper": 1,
    }
    assert "family" in plain("ls", "calendars", "latest:/srv/calendars/home").out


def test_events_are_told_by_what_they_are(plain: Program) -> None:
    out = plain("ls", "events", "56cf:/srv/calendars/home").out
    assert "/srv/calendars/home/dentist.ics         VEVENT  2024-01-02 10:00 UTC  Dentist" in out
    one = plain("ls", "events", "latest:/srv/calendars/unicode/日本語.ics", "--json").document["result"]["events"]
    assert [(each["summary"], each["kinds"], each["start"]) for each in one] == [
        ("会議", ["VEVENT"], "20240102T100000Z")
    ]


def test_paths_are_listed_below_a_directory(plain: Program) -> None:
    direct = plain("ls", "latest:/srv/calendars/work", "--json").document["result"]["entries"]
    assert [each["path"].rpartition("/")[2] for each in direct][:2] == ["empty-sub", "event-00.ics"]
    deep = plain("ls", "latest:/srv/calendars/work", "--recursive", "--json").document["result"]["entries"]
    assert "/srv/calendars/work/sub/deep/deeper/one.ics" in [each["path"] for each in deep]
    assert plain("ls", "56cf").out.split() == [
        "TYPE",
        "SIZE",
        "MODIFIED",
        "PATH",
        "directory",
        *plain("ls", "latest").out.split()[5:],
    ]
    assert len(plain("ls", "latest:srv/calendars/work.ics").out.splitlines()) == 2


def test_errors_of_a_snapshot_are_listed(cli: Program, golden: Golden) -> None:
    place, facts = golden("g-xattr-symlink-error")
    listed = cli("at", str(place), "ls", "errors", "--json").document["result"]["errors"]
    assert {each["path"]: each["reason"] for each in listed} == facts["snapshots"][0]["errors"]
    assert (
        cli("at", str(place), "ls", "errors", "latest:/srv/calendars/sub", "--json").document["result"]["errors"] == []
    )


def test_cat_gives_the_exact_bytes(golden: Golden, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    place, facts = golden("a-plain")
    environ = {"CALDAV_BACKUP_STATE_DIR": str(tmp_path), "CALDAV_BACKUP_CONFIG_DIR": str(tmp_path)}
    tmp_path.chmod(0o700)
    for entry in facts["snapshots"][0]["entries"]:
        if entry["type"] == "file":
            assert main(["at", str(place), "cat", f"latest:/srv/calendars/{entry['path']}"], environ) == 0
            assert sha256(capsysbinary.readouterr().out).hexdigest() == entry["sha256"]


def test_cat_as_json_loses_nothing(plain: Program) -> None:
    result = plain("cat", "latest:/srv/calendars/home/dentist.ics", "--json").document["result"]
    assert (result["encoding"], len(result["content"])) == ("utf-8", result["size"])


def test_a_snapshot_is_described(plain: Program) -> None:
    described = plain("info", "latest", "--json").document["result"]["snapshot"]
    assert (described["source"], described["files"], described["context"]["Hostname"]) == (SOURCE, 21, "golden")
    text = plain("info", "56cf5e1f").out
    assert "source                   fs://golden/srv/calendars" in text
    assert "encrypted" in plain("info").out


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["ls", "ffff"], 66, "no snapshot ffff"),
        (["ls", "frobnicate"], 2, "is no snapshot"),
        (["ls", "latest~1"], 66, "1 good snapshot"),
        (["ls", "@2020-01-01"], 66, "no snapshot up to 2020-01-01; the oldest is of 2026"),
        (["ls", "latest:/nowhere"], 66, "/nowhere"),
        (["ls", "calendars", "latest:/nowhere"], 66, "/nowhere"),
        (["ls", "snapshots", "latest"], 2, "lists all of them"),
        (["ls", "latest", "latest"], 2, "is none of"),
        (["ls", "--since", "yesterday"], 2, "'yesterday'"),
        (["cat", "latest"], 2, "needs a path"),
        (["cat", "latest:/srv"], 2, "is a directory"),
        (["cat", "latest:/srv/nothing.ics"], 66, "nothing.ics"),
        (["info", "latest", "--source", "@other"], 66, f"it has: {SOURCE}"),
        (["cat"], 2, "Missing argument"),
    ],
)
def test_a_mistake_is_one_line_with_the_right_code(plain: Program, words: list[str], code: int, message: str) -> None:
    ended = plain(*words)
    assert (ended.code, ended.out) == (code, "")
    assert message in only_line(ended)
    document = plain(*words, "--json").document
    assert (document["ok"], document["exit"], message in document["error"]["message"]) == (False, code, True)


def test_listing_snapshots_imports_nothing_heavy(plain: Program) -> None:
    assert not imported(plain, "ls") & (HEAVY | {"ruamel", "rich"})


def test_a_listing_under_cron_needs_nothing_of_the_environment(plain: Program) -> None:
    ended = plain.process("ls")
    assert (ended.code, ended.err) == (0, "")
    assert "56cf5e1f" in ended.out
    assert json.loads(plain.process("ls", "--json").out) == plain("ls", "--json").document


def test_events_reach_a_pipe_in_any_locale(plain: Program) -> None:
    ended = plain.process("ls", "events", LC_ALL="C", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert ended.code == 0
    assert "\\u65e5" in ended.out


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
def test_a_full_output_is_told(plain: Program) -> None:
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "caldav_backup", "ls"]
        done = subprocess.run(
            command,
            env=plain.environ,
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 73
    assert done.stderr == "caldav-backup: standard output: No space left on device\n"


def test_an_empty_listing_says_so_and_prints_nothing(cli: Program) -> None:
    cli("init", "--plaintext")
    assert cli("ls") == Ended(0, "", "caldav-backup: no snapshots yet; 'caldav-backup backup' makes one\n")
    assert cli("ls", "-q") == Ended(0, "", "")
    assert "the store has no snapshots" in cli("cat", "latest:/home/a.ics").err
    cli("backup", str(vdir(cli.home / "vdir", "home", 1)))
    assert cli("ls", "--tag", "none") == Ended(0, "", "caldav-backup: no snapshot is like that\n")
    assert cli("ls", "errors") == Ended(0, "", "caldav-backup: nothing was unreadable\n")
