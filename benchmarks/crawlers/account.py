"""What a contestant is told on its command line, and what it tells when it is done. Standard library only."""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

#: The calendar that holds the events, by the last segment of its URL.
CALENDAR = "work"


@dataclass(frozen=True, slots=True)
class Account:
    """A server's account behind the proxy; `directory` is the contestant's own, for all it keeps between runs.

    `imports` is a file with the names of the modules that its earlier runs came to import.
    """

    url: str
    home: str
    user: str
    password: str
    directory: str
    imports: str

    def to_argument(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_command_line(cls) -> Account:
        return cls(**json.loads(sys.argv[1]))

    @property
    def calendar(self) -> str:
        return f"{self.home}{CALENDAR}/"


class Done(NamedTuple):
    """A contestant's last word: the clock (`time.monotonic`, the same in all processes) at the end of its work, how
    many events it holds now, its peak memory in MiB since `begin`."""

    ended: float
    events: int
    peak: float


def begin(account: Account) -> None:
    """Import what earlier runs came to import in their course: imports are apart, also those that are put off.

    Peak memory counts from here on: what was imported stays in it, what deriving a key took does not.
    """
    noted = Path(account.imports)
    for name in noted.read_text().split() if noted.exists() else ():
        with suppress(ImportError):  # made up as it goes by whoever imported it, or gone again
            importlib.import_module(name)
    forget = Path("/proc/self/clear_refs")
    if forget.exists():
        forget.write_text("5")


def done(account: Account, events: int, ended: float) -> None:
    """Say so to whoever started this process, as the last line of standard output; note what was imported."""
    noted = Path(account.imports)
    before = noted.read_text().split() if noted.exists() else []
    # In the order of their import: `_asyncio` before `asyncio`, for example, is half a module.
    noted.write_text("\n".join(dict.fromkeys([*before, *(name for name in sys.modules if name != "__main__")])))
    print(json.dumps(Done(ended, events, peak_memory())), flush=True)


def now() -> float:
    return time.monotonic()


def peak_memory() -> float:
    """MiB. The kernel's mark of this program; `ru_maxrss` would begin with the memory of the process that forked it."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
