"""How long the command takes to start, against importing the two libraries its command line is made of.

Prints the median of alternating runs and their ratio for `--help` and for `ls` on a plaintext store (no key to derive).
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 15
LIMIT = 3.0


def seconds(argv: list[str]) -> float:
    begin = time.perf_counter()
    subprocess.run(argv, check=True, capture_output=True)
    return time.perf_counter() - begin


def main() -> int:
    python = sys.executable
    with tempfile.TemporaryDirectory() as directory:
        store = str(Path(directory) / "store")
        ours = [python, "-m", "caldav_backup", "--config-dir", str(Path(directory) / "settings"), "--store", store]
        subprocess.run([*ours, "init", "--plaintext"], check=True, capture_output=True)
        commands = {
            "typer + rich": [python, "-c", "import typer, rich"],
            "--help": [python, "-m", "caldav_backup", "--help"],
            "ls": [*ours, "ls"],
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(ROUNDS):
            for name, argv in commands.items():
                times[name].append(seconds(argv))
    base = statistics.median(times["typer + rich"])
    print(f"import typer, rich: {base * 1000:.0f} ms")
    worst = 0.0
    for name in ("--help", "ls"):
        median = statistics.median(times[name])
        worst = max(worst, median / base)
        print(f"caldav-backup {name}: {median * 1000:.0f} ms, {median / base:.2f} times (at most {LIMIT:.0f})")
    return 0 if worst <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
