"""The program as cron runs it: next to nothing in the environment, no terminal, no home, and silence if all is well."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from caldav_backup.cli.source_lock import source_lock
from tests.cli.conftest import ROOT, Ended, Program
from tests.cli.test_backup import vdir
from tests.cli.test_init import MARK, make_encrypted
from tests.events import events
from tests.servers.server import Server, seed

PATH = "/usr/bin:/bin"


class Cron:
    """Runs command lines with nothing but PATH in the environment, in `/`, from no terminal and in no session."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.config = home / "config"
        self.store = home / "store"

    def __call__(self, *words: str, **environ: str) -> Ended:
        # Found from anywhere, as when it is installed: cron has no idea of this directory.
        program = (
            f"import sys; sys.path.insert(0, {str(ROOT)!r}); from caldav_backup.cli.app import main; sys.exit(main())"
        )
        done = subprocess.run(
            [sys.executable, "-c", program, "--config-dir", str(self.config), "--store", str(self.store), *words],
            env={"PATH": PATH, **environ},
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            start_new_session=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def cron(cli: Program, radicale: Server) -> Cron:
    """An encrypted store and an account, both with what opens them in files, in the settings directory alone."""
    make_encrypted(cli)
    seed(radicale, "work", events(4), displayname="Work")
    (cli.home / "passphrase").write_text(f"{MARK}\n")
    (cli.home / "password").write_text(f"{radicale.password}\n")
    store = str(cli.home / "store")
    cli("store", "add", "disk", store, f"passphrase_file={cli.home / 'passphrase'}")
    cli("source", "add", "me", radicale.url, f"username={radicale.user}", f"password_file={cli.home / 'password'}")
    return Cron(cli.home)


def test_a_backup_and_a_check_are_silent_when_all_is_well(cron: Cron) -> None:
    place = {"CALDAV_BACKUP_STATE_DIR": str(cron.home / "state")}
    for words in (["backup"], ["backup", "@me"], ["check"]):
        assert cron("-q", "--store", "@disk", *words, **place) == Ended(0, "", "")
    said = cron("--store", "@disk", "backup", **place)
    assert (said.code, len(said.out.splitlines()), said.err) == (0, 1, "")
    assert "\x1b" not in said.out


def test_no_home_is_needed(cron: Cron) -> None:
    """Without HOME the directories come from the list of users, or, where that names none either, from a variable."""
    places = {f"CALDAV_BACKUP_{kind}_DIR": str(cron.home / kind.lower()) for kind in ("STATE", "CACHE")}
    assert cron("-q", "--store", "@disk", "backup", HOME="", **places) == Ended(0, "", "")
    assert cron("-q", "--store", "@disk", "backup", HOME="/nonexistent", **places) == Ended(0, "", "")
    assert not Path("/nonexistent").exists()


def test_trouble_is_told_also_when_quiet(cron: Cron) -> None:
    place = {"CALDAV_BACKUP_STATE_DIR": str(cron.home / "state")}
    (cron.home / "password").write_text("revoked\n")
    ended = cron("-q", "--store", "@disk", "backup", **place)
    (line,) = ended.err.splitlines()
    assert (ended.code, ended.out) == (77, "")
    assert line.startswith("caldav-backup: @me: ") and "does not accept the user name and password" in line


def test_nobody_is_asked(cron: Cron) -> None:
    place = {"CALDAV_BACKUP_STATE_DIR": str(cron.home / "state")}
    for words, supply in ((["backup"], "CALDAV_BACKUP_PASSPHRASE_FILE"), (["init", "-s", "new"], "PASSPHRASE_FILE")):
        ended = cron(*words, **place)
        assert (ended.code, ended.out, len(ended.err.splitlines())) == (77, "", 1)
        assert supply in ended.err
    assert not Path("/new").exists()


@pytest.mark.full
def test_a_second_run_of_a_source_waits_and_then_says_that_the_first_is_running(cron: Cron) -> None:
    state, store = cron.home / "state", str(cron.home / "store")
    place = {"CALDAV_BACKUP_STATE_DIR": str(state)}
    with source_lock(state, store, "@me", 0):
        ended = cron("-q", "--store", "@disk", "backup", "--lock-wait", "1s", **place)
    assert (ended.code, ended.out) == (75, "")
    assert ended.err == "caldav-backup: another backup of @me is running; --lock-wait waits longer for it\n"


@pytest.mark.full
def test_two_runs_at_once_leave_two_sound_snapshots(cron: Cron) -> None:
    place = {"CALDAV_BACKUP_STATE_DIR": str(cron.home / "state"), "PATH": PATH}
    words = ["--config-dir", str(cron.config), "-q", "--store", "@disk", "backup"]
    command = [sys.executable, "-m", "caldav_backup", *words]
    both = [
        subprocess.Popen(command, env=place, cwd=ROOT, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    assert [(process.communicate(timeout=60)[1], process.returncode) for process in both] == [("", 0), ("", 0)]
    listed = cron("--store", "@disk", "ls", **place)
    assert len(listed.out.splitlines()) == 3
    assert cron("-q", "--store", "@disk", "check", "--read-data", **place) == Ended(0, "", "")


@pytest.mark.full
def test_files_that_cron_makes_are_its_users_alone(cron: Cron) -> None:
    place = {"CALDAV_BACKUP_STATE_DIR": str(cron.home / "state")}
    before = os.umask(0)
    try:
        assert cron("-q", "--store", "@disk", "backup", **place).code == 0
    finally:
        os.umask(before)
    made = [path for place in ("store", "state") for path in (cron.home / place).rglob("*")]
    assert [path for path in made if path.stat().st_mode & 0o077] == []


@pytest.mark.full
def test_a_user_whom_the_system_does_not_know_needs_directories_only(cli: Program) -> None:
    """As in a container that runs under any number: no HOME, and no entry in the list of users."""
    cli("init", "--plaintext")
    root = str(vdir(cli.home / "vdir", "home", 2))
    stranger = ["unshare", "--map-user=4242", "--map-group=4242"]
    if (
        shutil.which("unshare") is None
        or subprocess.run([*stranger, "true"], check=False, capture_output=True).returncode
    ):
        pytest.skip("this system lets nobody become another user (unshare --map-user)")
    places = {f"CALDAV_BACKUP_{kind}_DIR": str(cli.home / kind.lower()) for kind in ("STATE", "CACHE")}
    done = subprocess.run(
        [*stranger, sys.executable, "-m", "caldav_backup", "-q", "-s", str(cli.home / "store"), "backup", root],
        env={"PATH": PATH, **places},
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
