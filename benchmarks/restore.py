"""Ours against a bare loop of PUTs, one after the other and several at once, into empty accounts of real servers.

A restore is measured as a whole: the account is looked at, the calendar made with its properties, each event written
with a precondition and read back by meaning. Once more into what is there then, when there is nothing to do. The loops
write into a calendar that was made before, and do nothing else; the fastest of them shows what the server takes. From
the first connection to the last answer; imports and key derivation are apart. Everybody is a process of its own behind
one proxy, which adds the round trip and counts requests. Rounds alternate the order; medians.

    python -m benchmarks.restore [--server NAME…] [--events N] [--delay MILLISECONDS] [--rounds N]

Without options: sabre/dav and Cyrus that are 20 ms away, with 1,000 events. Ends with 1 when a goal is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.crawlers.account import CALENDAR
from benchmarks.crawlers.contestants import Contestant, Run, RunFailed, Runner
from benchmarks.crawlers.filling import SERVERS, running
from benchmarks.delay_proxy import delay_proxy
from benchmarks.restorers.results import AGAIN, AT_ONCE, WHOLE, WRITTEN, goals, loop, table
from tests.servers.recipes import RECIPES, RunningServer
from tests.servers.server import Server, make_calendar, members

DEFAULT_SERVERS = ("sabredav", "cyrus")
EVENTS = 1_000
DELAY = 20
ROUNDS = 3

Results = dict[str, list[Run]]


async def race(server: RunningServer, options: argparse.Namespace, directory: Path) -> Results:
    """Each contestant's runs, in the contestants' order."""
    contestants = [*(loop(options.events, at_once) for at_once in AT_ONCE), WRITTEN, WHOLE]
    results: Results = {contestant.name: [] for contestant in (*contestants, AGAIN)}
    port = urlsplit(server.fresh_home().url).port or 80
    async with delay_proxy("127.0.0.1", port, options.delay / 1000) as proxy:
        runner = Runner(proxy, directory, None)
        for number in range(options.rounds):
            turn = number % len(contestants)
            for contestant in (*contestants[turn:], *contestants[:turn]):
                home = server.fresh_home()
                results[contestant.name].append(await restore(runner, contestant, home, options.events, directory))
                if contestant is WHOLE:
                    results[AGAIN.name].append(await again(runner, home, options.events, directory))
    return results


async def restore(runner: Runner, contestant: Contestant, home: Server, events: int, directory: Path) -> Run:
    """One run into an empty account, which holds all events at its end."""
    if contestant.program == "loop":
        make_calendar(home, CALENDAR)
    run = await runner.run(contestant, runner.account(contestant, home, str(directory)), events)
    if (there := len(members(home, f"{CALENDAR}/"))) != events:
        raise RunFailed(f"{contestant.name} left {there} of {events} events at the server")
    return run


async def again(runner: Runner, home: Server, events: int, directory: Path) -> Run:
    """One more into the same account."""
    return await runner.run(AGAIN, runner.account(AGAIN, home, str(directory)), events)


async def prepare(server: RunningServer, events: int, directory: Path) -> None:
    """Make the store; then each program runs once, unmeasured: to learn what it imports, and for a warm server."""
    async with delay_proxy("127.0.0.1", urlsplit(server.fresh_home().url).port or 80, 0) as proxy:
        runner = Runner(proxy, directory, None)
        store = Contestant("", "ours", preparation=("prepare", str(events)), package=WHOLE.package)
        await runner.prepare(store, runner.account(store, server.fresh_home(), str(directory)))
        for contestant in (loop(events, 4), WHOLE):
            await restore(runner, contestant, server.fresh_home(), events, directory)


def measure(name: str, options: argparse.Namespace) -> bool:
    """One server; True when every goal is reached."""
    with tempfile.TemporaryDirectory(prefix="restore-") as temporary, running(name) as server:
        asyncio.run(prepare(server, options.events, Path(temporary)))
        results = asyncio.run(race(server, options, Path(temporary)))
    print(f"\n{name}, {options.events:,} events, {options.delay} ms round trip, medians of {options.rounds}")
    print(table(results, options.events))
    reached = goals(name, results, options.events)
    print("\n".join(f"  {goal}" for goal in reached), flush=True)
    return all(goal.is_reached for goal in reached)


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.restore", description="Race restores of a calendar.")
    parser.add_argument("--server", nargs="+", choices=SERVERS, default=DEFAULT_SERVERS, metavar="NAME")
    parser.add_argument("--events", type=int, default=EVENTS, metavar="N")
    parser.add_argument("--delay", type=int, default=DELAY, metavar="MILLISECONDS")
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N")
    return parser.parse_args(arguments)


def race_all(options: argparse.Namespace) -> bool:
    """Every server that is asked for and installed; True when every goal is reached."""
    verdicts = []
    for name in options.server:
        if reason := RECIPES[name].lacks():
            print(f"\n{name} does not take part: {reason}")
        else:
            verdicts.append(measure(name, options))
    return bool(verdicts) and all(verdicts)


def main() -> int:
    try:
        return 0 if race_all(parsed(sys.argv[1:])) else 1
    except RunFailed as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
