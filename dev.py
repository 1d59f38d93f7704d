#!/usr/bin/env python3
"""Everything a developer runs, with nothing but Python and git installed.

    python3 dev.py demo [--json …]                 see the whole round: back up, lose events, restore, check
    python3 dev.py test [quick|full|soak] [ARG …]  the tests (default: full, with lint, types and imports before it)
    python3 dev.py lint | types | imports          one of the checks alone
    python3 dev.py format                          put the code into the one format
    python3 dev.py coverage                        branch coverage of the full tier
    python3 dev.py bench [--write] [NAME …]        the benchmarks, or those named; --write keeps the figures in docs/
    python3 dev.py compatibility [--write]         what arrives from each test server at each; --write keeps the table
    python3 dev.py lock [--upgrade]                write requirements/*.lock anew from pyproject.toml
    python3 dev.py build [ARG …]                   wheel and source archive into dist/ (ARG: of `python -m build`)

The first run makes an environment below this directory and installs what requirements/*.lock name; later runs use
it as long as the locks stay the same. pip's own settings (index, proxy, certificates) are used as they are.

Owns: the environment and the order of the checks. Does not own: what the checks demand (pyproject.toml).
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parent
OLDEST_PYTHON = (3, 11)
MARKER = "made-by-dev.json"  # in the environment: says that it is ours and which locks are installed in it
LOCKS = {
    # lock: what `uv pip compile` is asked for. A later one is held to the versions of those before it.
    "runtime": ["pyproject.toml", "--extra", "demo"],
    "build": ["--group", "build"],
    "test": ["--group", "test"],
    "lint": ["--group", "lint"],
}
CODE = ["caldav_backup", "tests", "benchmarks", "dev.py"]


class Trouble(Exception):
    """Something that the person at the terminal has to change; the message says what."""


def say(text: str) -> None:
    print(f"dev: {text}", file=sys.stderr, flush=True)


# --- the interpreter -------------------------------------------------------------------------------------------------


def ensure_python() -> None:
    """Goes on in a newer interpreter when this one is too old."""
    if sys.version_info[:2] >= OLDEST_PYTHON:
        return
    for minor in range(19, OLDEST_PYTHON[1] - 1, -1):
        newer = shutil.which(f"python3.{minor}")
        if newer:
            os.execv(newer, [newer, str(Path(__file__).resolve()), *sys.argv[1:]])  # noqa: S606 - no shell wanted
    wanted = ".".join(map(str, OLDEST_PYTHON))
    found = ".".join(map(str, sys.version_info[:3]))
    raise Trouble(
        f"Python {wanted} or newer is needed, this is {found} ({sys.executable}), and no newer one is on the PATH.\n"
        f"     Install one (Debian 12, Ubuntu 24.04, Fedora and Homebrew have it; or `uv python install {wanted}`)\n"
        f"     and run this again with it, for example: python{wanted} dev.py {' '.join(sys.argv[1:])}"
    )


# --- the environment -------------------------------------------------------------------------------------------------


def environment_directory() -> Path:
    """`.venv`, or `.venv-dev` beside a `.venv` that somebody else made (it is left alone)."""
    usual = ROOT / ".venv"
    foreign = usual.exists() and not (usual / MARKER).is_file()
    return ROOT / ".venv-dev" if foreign else usual


def python_of(environment: Path) -> Path:
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def read_marker(environment: Path) -> dict[str, str]:
    try:
        marker = json.loads((environment / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return marker if isinstance(marker, dict) else {}


def write_marker(environment: Path, marker: dict[str, str]) -> None:
    (environment / MARKER).write_text(json.dumps(marker, indent=1) + "\n", encoding="utf-8")


def fingerprint(*paths: Path) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def make_environment(environment: Path) -> None:
    shutil.rmtree(environment, ignore_errors=True)
    environment.mkdir()
    write_marker(environment, {})  # first of all: an interrupted run leaves a directory that is known to be ours
    say(f"making the environment {environment.name}")
    result = run_quietly([sys.executable, "-m", "venv", str(environment)])
    if result.returncode == 0:
        return
    uv = shutil.which("uv")
    if uv:
        result = run_quietly(
            [uv, "venv", "--quiet", "--allow-existing", "--seed", "--python", sys.executable, environment]
        )
    if not uv or result.returncode:
        raise Trouble(
            f"the environment could not be made: this Python lacks the venv module or pip.\n"
            f"     Debian, Ubuntu: apt install python3-venv    others: install uv, which brings both\n"
            f"     It said: {last_lines(result.stdout)}"
        )


def ensure_environment(wanted: list[str]) -> Path:
    """The environment's interpreter, with the `wanted` locks and this project (editable) installed."""
    environment = environment_directory()
    python = python_of(environment)
    marker = read_marker(environment)
    this = f"{sys.implementation.name} {'.'.join(map(str, sys.version_info[:2]))}"
    if not python.exists() or marker.get("python") != this:
        make_environment(environment)
        marker = {"python": this}
        write_marker(environment, marker)
    paths = {name: ROOT / "requirements" / f"{name}.lock" for name in LOCKS}
    missing = [name for name in wanted if marker.get(name) != fingerprint(paths[name])]
    if missing:
        install_locks(python, [paths[name] for name in missing])
        marker |= {name: fingerprint(paths[name]) for name in missing}
        write_marker(environment, marker)
    project = fingerprint(ROOT / "pyproject.toml", paths["build"])
    if marker.get("project") != project:
        pip(python, ["--no-deps", "--no-build-isolation", "--editable", str(ROOT)])
        write_marker(environment, marker | {"project": project})
    return python


