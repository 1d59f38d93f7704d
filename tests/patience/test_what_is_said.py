"""What people and programs learn of a server's faults: exit code, one line each, and the same from the store later."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.conftest import Ended, Program
from tests.events import event, events
from tests.patience.conftest import backup, name_source
from tests.patience.test_hostile import HOSTILE
from tests.servers.scripted import Account, Answer, Asked, ScriptedServer, scripted
from tests.servers.scripted_rules import any_request, gets, when

pytestmark = pytest.mark.full

BAD = event(37).name


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    account = Account()
    account.calendar("work", events(100))
    with scripted(account) as server:
        yield server


@pytest.fixture
def program(cli: Program, server: ScriptedServer) -> Program:
    return name_source(cli, server)


def failing(status: int) -> Answer:
    return Answer(
        status=status,
        body=b'<d:error xmlns:d="DAV:"><d:responsedescription>the disk is on fire</d:responsedescription></d:error>',
    )


def test_one_event_of_a_hundred_that_always_fails_is_named_with_the_server_s_reason(
    program: Program, server: ScriptedServer
) -> None:
    def rule(asked: Asked) -> Answer | None:
        bad = BAD.encode() in asked.body if asked.is_report() else gets(BAD)(asked)
        return failing(500) if bad else None

    server.rule = rule
    ended = backup(program, server)
    assert (ended.code, len(ended.err.splitlines())) == (3, 1), ended
    assert f"/work/{BAD}" in ended.err and "the disk is on fire" in ended.err
    found = program("ls", "errors", "latest", "--json").document["result"]["errors"]
    assert [each["path"] for each in found] == [f"/work/{BAD}"]
    assert "the disk is on fire" in found[0]["reason"]
    said = program("ls", "errors", "latest").out
    assert f"/work/{BAD}" in said and "500" in said
    assert "partial" in program("info", "latest").out
    assert program("ls", "--json").document["result"]["snapshots"][0]["files"] == 99


def test_the_last_good_copy_of_an_event_that_fails_later_stays(program: Program, server: ScriptedServer) -> None:
    assert backup(program, server).code == 0
    server.account.at("/calendars/alice/work").put(BAD, event(37, summary="moved").content)

    def rule(asked: Asked) -> Answer | None:
        bad = BAD.encode() in asked.body if asked.is_report() else gets(BAD)(asked)
        return failing(500) if bad else None

    server.rule = rule
    assert backup(program, server).code == 3
    kept = program.process("cat", f"latest:/work/{BAD}").out
    assert kept.encode() == event(37).content.replace(b"\r\n", b"\n")
    server.rule = lambda _: None
    assert backup(program, server, "-q") == Ended(0, "", "")
    assert "SUMMARY:moved" in program.process("cat", f"latest:/work/{BAD}").out


def test_an_event_that_is_listed_and_not_there_is_no_failure(program: Program, server: ScriptedServer) -> None:
    def rule(asked: Asked) -> Answer | None:
        bad = BAD.encode() in asked.body if asked.is_report() else gets(BAD)(asked)
        return Answer(status=404) if bad else None

    server.rule = rule
    ended = backup(program, server)
    assert (ended.code, ended.err) == (0, "") and "1 listed by the server and not there" in ended.out
    document = backup(program, server, "--json").document
    assert document["exit"] == 0
    assert len(program("ls", "errors", "latest", "--json").document["result"]["errors"]) == 1


QUICK = sorted(HOSTILE.keys() - {"two-framings", "status-100-for-ever", "no-bytes", "length-of-10-TB"})


@pytest.mark.parametrize("name", QUICK)
def test_a_hostile_answer_is_one_line(program: Program, server: ScriptedServer, name: str) -> None:
    program("source", "set", "me", "timeout=0.2")
    server.rule = when(any_request, HOSTILE[name]())
    ended = backup(program, server)
    assert ended.code in {66, 69} and ended.out == ""
    (line,) = ended.err.splitlines()
    assert line.startswith("caldav-backup: @me: ") and len(line) < 1_000
