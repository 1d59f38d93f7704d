"""plakar sees what was pruned, removed and pinned here, and here is seen what plakar removed."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from caldav_backup.kloset import Configuration, Header, Repository, SnapshotBuilder, open_storage
from caldav_backup.retention import Policy, Question, plan_pins, plan_prune, plan_removal, plan_unpins
from tests.interop.conftest import MakePlakar
from tests.interop.plakar import Plakar
from tests.kloset.builds import add_directory, assert_sound, some_files
from tests.retention.headers import DAY
from tests.retention.stores import OURS

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(shutil.which("plakar") is None, reason="no plakar on PATH: nothing to be compatible with here"),
]


def add_nights(repository: Repository, count: int) -> list[Header]:
    """The oldest first; of each night the first event is another one."""
    now_ns = time.time_ns()
    nights = []
    for night in range(count):
        builder = SnapshotBuilder(
            repository, importer=OURS, job="work", timestamp_ns=now_ns - (count - night) * DAY, tags=("nightly",)
        )
        add_directory(builder, "/work", [*some_files(1, str(night)), *some_files(5)[1:]], displayname=b"Work")
        nights.append(builder.finish())
    return nights


def seen_by(plakar: Plakar, *words: str) -> set[str]:
    return {line.split()[1] for line in plakar.run("ls", *words).splitlines() if line.strip()}


def short(*headers: Header) -> set[str]:
    return {header.identifier.hex()[:8] for header in headers}


def test_plakar_lists_checks_and_reads_what_is_left(tmp_path: Path, make_plakar: MakePlakar) -> None:
    storage = open_storage(str(tmp_path / "store"))
    repository = Repository.create(storage, Configuration.new(encrypted=False))
    nights = add_nights(repository, 8)
    plakar = make_plakar(False)
    assert seen_by(plakar) == short(*nights)

    question = Question(Policy(daily=3), time.time_ns())
    pinned = repository.header(plan_pins(repository, nights[:1]).apply()[nights[0].identifier])
    assert seen_by(plakar) == short(pinned, *nights[1:])
    plan_prune(repository, question).apply()
    assert seen_by(plakar) == short(pinned, *nights[5:])
    assert seen_by(plakar, "-tag", "pinned") == short(pinned)
    assert seen_by(plakar, "-tag", "nightly") == short(pinned, *nights[5:])
    plan_removal(repository, nights[5:6], time.time_ns()).apply()
    assert seen_by(plakar) == short(pinned, *nights[6:])
    plakar.run("check")
    assert plakar.cat(pinned.identifier.hex(), "/work/event-0000.ics") == some_files(1, "0")[0].content

    plakar.run("rm", "-apply", nights[6].identifier.hex()[:8])
    repository.refresh()
    free = repository.header(plan_unpins(repository, [pinned]).apply()[pinned.identifier])
    assert seen_by(plakar, "-tag", "pinned") == set()
    assert seen_by(plakar) == short(free, nights[7]) == short(*repository.snapshots())
    plakar.run("maintenance")
    plakar.run("check")
    assert_sound(Repository.open(storage))
