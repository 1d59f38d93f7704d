"""What a backup costs the server is told to those who ask."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Program
from tests.events import events
from tests.servers.server import Server, make_calendar, seed


@pytest.mark.full
def test_the_requests_of_a_run_are_printed_with_v(cli: Program, radicale: Server) -> None:
    seed(radicale, "work", events(3))
    make_calendar(radicale, "empty")
    cli("init", "--plaintext")
    cli("source", "add", "me", radicale.url, f"username={radicale.user}", f"password={radicale.password}")
    first = cli("backup", "@me", "--full", "--json").document["result"]["backups"][0]["requests"]
    assert 0 < first <= 4 + 1 + 2 + 1 + 1
    again = cli("backup", "@me", "--full", "--json").document["result"]["backups"][0]["requests"]
    printed = cli("backup", "@me", "--full", "-v").out
    assert f"@me: {again} requests; 2 calendars listed, 0 unmoved since the last run\n" in printed
    assert "requests" not in cli("backup", "@me", "--full").out
