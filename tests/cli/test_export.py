"""A snapshot as files that other programs read."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import icalendar
import pytest

from tests.cli.conftest import ROOT, Person, Program
from tests.cli.test_backup import vdir
from tests.events import event, events, todo


@pytest.fixture
def backed_up(cli: Program) -> Program:
    """The program with a plaintext store that holds one snapshot of a directory of two calendars."""
    root = vdir(cli.home / "vdir", "home", 3)
    vdir(root, "work", 1)
    (root / "home" / "displayname").write_text("At home")
    (root / "home" / "color").write_text("#FF2968FF")
    (root / "work" / todo(7).name).write_bytes(todo(7).content)
    cli("init", "--plaintext")
    assert cli("backup", str(root)).code == 0
    return cli


HOME = {f"home/{one.name}": one.content for one in events(3)}
EXPECTED = HOME | {
    f"work/{event(0).name}": event(0).content,
    f"work/{todo(7).name}": todo(7).content,
    "home/displayname": b"At home",
    "work/displayname": b"work",
    "home/color": b"#FF2968",
}


def in_tar(content: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        files = {member.name: tar.extractfile(member) for member in tar if member.isfile()}
        return {name: file.read() for name, file in files.items() if file is not None}


def in_zip(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as found:
        return {name: found.read(name) for name in found.namelist() if not name.endswith("/")}


def piped(program: Program, *words: str) -> tuple[int, bytes, bytes]:
    """Exit code and both streams of a process, as bytes."""
    done = subprocess.run(
        [sys.executable, "-m", "caldav_backup", *words],
        env=program.environ,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(("kind", "read"), [("tar", in_tar), ("zip", in_zip)])
def test_an_archive_holds_the_exact_bytes_and_is_the_same_every_time(
    backed_up: Program, kind: str, read: object
) -> None:
    path = backed_up.home / f"all.{kind}"
    ended = backed_up("export", "-o", str(path))
    assert ended.code == 0
    assert ended.out.splitlines()[-1] == f"{path}: 5 created"
    assert callable(read)
    assert read(path.read_bytes()) == EXPECTED
    again = backed_up("export", "-o", str(path), "--json").document
    assert (again["exit"], again["result"]["counts"]["identical"]) == (0, 5)


def test_a_directory_is_a_vdir(backed_up: Program) -> None:
    target = backed_up.home / "out"
    assert backed_up("export", "--format", "vdir", "--output", str(target)).code == 0
    assert {str(p.relative_to(target)): p.read_bytes() for p in target.rglob("*") if p.is_file()} == EXPECTED
    assert backed_up("export", "-output", str(target), "--json").document["result"]["counts"]["identical"] == 5


def test_one_calendar_is_a_file_or_standard_output(backed_up: Program) -> None:
    path = backed_up.home / "all.ics"
    assert backed_up("export", "latest:/home", "-o", str(path)).code == 0
    calendar = icalendar.Calendar.from_ical(path.read_bytes())
    assert (calendar["X-WR-CALNAME"], len(calendar.walk("VEVENT"))) == ("At home", 3)


@pytest.mark.full
@pytest.mark.parametrize("kind", ["ics", "tar", "zip"])
def test_a_pipe_gets_the_same_bytes_as_a_file(backed_up: Program, kind: str) -> None:
    path = backed_up.home / f"all.{kind}"
    assert backed_up("export", "latest", "-o", str(path)).code == 0
    code, out, err = piped(backed_up, "export", "latest", "--format", kind)
    assert (code, out, err.splitlines()[-1]) == (0, path.read_bytes(), b"caldav-backup: standard output: 5 created")
    assert piped(backed_up, "export", "-q", "-format", kind, "-o", "-") == (0, path.read_bytes(), b"")


def test_json_and_an_archive_do_not_share_standard_output(backed_up: Program) -> None:
    ended = backed_up("export", "--format", "tar", "--json")
    assert (ended.code, ended.document["error"]["kind"]) == (2, "usage")


def test_a_choice_of_events_is_exported(backed_up: Program) -> None:
    def chosen(*words: str) -> set[str]:
        path = backed_up.home / "chosen.tar"
        path.unlink(missing_ok=True)
        assert backed_up("export", "-o", str(path), *words).code == 0
        return {name for name in in_tar(path.read_bytes()) if name.endswith(".ics")}

    assert chosen("--type", "todo") == {f"work/{todo(7).name}"}
    assert chosen("--calendar", "h*") == set(HOME)
    assert chosen("--event", event(2).uid) == {f"home/{event(2).name}"}


def test_twins_are_all_in_an_archive_and_once_in_a_calendar(cli: Program) -> None:
    root = vdir(cli.home / "vdir", "home", 1)
    (root / "home" / "twin.ics").write_bytes(event(0).content.replace(b"DTSTAMP:2", b"DTSTAMP:1"))
    cli("init", "--plaintext")
    cli("backup", str(root))
    cli("export", "-o", str(cli.home / "all.zip"))
    assert len([name for name in in_zip((cli.home / "all.zip").read_bytes()) if name.endswith(".ics")]) == 2
    result = cli("export", "-o", str(cli.home / "all.ics"), "--json").document["result"]
    assert (result["counts"]["created"], result["counts"]["identical"]) == (1, 1)


@pytest.mark.parametrize("name", ["all.tar", pytest.param("all.ics", marks=pytest.mark.full)])
def test_another_file_is_left_alone_until_told_to_replace_it_and_is_kept_then(backed_up: Program, name: str) -> None:
    path = backed_up.home / name
    path.write_bytes(b"mine")
    refused = backed_up("export", "-o", str(path))
    assert (refused.code, path.read_bytes()) == (3, b"mine")
    assert backed_up("export", "-o", str(path), "--on-conflict", "skip").code == 0
    replaced = backed_up("export", "-o", str(path), "--on-conflict", "replace")
    assert (replaced.code, "kept with ~ behind its name" in replaced.out) == (0, True)
    assert path.with_name(f"{name}~").read_bytes() == b"mine"
    assert path.read_bytes() != b"mine"


def test_who_restores_to_an_archive_is_told_what_writes_one(backed_up: Program) -> None:
    ended = backed_up("restore", "--to", str(backed_up.home / "all.zip"))
    assert (ended.code, "export --output" in ended.err) == (2, True)
    assert not (backed_up.home / "all.zip").exists()


class AtScreen(Person):
    """Standard output is a terminal, too."""

    @property
    def shows_data(self) -> bool:
        return True


def test_no_archive_is_written_to_a_terminal(backed_up: Program) -> None:
    ended = backed_up.at(AtScreen())("export", "--format", "zip")
    assert (ended.code, ended.out) == (2, "")
    assert "--output" in ended.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["export"], "--format takes ics, vdir, tar, zip; without it, --output is to end in .ics, .tar or .zip"),
        (["export", "-o", "nowhere"], "--format"),
        (["export", "--format", "rar"], "rar"),
        (["export", "--format", "vdir"], "--output"),
    ],
)
def test_what_is_not_clear_is_one_line_before_the_store_is_opened(cli: Program, words: list[str], message: str) -> None:
    ended = cli(*words)
    assert (ended.code, ended.out, len(ended.err.splitlines())) == (2, "", 1)
    assert message in ended.err


def test_a_mistake_is_one_line_with_the_right_code(backed_up: Program) -> None:
    for words, code, message in [
        (["ffff", "-o", "out.tar"], 66, "no snapshot ffff"),
        (["latest:/nothing", "-o", "out.tar"], 66, "/nothing"),
        (["--calendar", "nothing", "-o", "out.tar"], 66, "no calendar matches"),
        (["--event", "nothing", "-o", "out.tar"], 66, "nothing"),
    ]:
        ended = backed_up("export", *words)
        assert (ended.code, ended.out, len(ended.err.splitlines())) == (code, "", 1)
        assert message in ended.err
    assert not Path("out.tar").exists()


def test_a_place_that_takes_no_file_is_told_and_stays_what_it_is(backed_up: Program) -> None:
    for output, message in [("nowhere/out.tar", "nowhere/out.tar"), ("/dev/null", "no regular file")]:
        ended = backed_up("export", "--format", "tar", "-o", output, "--on-conflict", "replace")
        assert (ended.code, "internal error" in ended.err) == (73, False)
        assert message in ended.err
    assert Path("/dev/null").is_char_device()


@pytest.mark.full
def test_a_reader_that_goes_away_ends_it_quietly(backed_up: Program) -> None:
    command = f"{sys.executable} -m caldav_backup export --format tar | head -c 100 | wc -c"
    done = subprocess.run(
        ["/bin/bash", "-c", command],
        env=backed_up.environ | {"PATH": "/usr/bin:/bin"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout.strip(), done.stderr.count("Traceback")) == ("100", 0)
