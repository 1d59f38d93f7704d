"""khal and vdirsyncer as programs of their own, on directories that we wrote.

They are no dependencies of the tests, since theirs and ours do not go together: they are looked for in the directory
that CALDAV_BACKUP_TEST_VDIR_TOOLS names (then they must be there), else on the PATH. What they do was tried with khal
0.14.1 and vdirsyncer 0.21.0.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

VARIABLE = "CALDAV_BACKUP_TEST_VDIR_TOOLS"
#: Asked before the tests take everything of the user's out of the environment.
_DIRECTORY = os.environ.get(VARIABLE)

_KHAL = """\
[calendars]
[[all]]
path = {root}/*
type = discover
[locale]
local_timezone = UTC
default_timezone = UTC
timeformat = %H:%M
dateformat = %Y-%m-%d
longdateformat = %Y-%m-%d
datetimeformat = %Y-%m-%d %H:%M
longdatetimeformat = %Y-%m-%d %H:%M
[sqlite]
path = {home}/khal.db
"""

_VDIRSYNCER = """\
[general]
status_path = "{home}/status"
[pair both]
a = "ours"
b = "theirs"
collections = ["from a"]
metadata = ["color", "displayname", "description", "order"]
[storage ours]
type = "filesystem"
path = "{ours}"
fileext = ".ics"
[storage theirs]
type = "filesystem"
path = "{theirs}"
fileext = ".ics"
"""


def find_reader(name: str) -> str | None:
    """The program's path; AssertionError where it was promised and is not there."""
    found = shutil.which(name, path=_DIRECTORY)
    assert found or not _DIRECTORY, f"{VARIABLE}={_DIRECTORY} has no {name}"
    return found


def khal_events(khal: str, root: Path, home: Path, first: str, days: int) -> list[tuple[str, ...]]:
    """(calendar, start, title, colour) of what khal shows of the calendars below `root`, in its order."""
    settings = home / "khal.conf"
    settings.write_text(_KHAL.format(root=root, home=home))
    columns = "{calendar}|{start-long}|{title}|{calendar-color}"
    words = ["--color", "list", "--format", columns, "--day-format", "", first, f"{days}d"]
    shown = _run([khal, "-c", str(settings), *words], home).stdout
    return [tuple(line.split("|")) for line in shown.splitlines() if line]


def vdirsyncer_copy(vdirsyncer: str, ours: Path, theirs: Path, home: Path) -> str:
    """Discovery, sync and metasync from `ours` to the new directory `theirs`; what was said."""
    settings = home / "vdirsyncer.conf"
    settings.write_text(_VDIRSYNCER.format(ours=ours, theirs=theirs, home=home))
    theirs.mkdir()
    verbs = ("discover", "sync", "metasync")
    done = [_run([vdirsyncer, "-c", str(settings), verb], home, typed="y\n" * 20) for verb in verbs]
    return "".join(one.stdout + one.stderr for one in done)


def _run(command: list[str], home: Path, typed: str = "") -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    done = subprocess.run(
        command, env=environ, input=typed, capture_output=True, text=True, encoding="utf-8", timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done
