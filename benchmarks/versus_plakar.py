"""The command `backup` against plakar's, on the same 10,000 files of about 550 bytes, into encrypted LZ4 stores.

Whole processes as a user starts them: imports, reading the files, the calendars' attributes and every fsync are in. The
key's derivation has the same parameters in both; it is measured and taken off both. Rounds alternate, each with new
stores; medians. Ends with 1 when a promise is missed, and says so when there is no plakar on PATH.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.store_build import PASSPHRASE, Plakar, change_one, fill, size_of
from caldav_backup.kloset import Repository, open_storage

COUNT = 10_000
ROUNDS = 3
#: (step, most of plakar's seconds, most of plakar's bytes, most bytes); None: nothing is promised.
PROMISES = (
    ("first", 1 / 3, 0.9, None),
    ("one changed", None, 0.25, None),
    ("nothing changed", None, None, 12 * 1024),
)


class Cost(NamedTuple):
    """One backup: seconds without key derivation, bytes added to the store."""

    seconds: float
    added: int


class Ours:
    """Our command on a store of its own."""

    def __init__(self, scratch: Path) -> None:
        self._store = scratch / "ours"
        self._argv = [sys.executable, "-m", "caldav_backup", "--config-dir", str(scratch / "settings")]
        self._argv += ["--store", str(self._store), "-q"]
        state = str(scratch / "state")
        self._environment = {**os.environ, "CALDAV_BACKUP_PASSPHRASE": PASSPHRASE, "CALDAV_BACKUP_STATE_DIR": state}
        self._run("init")
        begin = time.perf_counter()
        Repository.open(open_storage(str(self._store)), passphrase=PASSPHRASE.encode())
        self.key_seconds = time.perf_counter() - begin

    def _run(self, *arguments: str) -> float:
        begin = time.perf_counter()
        subprocess.run([*self._argv, *arguments], check=True, env=self._environment, stderr=subprocess.DEVNULL)
        return time.perf_counter() - begin

    def backup(self, root: Path) -> Cost:
        before = size_of(self._store)
        seconds = self._run("backup", str(root))
        return Cost(seconds - self.key_seconds, size_of(self._store) - before)


def one_round(scratch: Path) -> dict[str, tuple[Cost, Cost | None]]:
    """What each step cost us and plakar."""
    calendar = scratch / "source" / "work"
    fill(calendar, COUNT)
    time.sleep(2.1)  # a file younger than that proves nothing yet, and would be read again
    ours = Ours(scratch)
    plakar = Plakar(scratch, argparse.Namespace(plaintext=False)) if shutil.which("plakar") else None
    costs: dict[str, tuple[Cost, Cost | None]] = {}
    for step, *_ in PROMISES:
        if step == "one changed":
            change_one(calendar)
            time.sleep(2.1)
        mine = ours.backup(calendar.parent)
        theirs = plakar.backup(calendar, ours.key_seconds) if plakar is not None else None
        costs[step] = mine, Cost(theirs.seconds, theirs.added) if theirs is not None else None
    if plakar is not None:
        plakar.close()
    return costs


def is_kept(costs: list[tuple[Cost, Cost | None]], promise: tuple[str, float | None, float | None, int | None]) -> bool:
    """Print one step's medians and ratios; True when what is promised of it is so."""
    step, most_time, most_share, most_bytes = promise
    seconds = statistics.median(mine.seconds for mine, _ in costs)
    added = int(statistics.median(mine.added for mine, _ in costs))
    line = f"{step:>16}  ours {seconds:6.2f} s {added:12,} bytes"
    kept = most_bytes is None or added <= most_bytes
    theirs = [cost for _, cost in costs if cost is not None]
    if theirs:
        time_share = seconds / statistics.median(cost.seconds for cost in theirs)
        share = added / statistics.median(cost.added for cost in theirs)
        line += f"   plakar {seconds / time_share:6.2f} s {added / share:12,.0f} bytes"
        line += f"   {time_share:.2f} of its time, {share:.3f} of its bytes"
        kept &= (most_time is None or time_share <= most_time) and (most_share is None or share <= most_share)
    print(line + ("" if kept else "   MISSED"), flush=True)
    return kept


def main() -> int:
    rounds = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as scratch:
            rounds.append(one_round(Path(scratch)))
    if shutil.which("plakar") is None:
        print("no plakar on PATH: only our own figures")
    kept = [is_kept([costs[promise[0]] for costs in rounds], promise) for promise in PROMISES]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
