"""Commands that take a lock wait for others as long as they are told to, and say for whom."""

from __future__ import annotations

import pytest

from caldav_backup.kloset import Repository, open_storage
from caldav_backup.kloset.locks import exclusive_lock
from tests.cli.conftest import Program
from tests.cli.test_backup import vdir


@pytest.mark.full
@pytest.mark.parametrize(
    "words",
    [["pin", "latest", "--apply"], ["dup", "latest"], ["maintenance", "--apply"], ["repair", "--apply"], ["backup"]],
)
def test_who_waits_says_so_once_and_ends_with_75(cli: Program, words: list[str]) -> None:
    cli("init", "--plaintext")
    root = str(vdir(cli.home / "vdir", "home", 2))
    assert cli("backup", root).code == 0
    if words == ["backup"]:
        words = ["backup", root]
    with exclusive_lock(Repository.open(open_storage(cli.environ["CALDAV_BACKUP_STORE"]))):
        ended = cli(*words, "--lock-wait", "0.1s")
        quiet = cli(*words, "--lock-wait", "0", "-q")
    waiting, refused = ended.err.splitlines()
    assert (ended.code, ended.out) == (75, "")
    assert waiting.startswith("caldav-backup: waiting for maintenance by ")
    assert "is locked (exclusive) for maintenance by" in refused
    assert (quiet.code, quiet.err.splitlines()) == (75, [refused])
    assert cli(*words).code == 0
