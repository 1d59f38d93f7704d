"""Tries all pairs of servers and prints the table; `python3 dev.py compatibility [--write] [--ring]` runs it.

    python -m tests.compatibility [--write] [--ring | --small] [--verbose]

`--write` keeps what it prints in docs/compatibility.md; `--ring` tries six pairs only, for a first look; `--small`
leaves out the event of ten megabytes, which takes some servers a minute each time. It ends with 1 when something was
lost, changed or mailed without a word.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.compatibility.pairs import RING, all_pairs, tried_pairs
from tests.compatibility.servers import NAMES, Servers, lacking, version_of
from tests.compatibility.table import page, put_into
from tests.compatibility.trial import Trial

PAGE = Path(__file__).resolve().parents[2] / "docs" / "compatibility.md"
#: Said on the page, where the largest event was left out.
_SMALL = " The event of ten megabytes was not tried this time."


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python3 dev.py compatibility")
    parser.add_argument("--write", action="store_true", help=f"keep the table in {PAGE.relative_to(PAGE.parents[1])}")
    parser.add_argument("--ring", action="store_true", help="six pairs only, and no event of ten megabytes")
    parser.add_argument("--small", action="store_true", help="no event of ten megabytes")
    parser.add_argument("--verbose", action="store_true", help="tell of each record that did not arrive as it was")
    options = parser.parse_args(arguments)
    if options.ring and options.write:
        parser.error("--write needs all pairs")
    if lacks := lacking():
        parser.error("; ".join(lacks))
    trials = list(_trials(options))
    text = page(trials, {name: version_of(name) for name in NAMES}, note=_SMALL if options.small else "")
    sys.stdout.write(text)
    if options.write:
        PAGE.write_text(put_into(PAGE.read_text(encoding="utf-8"), text), encoding="utf-8")
    return int(any(trial.problems for trial in trials))


def _trials(options: argparse.Namespace) -> Iterator[Trial]:
    memory = Path("/dev/shm")
    if memory.is_dir():
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(memory))  # where the servers keep what they have
    pairs = RING if options.ring else all_pairs()
    with tempfile.TemporaryDirectory() as directory, Servers(Path(directory)) as servers:
        begun = time.monotonic()
        for trial in tried_pairs(pairs, servers.fresh_home, huge=not options.ring and not options.small):
            _say(f"{trial.source} → {trial.target}: {time.monotonic() - begun:.0f} s, {len(trial.problems)} problems")
            for problem in trial.problems:
                _say(f"  {problem}")
            for one in trial.judged if options.verbose else ():
                if one.differs or one.reason:
                    _say(f"  {one.fate.name} {one.path}: {'; '.join((*one.differs, one.reason))}")
            begun = time.monotonic()
            yield trial


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
