"""What every test can ask for: real servers, a repeatable source of chance, and no leftovers of the environment."""

from __future__ import annotations

import os
import random
import secrets
import shutil
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import hypothesis
import pytest

from tests.servers.processes import NotStarted
from tests.servers.recipes import RECIPES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.servers.recipes import RunningServer
    from tests.servers.server import Server

    FreshHome = Callable[[str], Server]

SEED = "CALDAV_BACKUP_TEST_SEED"
SERVERS = "CALDAV_BACKUP_TEST_SERVERS"  # servers that must not be missing, by name, or "all"
_QUICK = ("radicale", "xandikos")
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
            ours = name.startswith(("CALDAV_BACKUP_", "PLAKAR_")) and name not in (SEED, SERVERS)
            if ours or name.lower().endswith("_proxy"):
                environment.delenv(name)
        yield


@pytest.fixture(scope="session")
def _servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FreshHome]:
    running: dict[str, RunningServer] = {}

    def fresh_home(name: str) -> Server:
        if name not in running:
            if lacks := RECIPES[name].lacks():
                _do_without(name, lacks)
            running[name] = start(name)
            stack.callback(running[name].stop)
        return running[name].fresh_home()

    def start(name: str) -> RunningServer:
        with suppress(NotStarted):  # once more: somebody else may have taken its free port first
            return RECIPES[name](tmp_path_factory.mktemp(name))
        return RECIPES[name](tmp_path_factory.mktemp(name))

    with ExitStack() as stack:
        yield fresh_home


def _do_without(name: str, lacks: str) -> NoReturn:
    promised = os.environ.get(SERVERS, "").split()
    if name in promised or "all" in promised:
        pytest.fail(f"{SERVERS} promises {name}, but {lacks}")
    pytest.skip(f"{name}: {lacks}")


@pytest.fixture
def fresh_home(_servers: FreshHome) -> FreshHome:
    """Another home at the server of that name, as often as a test needs one."""
    return _servers


@pytest.fixture
def radicale(_servers: FreshHome) -> Server:
    """A user with an empty home at a real Radicale."""
    return _servers("radicale")


@pytest.fixture
def xandikos(_servers: FreshHome) -> Server:
    """The one user of a real Xandikos, home emptied."""
    return _servers("xandikos")


@pytest.fixture
def sabredav(_servers: FreshHome) -> Server:
    """A user with an empty home at a real sabre/dav 1.8. Its tests are marked `full`, as all below."""
    return _servers("sabredav")


@pytest.fixture
def cyrus(_servers: FreshHome) -> Server:
    """A user of a real Cyrus, whose home has Inbox and Outbox."""
    return _servers("cyrus")


@pytest.fixture
def davical(_servers: FreshHome) -> Server:
    """A user with an empty home at a real DAViCal."""
    return _servers("davical")


@pytest.fixture
def sogo(_servers: FreshHome) -> Server:
    """A user of a real SOGo, whose home has the calendar `personal`."""
    return _servers("sogo")


@pytest.fixture(params=[pytest.param(name, marks=() if name in _QUICK else pytest.mark.full) for name in RECIPES])
def each_server(request: pytest.FixtureRequest, _servers: FreshHome) -> Server:
    """Each of the six real servers, with a home that is as empty as it gets; only the first two in the quick tier."""
    return _servers(request.param)
