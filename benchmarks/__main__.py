"""Runs the benchmarks that are named, or all, one process each.

    python -m benchmarks [--write] [NAME …]

`--write` keeps what they print as docs/reference/measurements.md. A benchmark ends with 1 when it misses what it
promises.
"""

from __future__ import annotations

import argparse
import ast
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "reference" / "measurements.md"
# These have a `__main__` of their own because benchmarks start them as processes.
SERVERS = {"synthetic_caldav", "delay_proxy"}


def names() -> list[str]:
    """The modules here that measure something when they are run."""
    modules = (path for path in HERE.glob("*.py") if path.stem not in SERVERS | {"__main__"})
    return sorted(path.stem for path in modules if '__name__ == "__main__"' in path.read_text(encoding="utf-8"))


def run(name: str) -> tuple[int, str]:
    """One benchmark, in a process of its own: exit code and what it printed; it is shown as it comes."""
    print(f"== {name}", flush=True)
    command = [sys.executable, "-u", "-m", f"benchmarks.{name}"]
    printed = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=HERE.parent) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            printed.append(line)
    return process.returncode, "".join(printed)


def section(name: str, code: int, printed: str) -> str:
    purpose = (ast.get_docstring(ast.parse((HERE / f"{name}.py").read_text(encoding="utf-8"))) or "").split("\n\n")[0]
    verdict = "It keeps what it promises." if code == 0 else "**It missed what it promises.**"
    return f"\n## {name}\n\n{' '.join(purpose.split())}\n{verdict}\n\n```\n{printed.rstrip()}\n```\n"


def head() -> str:
    python = f"{platform.python_implementation()} {platform.python_version()}"
    machine = f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, {python}"
    return (
        "# Measurements\n\n"
        "What `python3 dev.py bench --write` printed when it was run last; `python3 dev.py test soak` runs the same\n"
        "and fails where a promise is missed. Every figure that matters is a ratio, of two measured in one run.\n\n"
        f"{datetime.now(UTC):%Y-%m-%d}, {machine}.\n"
    )


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("names", nargs="*", metavar="NAME", help="all, if none is named")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.names) - set(names()))
    if unknown:
        parser.error(f"no such benchmark: {', '.join(unknown)} (there are: {', '.join(names())})")
    results = {name: run(name) for name in options.names or names()}
    if options.write:
        PAGE.write_text(head() + "".join(section(name, *result) for name, result in results.items()), encoding="utf-8")
    return max(int(code != 0) for code, _ in results.values())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
