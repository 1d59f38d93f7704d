"""What can happen to a store in a directory only; and a sample of all rot met by the program itself."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from caldav_backup.cli.exits import Exit
from caldav_backup.kloset.storage import FilesystemStorage, MemoryStorage
from tests.cli.conftest import Program, cli
from tests.kloset.stores import PASSPHRASE
from tests.rot.judging import Outcome, judge_storage
from tests.rot.test_rot import other, small
from tests.rot.variants import flips, lengths, wholes

__all__ = ["cli"]

NAMED = {Exit.DONE, Exit.PARTIAL, Exit.DAMAGED, Exit.NOT_FOUND, Exit.REFUSED, Exit.UNACCEPTABLE}


def write_out(storage: MemoryStorage, directory: Path) -> Path:
    """The same store as files; CONFIG only if there is one."""
    shutil.rmtree(directory, ignore_errors=True)
    written = FilesystemStorage(directory)
    written.create(storage.configuration or b"")
    for (kind, identifier), content in storage.files.items():
        written.write(kind, identifier, content)
    if storage.configuration is None:
        (directory / "CONFIG").unlink()
    return directory


def first(directory: Path, kind: str) -> Path:
    return next(path for path in sorted((directory / kind).rglob("*")) if path.is_file())


@pytest.mark.full
@pytest.mark.parametrize("kind", ["packfiles", "states"])
def test_files_that_moved_are_missed_or_found(kind: str, tmp_path: Path) -> None:
    store = small("plain, ZSTD")
    directory = write_out(store.storage, tmp_path / "store")
    path = first(directory, kind)
    bucket = path.parent.with_name("00" if path.parent.name != "00" else "01")
    # A copy in another bucket is as if it were not there.
    shutil.copy(path, bucket)
    copied = judge_storage(store, "copied into another bucket", FilesystemStorage(directory))
    assert copied is Outcome.HARMLESS
    path.unlink()
    moved = judge_storage(store, "moved into another bucket", FilesystemStorage(directory))
    assert moved in (Outcome.REFUSED, Outcome.NOTICED)


@pytest.mark.full
@pytest.mark.parametrize("kind", ["packfiles", "states"])
def test_a_link_to_something_endless_is_no_file(kind: str, tmp_path: Path) -> None:
    store = small("plain, ZSTD")
    directory = write_out(store.storage, tmp_path / "store")
    path = first(directory, kind)
    path.unlink()
    path.symlink_to("/dev/zero")
    assert judge_storage(store, "a link in its place", FilesystemStorage(directory)) is not Outcome.HARMLESS


@pytest.mark.full
def test_the_program_says_one_clear_thing_about_rot(cli: Program, chance: random.Random) -> None:
    store = small("sealed, LZ4")
    cli.environ["CALDAV_BACKUP_PASSPHRASE"] = PASSPHRASE.decode()
    variants = [
        *chance.sample(list(flips(store.storage, chance)), 6),
        *chance.sample(list(lengths(store.storage)), 6),
        *chance.sample(list(wholes(store.storage, other().storage)), 8),
    ]
    for variant in variants:
        write_out(variant.make(), cli.home / "store")
        shutil.rmtree(cli.home / "state", ignore_errors=True)
        for words in (
            ["ls"],
            ["check", "--read-data"],
            ["restore", "--source", "@alice", "--to", str(cli.home / "out")],
        ):
            ended = cli(*words)
            assert ended.code in NAMED, (variant, words, ended)
            assert "Traceback" not in ended.err and "internal error" not in ended.err, (variant, words, ended)
            assert ended.code == Exit.DONE or ended.err, (variant, words, ended)
