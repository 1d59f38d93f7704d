from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
from collections.abc import Sequence

import pytest

from tests.cli.conftest import ROOT, Program
from tests.cli.test_backup import vdir
from tests.servers.server import Server, members

MARK = "correct horse mark"


def at_terminal(
    cli: Program, *arguments: str, answers: Sequence[tuple[str, str]] = (), columns: int = 80, **environ: str
) -> tuple[int, str]:
    """Run the program at a terminal of its own, and all that was to be seen there.

    `answers` are pairs of a prompt and what a person types once it is shown.
    """
    controller, terminal = pty.openpty()
    variables = cli.environ | {"TERM": "xterm", "COLUMNS": str(columns), "LINES": "40"} | environ
    command = [sys.executable, "-m", "caldav_backup", *arguments]
    with subprocess.Popen(
        command, env=variables, cwd=ROOT, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True
    ) as process:
        os.close(terminal)
        try:
            seen = _converse(controller, list(answers))
            return process.wait(timeout=30), seen
        finally:
            process.kill()
            os.close(controller)


def _converse(controller: int, answers: list[tuple[str, str]]) -> str:
    """Everything that is shown until the other side is closed."""
    seen = b""
    asked = 0
    while select.select([controller], [], [], 30)[0]:
        try:
            piece = os.read(controller, 4096)
        except OSError:
            # Linux answers EIO when the other side is closed.
            break
        if not piece:
            break
        seen += piece
        if answers and answers[0][0].encode() in seen[asked:]:
            asked = len(seen)
            os.write(controller, f"{answers.pop(0)[1]}\n".encode())
    return seen.decode().replace("\r\n", "\n")


@pytest.fixture
def store(cli: Program) -> Program:
    assert cli("init", "--plaintext").code == 0
    return cli


def plain(text: str) -> str:
    """`text` without what moves the cursor or colours it."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


@pytest.mark.full
def test_a_passphrase_is_typed_twice_and_never_shown(cli: Program) -> None:
    code, seen = at_terminal(cli, "init", answers=[("New passphrase: ", MARK), ("once more: ", MARK)])
    assert code == 0
    assert "a lost passphrase means lost backups" in seen
    assert MARK not in seen


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 4), ("", 4)])
def test_a_person_is_asked_before_an_account_is_written(
    store: Program, radicale: Server, answer: str, code: int
) -> None:
    store("backup", str(vdir(store.home / "vdir", "home", 2)))
    store("destination", "add", "me", radicale.url, f"username={radicale.user}", f"password={radicale.password}")
    ended, seen = at_terminal(store, "restore", "--to", "@me", answers=[("[y/N] ", answer)])
    assert ended == code
    assert "/home to 'home', a new calendar: 2 to create" in seen
    assert len(members(radicale)) == (code == 0)


def test_a_backup_shows_a_bar_and_leaves_one_line(store: Program) -> None:
    root = str(vdir(store.home / "vdir", "home", 50))
    code, seen = at_terminal(store, "backup", root, columns=120)
    assert code == 0
    assert "\x1b[" in seen
    assert plain(seen).splitlines()[-1].startswith(f"{root}: snapshot ")
    quiet = at_terminal(store, "backup", root, "-q")
    assert quiet == (0, "")


@pytest.mark.parametrize("columns", [40, pytest.param(80, marks=pytest.mark.full)])
def test_listings_fit_the_window(store: Program, columns: int) -> None:
    store("source", "add", "a-rather-long-name-for-a-source", str(vdir(store.home / "vdir", "home", 3)))
    store("backup", "--tag", "one,two,three")
    for words in (["ls"], ["ls", "calendars"], ["ls", "events"], ["source", "ls"]):
        code, seen = at_terminal(store, *words, columns=columns)
        assert code == 0
        assert max(len(line) for line in plain(seen).splitlines()) <= columns


def test_a_dumb_terminal_gets_no_bar(store: Program) -> None:
    root = str(vdir(store.home / "vdir", "home", 5))
    code, seen = at_terminal(store, "backup", root, TERM="dumb")
    assert (code, "\x1b" in seen) == (0, False)


END_OF_FILE = "\x04"


def test_a_question_that_gets_no_answer_ends_on_a_line_of_its_own(cli: Program) -> None:
    ended, seen = at_terminal(cli, "init", answers=[("New passphrase: ", END_OF_FILE)])
    assert ended == 77
    assert seen.splitlines()[-1] == "caldav-backup: New passphrase: no answer was given, so nothing was done"
    assert not (cli.home / "store").exists()


def test_an_end_of_input_is_no_consent(store: Program, radicale: Server) -> None:
    store("backup", str(vdir(store.home / "vdir", "home", 1)))
    store("destination", "add", "me", radicale.url, f"username={radicale.user}", f"password={radicale.password}")
    ended, seen = at_terminal(store, "restore", "--to", "@me", answers=[("[y/N] ", END_OF_FILE)])
    assert ended == 4
    assert seen.splitlines()[-1] == "caldav-backup: nothing was written"
    assert members(radicale) == []


def test_events_on_standard_output_are_not_mixed_with_a_bar(store: Program) -> None:
    store("backup", str(vdir(store.home / "vdir", "home", 5)))
    code, seen = at_terminal(store, "restore", "--to", "-")
    assert code == 0
    seen = seen.replace("\r", "")
    assert seen.startswith("BEGIN:VCALENDAR\n")
    assert seen.endswith("END:VCALENDAR\ncaldav-backup: standard output: 5 created\n")


def test_a_bar_has_room_beside_a_long_path(store: Program) -> None:
    root = vdir(store.home / "a-directory-with-a-name-that-is-longer-than-most", "home", 5)
    _, seen = at_terminal(store, "backup", str(root), columns=60)
    assert "…a-name-that-is-longer-than-most"[-23:] in plain(seen)
    assert "━" in seen
