from __future__ import annotations

import os
import subprocess
import sys

import pytest

from caldav_backup import __version__
from caldav_backup.cli import commands
from caldav_backup.cli.argv import GLOBAL_OPTIONS
from tests.cli.conftest import ROOT, Program
from tests.cli.test_argv import PATHS

#: Modules that cost a fifth of a second or more, and that neither help nor a listing needs.
HEAVY = {"httpx", "lxml", "icalendar", "numpy", "authlib", "asyncio", "pydantic"}


def imported(cli: Program, *arguments: str) -> set[str]:
    """The top-level modules that a run of the program has imported at its end."""
    program = (
        "import sys; from caldav_backup.cli.app import main; code = main(sys.argv[1:]); "
        "print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr); sys.exit(code)"
    )
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, env=cli.environ, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    return set(done.stderr.split())


def test_the_version_is_told(cli: Program) -> None:
    assert cli("--version").out == f"caldav-backup {__version__}\n"
    assert cli("source", "ls", "--version", "--json").document["result"] == {"version": __version__}


def test_help_lists_every_command_and_every_global_option(cli: Program) -> None:
    ended = cli("--help")
    assert ended.code == 0
    listed = {line.split()[0] for line in ended.out.partition("Commands:")[2].splitlines() if line.startswith("  ")}
    assert {command.name for command in commands.COMMANDS if not command.is_alias} <= listed
    assert all(option in ended.out for option in GLOBAL_OPTIONS)


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_every_command_explains_itself(cli: Program, path: tuple[str, ...]) -> None:
    ended = cli(*path, "--help")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(f"Usage: caldav-backup {' '.join(path)}")


def test_help_imports_nothing_heavy(cli: Program) -> None:
    assert not imported(cli, "--help") & HEAVY


def test_no_command_says_where_to_look(cli: Program) -> None:
    ended = cli()
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "caldav-backup: no command given; 'caldav-backup --help' lists them\n"


def test_a_mistyped_command_suggests_another(cli: Program) -> None:
    ended = cli("sourc", "ls")
    assert ended.code == 2
    assert ended.err.endswith("Did you mean 'source', 'store'?\n")


def test_a_usage_error_is_json_when_json_was_asked_for(cli: Program) -> None:
    for words in (["--json", "--store"], ["sourc", "--json"], ["source", "ls", "--bogus", "--json"]):
        document = cli(*words).document
        assert (document["ok"], document["exit"]) == (False, 2)
        assert document["error"]["message"]


def test_a_reader_that_goes_away_is_no_error_worth_a_word(cli: Program) -> None:
    command = [sys.executable, "-m", "caldav_backup", "source", "ls"]
    cli("source", "add", "work", "caldav://host")
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as closed:
        done = subprocess.run(
            command, env=cli.environ, cwd=ROOT, stdout=closed, stderr=subprocess.PIPE, timeout=60, check=False
        )
    assert (done.returncode, done.stderr) == (1, b"")


def test_completion_offers_the_commands(cli: Program) -> None:
    ended = cli.process(_CALDAV_BACKUP_COMPLETE="complete_bash", COMP_WORDS="caldav-backup so", COMP_CWORD="1")
    assert "source" in ended.out.split()


def test_no_command_is_described_by_half_a_sentence() -> None:
    root = commands.build_all()
    assert [name for name, each in root.commands.items() if each.get_short_help_str(61).endswith("...")] == []
