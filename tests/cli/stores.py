"""Stores on a disk for the tests of commands that need two of them."""

from __future__ import annotations

from pathlib import Path

from caldav_backup.kloset import Configuration, Repository, open_storage
from caldav_backup.kloset.keys import Argon2id
from tests.cli.conftest import Program
from tests.cli.test_backup import vdir


def make_store(place: Path, passphrase: str | None = None) -> Repository:
    """A store whose key costs next to nothing, or a plaintext one."""
    configuration = Configuration.new(
        encrypted=passphrase is not None, kdf=Argon2id(time=1, memory=8, threads=1), hashing="SHA256"
    )
    encoded = None if passphrase is None else passphrase.encode()
    return Repository.create(open_storage(str(place)), configuration, passphrase=encoded)


def back_up_twice(cli: Program) -> list[str]:
    """Two snapshots of two calendars in a plaintext store of the program's own; their ids, the older first."""
    make_store(cli.home / "store")
    calendars = vdir(cli.home / "vdir", "home", 3)
    vdir(calendars, "work", 1)
    ids = []
    for number in range(2):
        (calendars / "home" / "displayname").write_text(f"Home {number}")
        ids.append(cli("backup", str(calendars), "--json").document["result"]["backups"][0]["snapshot"])
    return ids
