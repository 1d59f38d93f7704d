"""Several programs that write to one store at the same time: real processes, as on several machines."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from caldav_backup.kloset import Repository, open_storage
from tests.cli.conftest import ROOT, Program
from tests.events import event

Tree = dict[str, bytes]


class Machine:
    """A machine of its own: its own settings and state, and the store of `home`."""

    def __init__(self, home: Path, name: str) -> None:
        self._environ = {
            f"CALDAV_BACKUP_{kind.upper()}_DIR": str(home / name / kind) for kind in ("config", "state", "cache")
        } | {"CALDAV_BACKUP_STORE": str(home / "store")}

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "caldav_backup", *words, "--json"],
            env=self._environ,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def results(processes: Sequence[subprocess.Popen[str]], *, may: frozenset[int] = frozenset({0})) -> list[Any]:
    """What each of them says at its end, which must be one of those codes."""
    found = []
    for process in processes:
        out, err = process.communicate(timeout=110)
        assert process.returncode in may, (out, err)
        assert "Traceback" not in err
        found.append(json.loads(out).get("result"))
    return found


def write(root: Path, tree: Tree) -> None:
    """Make a vdir hold exactly this."""
    for path in root.rglob("*.ics"):
        if f"/{path.relative_to(root)}" not in tree:
            path.unlink()
    for name, content in tree.items():
        path = root / name[1:]
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)


def held(store: Path) -> dict[str, Tree]:
    """Every file of every snapshot, by the snapshot's id; with a view of its own."""
    repository = Repository.open(open_storage(str(store)))
    found = {}
    for header in repository.snapshots():
        snapshot = repository.snapshot(header.identifier)
        found[header.identifier.hex()] = {
            entry.path: snapshot.read(entry) for entry in snapshot.walk() if not entry.is_directory
        }
    return found


def tree(first: int, count: int = 40) -> Tree:
    """Half of the events are those of every other tree."""
    numbers = [*range(count // 2), *range(first, first + count // 2)]
    return {f"/home/{number:05}.ics": event(number).content for number in numbers}


@pytest.mark.full
def test_what_many_write_at_once_is_all_there_and_counted_once(cli: Program) -> None:
    assert cli("init", "--plaintext").code == 0
    trees = {name: tree(1000 * number) for number, name in enumerate("abc", 1)}
    roots = {name: cli.home / f"vdir-{name}" for name in trees}
    expected: dict[str, Tree] = {}
    for turn in range(2):
        for number, name in enumerate(trees):
            for place in range(turn):
                trees[name][f"/home/{place:05}.ics"] = event(9000 + 100 * turn + 10 * number + place).content
            write(roots[name], trees[name])
        # The first source is read by three machines at once, the others by one each.
        machines = [("a", "one"), ("a", "two"), ("a", "three"), ("b", "one"), ("c", "two")]
        running = [Machine(cli.home, machine).start("backup", str(roots[name])) for name, machine in machines]
        for (name, _), result in zip(machines, results(running), strict=True):
            (backup,) = result["backups"]
            changed = 40 if turn == 0 else turn
            assert (backup["records"], backup["fetched"], backup["unchanged"]) == (40, changed, 40 - changed)
            expected[backup["snapshot"]] = dict(trees[name])
    assert held(cli.home / "store") == expected
    assert list((cli.home / "store" / "locks").iterdir()) == []
    assert cli("check", "--read-data", "-q").code == 0


@pytest.mark.full
def test_removing_and_maintaining_beside_writing_take_nothing_else_away(cli: Program) -> None:
    assert cli("init", "--plaintext").code == 0
    one, two = Machine(cli.home, "one"), Machine(cli.home, "two")
    roots = {name: cli.home / f"vdir-{name}" for name in "ab"}
    trees = {name: tree(1000 * number) for number, name in enumerate(roots, 1)}
    expected: dict[str, Tree] = {}
    for turn in range(2):
        for name, root in roots.items():
            trees[name]["/home/00000.ics"] = event(9000 + turn).content
            write(root, trees[name])
        before = list(expected)
        running = [one.start("backup", str(roots[name])) for name in roots]
        removing = [machine.start("rm", *before[:2], "--apply") for machine in (one, two) if turn]
        removing += [two.start("prune", "--keep-last", "1", "--apply") for _ in range(2) if turn]
        removing += [two.start("maintenance", "--apply", "--repack", "--grace", "0") for _ in range(2)]
        for name, result in zip(roots, results(running), strict=True):
            expected[result["backups"][0]["snapshot"]] = dict(trees[name])
        # A snapshot may be gone already, or be the last good one: 66 and 4.
        results(removing, may=frozenset({0, 4, 66}))
        now = held(cli.home / "store")
        assert [each for each in trees.values() if each not in now.values()] == []
        # Repacking gives new ids to what it moves; what is held under them is one of those trees.
        assert all(held in expected.values() for held in now.values())
        expected = now
    assert cli("check", "--read-data", "-q").code == 0


@pytest.mark.soak
@pytest.mark.parametrize("lasts", [pytest.param(180, marks=pytest.mark.timeout(600))])
def test_machines_that_never_rest_lose_nothing(cli: Program, lasts: float) -> None:
    """Two of them back up a source each, one removes stale locks, one prunes and one maintains, again and again."""
    assert cli("init", "--plaintext").code == 0
    roots = {name: cli.home / f"vdir-{name}" for name in "ab"}
    written = {name: [tree(1000 * number)] for number, name in enumerate(roots, 1)}
    for name, root in roots.items():
        write(root, written[name][0])
    end = time.monotonic() + lasts

    def work(machine: str, *words: str) -> int:
        runs = 0
        while time.monotonic() < end:
            results([Machine(cli.home, machine).start(*words)])
            runs += 1
        return runs

    def write_on(name: str) -> int:
        """Who changes a source backs it up, so that each snapshot is a known tree."""
        runs = 0
        while time.monotonic() < end:
            changed = dict(written[name][-1]) | {f"/home/{runs % 20:05}.ics": event(20_000 + runs).content}
            write(roots[name], changed)
            written[name].append(changed)
            results([Machine(cli.home, f"at-{name}").start("backup", str(roots[name]))])
            runs += 1
        return runs

    with ThreadPoolExecutor(5) as pool:
        running = [pool.submit(write_on, name) for name in roots]
        running += [
            pool.submit(work, "third", "unlock", "--apply"),
            pool.submit(work, "fourth", "prune", "--keep-last", "3", "--apply"),
            pool.submit(work, "fifth", "maintenance", "--apply", "--repack", "--grace", "0"),
        ]
        assert min(each.result() for each in running) > 0
    results([Machine(cli.home, "fourth").start("prune", "--keep-last", "3", "--apply")])
    now = held(cli.home / "store")
    assert len(now) == 6
    newest = [tree for trees in written.values() for tree in trees[-3:]]
    assert all(tree in newest for tree in now.values())
    assert list((cli.home / "store" / "locks").iterdir()) == []
    assert cli("check", "--read-data", "-q").code == 0
