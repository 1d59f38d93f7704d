"""Ours against vdirsyncer, python-caldav and a bare loop: a first run and one with nothing changed, on real servers.

From the first connection to the commit; imports and key derivation are apart, for the peers alike. Everybody is a
process of its own behind one proxy, which adds the round trip and counts requests. Rounds alternate the order; medians,
after a round that is not counted, for servers answer slower what they are asked for the first time. The bare loop
lists, fetches in batches of 100 one after the other, and keeps nothing; ours writes an encrypted store with fsync, the
peers write files without. What of their set-up is measured, and what is left out in their favour, stands in
`benchmarks/crawlers`.

    python -m benchmarks.crawl [--all | --server NAME… --events N… --delay MILLISECONDS…] [--rounds N] [--alone]

Without options: Radicale that is 20 ms away, with 1,000 and 10,000 events. `--all` is every server, with and without
the way. The peers are installed at first use, below the user's cache directory; `--alone` does without them. Ends with
1 when a goal is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from benchmarks.crawlers.contestants import BARE, BARE_AT_ONCE, OURS, PEERS, Contestant, RunFailed, Runner
from benchmarks.crawlers.environment import PeersMissing, peers_python
from benchmarks.crawlers.filling import SERVERS, filled_home, running
from benchmarks.crawlers.table import Runs, goals, table
from benchmarks.delay_proxy import delay_proxy
from tests.servers.recipes import RECIPES
from tests.servers.server import Server

EVENTS = (1_000, 10_000)
DELAYS = (0, 20)
ROUNDS = 3


class Case(NamedTuple):
    """One race: how many events, how many milliseconds of round trip, how many rounds."""

    events: int
    delay: int
    rounds: int


class Field(NamedTuple):
    """Who races. `imports` is where they note what they import, `peers` the Python of those that are not ours."""

    contestants: Sequence[Contestant]
    imports: Path
    peers: Path | None


async def race(server: Server, case: Case, starting: Field) -> dict[str, Runs]:
    """Each contestant's runs, in the contestants' order."""
    results = {contestant.name: Runs() for contestant in starting.contestants}
    async with delay_proxy("127.0.0.1", urlsplit(server.url).port or 80, case.delay / 1000) as proxy:
        runner = Runner(proxy, starting.imports, starting.peers)
        for number in range(case.rounds):
            turn = number % len(starting.contestants)
            for contestant in (*starting.contestants[turn:], *starting.contestants[:turn]):
                await run_both(runner, contestant, server, case.events, results[contestant.name])
    return results


async def run_both(runner: Runner, contestant: Contestant, server: Server, events: int, runs: Runs) -> None:
    """A first run and a quiet one, in a directory that is new."""
    with tempfile.TemporaryDirectory(prefix="crawl-") as directory:
        account = runner.account(contestant, server, directory)
        await runner.prepare(contestant, account)
        runs.first.append(await runner.run(contestant, account, events))
        if contestant.has_quiet_run:
            runs.quiet.append(await runner.run(contestant, account, events))


def judge(name: str, server: Server, case: Case, starting: Field) -> bool:
    """Race and print; True when every goal is reached."""
    results = asyncio.run(race(server, case, starting))
    print(f"\n{name}, {case.events:,} events, {case.delay} ms round trip, medians of {case.rounds}")
    print(table(results))
    reached = goals(results, case.events)
    print("\n".join(f"  {goal}" for goal in reached), flush=True)
    return all(goal.is_reached for goal in reached)


def measure(name: str, options: argparse.Namespace, starting: Field) -> bool:
    """Every case on one server; True when every goal is reached."""
    kept = True
    with running(name) as server:
        for events in options.events:
            home = filled_home(server, events)
            asyncio.run(race(home, Case(events, 0, 1), starting))
            for delay in options.delay:
                kept &= judge(name, home, Case(events, delay, options.rounds), starting)
    return kept


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crawl", description="Race backups of calendars.")
    parser.add_argument("--all", action="store_true", help="every server, 0 and 20 ms, 1,000 and 10,000 events")
    parser.add_argument("--server", nargs="+", choices=SERVERS, metavar="NAME", help=", ".join(SERVERS))
    parser.add_argument("--events", nargs="+", type=int, metavar="N")
    parser.add_argument("--delay", nargs="+", type=int, metavar="MILLISECONDS")
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N")
    parser.add_argument("--alone", action="store_true", help="without vdirsyncer and python-caldav")
    options = parser.parse_args(arguments)
    options.server = options.server or (SERVERS if options.all else SERVERS[:1])
    options.events = options.events or EVENTS
    options.delay = options.delay if options.delay is not None else (DELAYS if options.all else DELAYS[-1:])
    return options


def race_all(options: argparse.Namespace) -> bool:
    """Every server that is asked for and installed; True when every goal is reached."""
    contestants = (BARE, BARE_AT_ONCE, OURS, *(() if options.alone else PEERS))
    peers = None if options.alone else peers_python()
    verdicts = []
    with tempfile.TemporaryDirectory(prefix="crawl-imports-") as imports:
        for name in options.server:
            if reason := RECIPES[name].lacks():
                print(f"\n{name} does not take part: {reason}")
            else:
                verdicts.append(measure(name, options, Field(contestants, Path(imports), peers)))
    return bool(verdicts) and all(verdicts)


def main() -> int:
    try:
        return 0 if race_all(parsed(sys.argv[1:])) else 1
    except (PeersMissing, RunFailed) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
