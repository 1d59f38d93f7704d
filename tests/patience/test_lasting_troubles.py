"""Troubles that do not pass, as people meet them: one line, the exit code that says what to do, and nothing lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.cli.conftest import Ended, Program
from tests.events import event, events
from tests.patience.conftest import backup, name_source
from tests.servers.scripted import Account, Answer, Rule, ScriptedServer, scripted
from tests.servers.scripted_rules import any_request, lists, of, reports, when

pytestmark = pytest.mark.full

#: Longer than anybody waits: the run ends at once, and the tests with it.
BUSY = {"Retry-After": "86400"}


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    account = Account()
    account.calendar("home", events(3))
    with scripted(account) as server:
        yield server


@pytest.fixture
def program(cli: Program, server: ScriptedServer) -> Program:
    """A store with one good snapshot of the account, which has a further calendar and a new event since."""
    assert backup(name_source(cli, server), server).code == 0
    server.account.calendar("work", events(5, 50))
    server.account.at("/calendars/alice/home").put("new.ics", event(9).content)
    return cli


def assert_nothing_lost(program: Program) -> None:
    found = program("ls", "--json").document["result"]["snapshots"]
    assert [each["files"] for each in found] == [3]
    assert program("check", "--read-data", "-q") == Ended(0, "", "")


def assert_one_line(ended: Ended, code: int, said: str) -> None:
    assert (ended.code, ended.out, len(ended.err.splitlines())) == (code, "", 1), ended
    assert ended.err.startswith("caldav-backup: @me: ") and said in ended.err
    assert "Traceback" not in ended.err and "scripted password" not in ended.err


def revoked(after: Callable[..., bool]) -> Rule:
    """From the first request that `after` is true for, nobody is let in any more."""
    seen: list[object] = []

    def rule(asked: object) -> Answer | None:
        if after(asked) or seen:
            seen.append(asked)
            return Answer(status=401, headers={"WWW-Authenticate": 'Basic realm="scripted"'})
        return None

    return rule


LASTING = {
    "503": (when(any_request, Answer(status=503, headers=BUSY)), 69, "503"),
    "502": (when(any_request, Answer(status=502, headers=BUSY)), 69, "502"),
    "500": (when(any_request, Answer(status=500)), 69, "500"),
    "429": (when(any_request, Answer(status=429, headers=BUSY)), 75, "429"),
    "503-listings": (when(lists("alice"), Answer(status=503, headers=BUSY)), 69, "503"),
    "429-fetching": (when(reports(), Answer(status=429, headers=BUSY)), 75, "429"),
    "quota": (
        when(of("REPORT"), Answer(status=403, headers=BUSY, body=b'{"error": {"reason": "rateLimitExceeded"}}')),
        75,
        "rateLimitExceeded",
    ),
    "revoked": (revoked(any_request), 77, "401"),
    "revoked-listing": (revoked(lists("work")), 77, "401"),
    "revoked-fetching": (revoked(reports()), 77, "401"),
}


@pytest.mark.parametrize(("rule", "code", "said"), LASTING.values(), ids=LASTING)
def test_a_trouble_that_lasts_ends_the_run_in_one_line_and_loses_nothing(
    program: Program, server: ScriptedServer, rule: Rule, code: int, said: str
) -> None:
    server.rule = rule
    assert_one_line(backup(program, server), code, said)
    assert len(server.asked) < 60
    assert_nothing_lost(program)


def test_the_run_after_the_trouble_is_whole(program: Program, server: ScriptedServer) -> None:
    server.rule = revoked(reports())
    assert backup(program, server).code == 77
    server.rule = lambda _: None
    assert backup(program, server, "-q") == Ended(0, "", "")
    assert [each["files"] for each in program("ls", "--json").document["result"]["snapshots"]] == [3, 9]


def test_a_program_of_its_own_says_the_same(program: Program, server: ScriptedServer) -> None:
    server.rule = revoked(reports())
    ended = program.process("backup", "@me", THE_PASSWORD=server.account.password)
    assert_one_line(ended, 77, "401")
    assert_nothing_lost(program)


@pytest.mark.parametrize(
    "answer",
    [Answer(delay=30), Answer(pause=1), Answer(status=207, endless=b" " * 10, pause=0.01)],
    ids=["silent", "a-byte-a-second", "trickling-for-ever"],
)
def test_slow_answers_end_in_one_line(program: Program, server: ScriptedServer, answer: Answer) -> None:
    """`timeout` is for each silence of a server; an answer as a whole may take a multiple of it, and no more."""
    program("source", "set", "me", "timeout=0.05")
    server.rule = when(any_request, answer)
    assert_one_line(backup(program, server), 69, "answer")
    assert_nothing_lost(program)
