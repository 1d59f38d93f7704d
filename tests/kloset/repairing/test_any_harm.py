"""Whatever happens to one file of a store: a repair ends well, invents nothing, and a second one has nothing to do."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

import pytest

from caldav_backup.kloset.builder import SnapshotBuilder
from caldav_backup.kloset.errors import Damaged
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.storage import Kind, MemoryStorage
from tests.kloset.repairing.repairs import damage_of, repaired
from tests.kloset.stores import PASSPHRASE, build, make_repository, some_files

pytestmark = pytest.mark.full

Harm = Callable[[bytes, random.Random], bytes | None]


def flip(content: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(content))
    return content[:place] + bytes([content[place] ^ chance.randrange(1, 256)]) + content[place + 1 :]


def cut(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(len(content))]


def blank(content: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(content))
    return content[:place] + bytes(len(content) - place)


def scramble(content: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(content))
    length = chance.randrange(1, 600)
    return content[:start] + chance.randbytes(len(content[start : start + length])) + content[start + length :]


def remove(content: bytes, chance: random.Random) -> None:
    return None


HARMS: tuple[Harm, ...] = (flip, cut, blank, scramble, remove)


def contents(repository: Repository) -> Mapping[tuple[bytes, str], bytes | None]:
    """Every file of every snapshot; None for what cannot be read."""
    found: dict[tuple[bytes, str], bytes | None] = {}
    for identifier in repository.index.snapshot_ids():
        try:
            snapshot = repository.snapshot(identifier)
            for entry in snapshot.walk():
                if entry.is_file:
                    found[identifier, entry.path] = read(repository, identifier, entry.path)
        except Damaged:
            continue
    return found


def read(repository: Repository, identifier: bytes, path: str) -> bytes | None:
    try:
        return repository.snapshot(identifier).read(path)
    except Damaged:
        return None


def make(encrypted: bool) -> MemoryStorage:
    storage, repository = make_repository(encrypted=encrypted)
    for night in range(3):

        def fill(builder: SnapshotBuilder, night: int = night) -> None:
            work = builder.open_directory("/work")
            work.add(some_files(4, str(night // 2)))
            work.close({"user.caldav.displayname": b"Work %d" % night})

        build(repository, fill, timestamp_ns=night + 1)
    repository.remove_snapshot(repository.index.snapshot_ids()[0])
    return storage


@pytest.mark.parametrize("encrypted", [False, True])
def test_repair_after_any_harm_to_one_file(encrypted: bool, chance: random.Random) -> None:
    whole = make(encrypted)
    passphrase = PASSPHRASE if encrypted else None
    before = contents(Repository.open(whole, passphrase=passphrase))
    # What was removed may be listed again once the state that removed it is lost.
    files = [name for name in whole.files if name[0] in (Kind.STATE, Kind.PACKFILE)]
    for _ in range(SAMPLES):
        storage = MemoryStorage()
        storage.configuration, storage.files = whole.configuration, dict(whole.files)
        name, harm = chance.choice(files), chance.choice(HARMS)
        changed = harm(storage.files[name], chance)
        if changed is None:
            del storage.files[name]
        else:
            storage.files[name] = changed
        after = repaired(storage, passphrase)
        found = contents(after)
        assert all(content in (None, before.get(key, content)) for key, content in found.items()), (name, harm)
        if name[0] is Kind.STATE:
            assert {key: found[key] for key in before} == before, harm
            assert damage_of(after) == []


SAMPLES = 25
