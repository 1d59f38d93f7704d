"""What the tests of patience share: the program, and a store in memory for nights on end."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Ended, Program, cli
from tests.patience.runs import Nights
from tests.servers.scripted import ScriptedServer

__all__ = ["cli"]


def name_source(program: Program, server: ScriptedServer) -> Program:
    """The program with an empty store, which knows the server's account as `me`."""
    assert program("init", "--plaintext").code == 0
    login = [f"username={server.account.user}", "password_env=THE_PASSWORD", "timeout=2"]
    assert program("source", "add", "me", server.url, *login).code == 0
    return program


def backup(program: Program, server: ScriptedServer, *words: str) -> Ended:
    """Back up `me`."""
    return program("backup", "@me", *words, THE_PASSWORD=server.account.password)


@pytest.fixture
def nights() -> Nights:
    return Nights()
