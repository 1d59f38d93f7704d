"""What every test can ask for: real servers, a repeatable source of chance, and no leftovers of the environment."""

from __future__ import annotations

import os
import random
import secrets
import shutil
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from tests.servers.recipes import Radicale, Xandikos

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.servers.server import Server

SEED = "CALDAV_BACKUP_TEST_SEED"
ROOM = 4 << 30

hypothesis.settings.register_profile("usual", deadline=None, max_examples=60, print_blob=True)
hypothesis.settings.register_profile("thorough", deadline=None, max_examples=400, print_blob=True)


def pytest_configure(config: pytest.Config) -> None:
    # Workers of pytest-xdist inherit the environment, so all of them draw from the same seed.
    os.environ.setdefault(SEED, str(secrets.randbelow(2**32)))
    _work_in_memory()
    quick = "not full" in config.getoption("markexpr", default="")
    hypothesis.settings.load_profile("usual" if quick else "thorough")


def _work_in_memory() -> None:
    """Temporary directories on tmpfs where there is room: a store has 512 directories, which a disk makes in a second.

    What is synced when is asserted with storages that count, so nothing is lost by it.
    """
    memory = Path("/dev/shm")
    if memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(memory))


def pytest_report_header() -> str:
    return f"seed: {os.environ[SEED]} (set {SEED} to repeat)"


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """Randomness of the run's seed and the test's name: the same for both, whichever tests run beside it."""
    return random.Random(f"{os.environ[SEED]} {request.node.nodeid}")


@pytest.fixture(autouse=True, scope="session")
def _nothing_of_the_user() -> Iterator[None]:
    """Takes the person's own stores, settings and proxies out of the environment of the whole run."""
    with pytest.MonkeyPatch.context() as environment:
        for name in list(os.environ):
            ours = name.startswith(("CALDAV_BACKUP_", "PLAKAR_")) and name != SEED
            if ours or name.lower().endswith("_proxy"):
                environment.delenv(name)
        yield


@pytest.fixture(scope="session")
def _servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[type[Radicale | Xandikos]], Server]]:
    running: dict[type[Radicale | Xandikos], Radicale | Xandikos] = {}

    def fresh_home(kind: type[Radicale | Xandikos]) -> Server:
        if kind not in running:
            if find_spec(kind.module) is None:
                pytest.skip(f"{kind.module} is not installed (dependency group `servers`)")
            running[kind] = kind(tmp_path_factory.mktemp(kind.module))
            stack.callback(running[kind].stop)
        return running[kind].fresh_home()

    with ExitStack() as stack:
        yield fresh_home


@pytest.fixture
def radicale(_servers: Callable[[type[Radicale | Xandikos]], Server]) -> Server:
    """A user with an empty home at a real Radicale."""
    return _servers(Radicale)


@pytest.fixture
def xandikos(_servers: Callable[[type[Radicale | Xandikos]], Server]) -> Server:
    """The one user of a real Xandikos, home emptied."""
    return _servers(Xandikos)
