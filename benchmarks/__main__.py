"""Runs the benchmarks that are named, or all, one process each: `python -m benchmarks [NAME …]`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

# These have a `__main__` of their own because benchmarks start them as processes.
SERVERS = {"synthetic_caldav", "delay_proxy"}


def names() -> list[str]:
    """The modules here that measure something when they are run."""
    modules = (path for path in Path(__file__).parent.glob("*.py") if path.stem not in SERVERS | {"__main__"})
    return sorted(path.stem for path in modules if '__name__ == "__main__"' in path.read_text(encoding="utf-8"))


def main(wanted: list[str]) -> int:
    unknown = sorted(set(wanted) - set(names()))
    if unknown:
        print(f"no such benchmark: {', '.join(unknown)}; there are: {', '.join(names())}", file=sys.stderr)
        return 2
    failed = 0
    for name in wanted or names():
        print(f"== {name}", flush=True)
        failed += bool(subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