def install_locks(python: Path, locks: list[Path]) -> None:
    say(f"installing {', '.join(f'requirements/{lock.name}' for lock in locks)}")
    begun = time.monotonic()
    arguments = ["--require-hashes"]
    for lock in locks:
        arguments += ["--requirement", str(lock)]
    pip(python, arguments)
    say(f"installed in {time.monotonic() - begun:.0f} s")


def pip(python: Path, arguments: list[str]) -> None:
    command = [str(python), "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
    result = run_quietly(command + arguments)
    if result.returncode:
        raise Trouble(
            f"pip could not install what is needed. It said:\n{last_lines(result.stdout, 12)}\n"
            "     No network? PIP_FIND_LINKS may name a directory of wheels. A proxy, an own index, own certificates?\n"
            "     HTTPS_PROXY, PIP_INDEX_URL and PIP_CERT are used as they are set. Then run this again."
        )


def run_quietly(command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=ROOT, check=False, text=True, errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def last_lines(text: str, count: int = 3) -> str:
    return "\n".join(f"       {line}" for line in text.strip().splitlines()[-count:]).lstrip() or "nothing"


# --- what can be run -------------------------------------------------------------------------------------------------


def run(python: Path, *arguments: str) -> int:
    """Runs a module of the environment in the project's directory; returns its exit code."""
    environment = dict(os.environ)
    environment["PATH"] = os.pathsep.join([str(python.parent), environment.get("PATH", os.defpath)])
    for name in ("PYTHONHOME", "PYTHONPATH"):
        environment.pop(name, None)
    try:
        return subprocess.run([python, "-m", *arguments], cwd=ROOT, env=environment, check=False).returncode
    except KeyboardInterrupt:
        return 130


def existing_code() -> list[str]:
    return [name for name in CODE if (ROOT / name).exists()]


def lint(python: Path) -> int:
    code = existing_code()
    formatted = run(python, "ruff", "format", "--quiet", "--check", *code)
    if formatted:
        say("some files are not in the one format: python3 dev.py format")
    return run(python, "ruff", "check", "--quiet", *code) or formatted


def types(python: Path) -> int:
    return run(python, "mypy")


def imports(python: Path) -> int:
    # Unlike the others it has no module that can be run, only its console script.
    return subprocess.run([python.parent / "lint-imports"], cwd=ROOT, check=False).returncode


CHECKS = {"lint": lint, "types": types, "imports": imports}


def test(python: Path, arguments: list[str]) -> int:
    tier = arguments[0] if arguments[:1] and arguments[0] in ("quick", "full", "soak") else "full"
    rest = [argument for argument in arguments if argument != tier] if arguments[:1] == [tier] else arguments
    failed = []
    if tier == "full":
        failed = [name for name, check in CHECKS.items() if announce(name) and check(python)]
    code = announce(f"{tier} tests") and run(python, "pytest", *pytest_options(tier), *rest)
    for name in failed:
        say(f"before the tests, {name} failed: python3 dev.py {name}")
    return code or int(bool(failed))


def announce(name: str) -> bool:
    say(name)
    return True


def pytest_options(tier: str) -> list[str]:
    seed = os.environ.get("CALDAV_BACKUP_TEST_SEED") or str(random.SystemRandom().randrange(2**32))
    os.environ["CALDAV_BACKUP_TEST_SEED"] = seed
    say(f"seed {seed} (CALDAV_BACKUP_TEST_SEED={seed} repeats it)")
    workers = str(min(4, os.cpu_count() or 1))
    return {
        "quick": ["-n", workers, "--hypothesis-seed", seed],
        "full": ["-n", workers, "--hypothesis-seed", seed, "-m", "not soak"],
        # One at a time and without a limit: these measure.
        "soak": ["-s", "--timeout", "0", "--hypothesis-seed", seed, "-m", "soak"],
    }[tier]


def demo(python: Path, arguments: list[str]) -> int:
    return run(python, "caldav_backup", "demo", *arguments)


def coverage(python: Path, arguments: list[str]) -> int:
    return run(python, "pytest", *pytest_options("full"), "--cov", "--cov-report", "term-missing", *arguments)


def bench(python: Path, arguments: list[str]) -> int:
    return run(python, "benchmarks", *arguments)


def compatibility(python: Path, arguments: list[str]) -> int:
    return run(python, "tests.compatibility", *arguments)


def format_code(python: Path) -> int:
    code = existing_code()
    return run(python, "ruff", "check", "--quiet", "--fix-only", *code) or run(python, "ruff", "format", *code)


def build(python: Path, arguments: list[str]) -> int:
    return run(python, "build", "--no-isolation", "--outdir", "dist", *arguments, ".")


def lock(arguments: list[str]) -> int:
    uv = shutil.which("uv") or next((str(p) for p in ROOT.glob(".venv*/bin/uv")), None)
    if not uv:
        raise Trouble("locking needs uv (it resolves for all platforms at once): pipx install uv, or pip install uv")
    # No header, index or links: the files name versions and hashes, never the host they were looked up at.
    fixed = "--universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links"
    before: list[str] = []
    for name, asked in LOCKS.items():
        target = f"requirements/{name}.lock"
        command = [uv, "pip", "compile", "--quiet", *fixed.split(), *asked, *before, "--output-file", target]
        code = subprocess.run(command + arguments, cwd=ROOT, check=False, stdout=subprocess.DEVNULL).returncode
        if code:
            return code
        before += ["--constraint", target]
    return 0


def dispatch(task: str, arguments: list[str]) -> int:
    if task == "lock":
        return lock(arguments)
    if task == "demo":
        return demo(ensure_environment(["runtime", "build"]), arguments)
    if task == "build":
        return build(ensure_environment(["build"]), arguments)
    everything = {"test": test, "coverage": coverage, "bench": bench, "compatibility": compatibility}
    if task in everything:
        return everything[task](ensure_environment(list(LOCKS)), arguments)
    alone = {**CHECKS, "format": format_code}
    if task in alone and not arguments:
        return alone[task](ensure_environment(list(LOCKS)))
    raise Trouble(f"unknown: {' '.join([task, *arguments])}\n{__doc__}")


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(__doc__)
        return 0 if arguments else 2
    try:
        ensure_python()
        return dispatch(arguments[0], arguments[1:])
    except Trouble as trouble:
        say(str(trouble))
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
