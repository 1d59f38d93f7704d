"""No sequence of changes at a server leads to a snapshot that differs from what plain GETs say.

Hypothesis invents the sequences. Times are the real ones: servers count in whole seconds, and what happens within one
is what the rules about racy times are for, so nothing here waits but the rules that say so.

One limit is stated rather than tested away: sabre/dav's CTag is a counter, so a calendar that is deleted and made anew
can reach the CTag of its predecessor, and nothing else that sabre/dav 1.8 tells of it differs. The weekly listing finds
that. So where the tokens of a calendar that was made anew are those of before, the claim is held to a week later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import product
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import HealthCheck, Phase, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from caldav_backup.archiver import Guard, Outcome
from caldav_backup.archiver.survey import SYNC_FROM
from caldav_backup.marks import INCOMPLETE
from tests.archiver.changing import KINDS, Changing, Text
from tests.archiver.runs import Runs, described, let_pass, served
from tests.servers.recipes import RECIPES
from tests.servers.server import Server

NAMES = ("work", "home", "third")
#: Decoded leaves. Where a server refuses one, nothing happens.
LEAVES = (
    *(f"{number}.ics" for number in range(12)),
    "with space.ics",
    "ümlaut.ics",
    "a@b.ics",
    "plus+sign.ics",
    "100% sure.ics",
    "semi;comma,.ics",
    "UPPER.ics",
    "upper.ics",
    "0~1.ics",
    "no extension",
    "l" * 150 + ".ics",
)
#: Servers whose CTag may be the same for a calendar that was deleted and made anew.
COUNTERS = frozenset({"sabredav"})
#: Servers that are asked for changes; sabre/dav 1.8 cannot tell them, and the tokens of the others are mere numbers.
WITH_CHANGES = ("radicale", "xandikos", "cyrus")

SUMMARIES = st.text(alphabet="ab ü€🎉<&'\"", max_size=30).map(str.strip)
TEXTS = st.builds(Text, SUMMARIES, st.sampled_from([False] * 7 + [True]), st.booleans())
PICKS = st.integers(0, 99)


class Stopped(Exception):
    """Ends a backup in its middle."""


class Sequences(RuleBasedStateMachine):
    """An account that is changed from outside, and its backups."""

    def __init__(self, server: Server, sync_from: int) -> None:
        super().__init__()
        self.server = server
        self.sync_from = sync_from
        self.account = Changing(server)
        self.runs = Runs(server)
        #: CTag and sync-token of each calendar, as any snapshot has had them, with the calendar's path.
        self.signals: set[tuple[str, tuple[str, str]]] = set()

    @initialize()
    def begin(self) -> None:
        self.account.empty()
        self.account.make("work", 8)

    @rule(where=PICKS, leaf=st.sampled_from(LEAVES), text=TEXTS)
    def create(self, where: int, leaf: str, text: Text) -> None:
        for calendar in self.account.calendar(where):
            self.account.put(calendar, leaf, text)

    @rule(which=PICKS, text=TEXTS)
    def change(self, which: int, text: Text) -> None:
        for calendar, leaf in self.account.object(which):
            self.account.put(calendar, leaf, text)

    @rule(which=PICKS)
    def change_twice_at_once(self, which: int) -> None:
        for calendar, leaf in self.account.object(which):
            self.account.put(calendar, leaf, Text("one"))
            self.account.put(calendar, leaf, Text("two"))

    @rule(which=PICKS)
    def delete(self, which: int) -> None:
        for calendar, leaf in self.account.object(which):
            self.account.delete(calendar, leaf)

    @rule(which=PICKS, summary=st.sampled_from(["one", "two", "longer"]), is_new=st.booleans())
    def delete_and_recreate(self, which: int, summary: str, is_new: bool) -> None:
        for calendar, leaf in self.account.object(which):
            number = next(self.account.numbers) if is_new else self.account.calendars[calendar][leaf]
            self.account.delete(calendar, leaf)
            self.account.put(calendar, leaf, Text(summary), number)

    @rule(which=PICKS, where=PICKS, leaf=st.sampled_from(LEAVES), text=TEXTS)
    def write_anew_elsewhere(self, which: int, where: int, leaf: str, text: Text) -> None:
        for calendar, before in self.account.object(which):
            number = self.account.calendars[calendar][before]
            self.account.delete(calendar, before)
            for target in self.account.calendar(where):
                self.account.put(target, leaf, text, number)

    @rule(which=PICKS, where=PICKS, leaf=st.sampled_from(LEAVES))
    def move(self, which: int, where: int, leaf: str) -> None:
        for (calendar, before), target in product(self.account.object(which), self.account.calendar(where)):
            if self.account.move(calendar, before, target, leaf):
                event("moved by MOVE")

    @rule(name=st.sampled_from(NAMES), size=st.integers(0, 4))
    def make_calendar(self, name: str, size: int) -> None:
        if name not in self.account.calendars:
            self.account.make(name, size)

    @rule(which=PICKS)
    def delete_calendar(self, which: int) -> None:
        for name in self.account.calendar(which):
            self.account.delete_calendar(name)

    @rule(which=PICKS, size=st.integers(0, 8), is_in_peace=st.booleans())
    def delete_and_recreate_calendar(self, which: int, size: int, is_in_peace: bool) -> None:
        """With some of the old leaves, and often as many changes: some servers count these."""
        for name in self.account.calendar(which):
            if is_in_peace:
                let_pass(self.server, 3)
                self._back_up()
            self.account.delete_calendar(name)
            self.account.make(name, size, first=which % 3)

    @rule(which=PICKS, displayname=SUMMARIES.filter(bool))
    def rename_calendar(self, which: int, displayname: str) -> None:
        for name in self.account.calendar(which):
            self.account.rename(name, displayname)

    @rule()
    def let_a_week_pass(self) -> None:
        self.runs.days_ahead += 7

    @rule(is_accepting=st.booleans())
    def back_up(self, is_accepting: bool) -> None:
        """Or with the usual guard: what looks strange to it is right in the snapshot, and no parent of the next one."""
        self._back_up(guard=Guard(accept_shrink=is_accepting, allow_empty=is_accepting))

    @rule(at=st.integers(1, 10), which=PICKS, what=st.sampled_from(KINDS))
    def back_up_while_something_changes(self, at: int, which: int, what: str) -> None:
        """What such a run holds is some state in between; the next one has to be right."""

        def interfere(number: int) -> None:
            if number == at:
                self.account.do(what, which)

        self._back_up(interfere)

    @rule(at=st.integers(1, 12), every=st.sampled_from([0.0, 300.0]), which=PICKS, what=st.sampled_from(KINDS))
    def stop_a_backup(self, at: int, every: float, which: int, what: str) -> None:
        """What it has read is where the next run goes on, whatever has changed since."""

        def stop(number: int) -> None:
            if number == at:
                raise Stopped

        with suppress(Stopped):
            self._run(stop, checkpoint_every=every)
        if any(INCOMPLETE in header.tags for header in self.runs.repository.snapshots()):
            event("stopped, and something was read")
        self.account.do(what, which)

    @rule(which=PICKS, what=st.sampled_from(KINDS))
    def back_up_in_peace(self, which: int, what: str) -> None:
        """When nothing happens for a while, the first run is believed by the next; but not beyond the next change."""
        let_pass(self.server, 3)
        self._back_up()
        assert self._back_up().fetched == 0
        self.account.do(what, which)
        self._back_up()

    def teardown(self) -> None:
        if self.runs.repository.snapshots():
            assert list(self.runs.repository.check(read_data=True)) == []

    def _back_up(self, interfere: Callable[[int], None] | None = None, **options: Any) -> Outcome:
        if self._is_beyond_notice():
            event("a calendar was made anew and has the same tokens")
            self.runs.days_ahead += 7
        there = set(self.account.calendars)
        outcome = self._run(interfere, **options)
        if not outcome.trips:
            self.account.made_anew -= there
        for what, calendars in _ways(outcome).items():
            if calendars:
                event(f"backed up: {what}")
        if interfere is None:
            assert not outcome.failures
            assert not outcome.warnings
            assert _texts(self.runs.stored()) == _texts(served(self.server))
            names = {path: each.displayname for path, each in described(self.server).items()}
            assert self.runs.displaynames() == names
        return outcome

    def _run(self, at_request: Callable[[int], None] | None, **options: Any) -> Outcome:
        try:
            return self.runs.back_up(at_request=at_request, sync_from=self.sync_from, **options)
        finally:
            if self.runs.repository.snapshots():
                self.signals.update(self.runs.signals().items())

    def _is_beyond_notice(self) -> bool:
        """Whether a calendar was made anew and has tokens that are known: the limit at the top of this file."""
        anew = self.account.made_anew & set(self.account.calendars)
        if not anew or self.server.name not in COUNTERS:
            return False
        now = described(self.server)
        paths = [urlsplit(urljoin(self.server.home, f"{name}/")).path for name in anew]
        return any((path, now[path].signals) in self.signals for path in paths)


def _ways(outcome: Outcome) -> dict[str, int]:
    changes = outcome.calendars - outcome.unmoved - outcome.listed
    return {"unmoved": outcome.unmoved, "listed": outcome.listed, "due": outcome.due, "asked for changes": changes}


def _texts(tree: Mapping[str, bytes]) -> dict[str, str]:
    """For messages that people can read."""
    return {path: content.decode("utf-8", "backslashreplace") for path, content in tree.items()}


def play(server: Server, sync_from: int, *, examples: int, steps: int, phases: Sequence[Phase]) -> None:
    """Raises AssertionError with the sequence that led there."""
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        phases=phases,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    machine: Callable[[], Sequences] = partial(Sequences, server, sync_from)
    run_state_machine_as_test(machine, settings=chosen)  # type: ignore[arg-type]  # any factory will do


CASES = [*((name, SYNC_FROM) for name in RECIPES), *((name, 1) for name in WITH_CHANGES)]
ALL = pytest.mark.parametrize(
    ("each_server", "sync_from"),
    CASES,
    indirect=["each_server"],
    ids=[f"{name}-{'changes' if sync_from == 1 else 'listing'}" for name, sync_from in CASES],
)


@ALL
@pytest.mark.full
def test_every_backup_holds_what_plain_requests_say(each_server: Server, sync_from: int) -> None:
    play(each_server, sync_from, examples=3, steps=12, phases=[Phase.generate])


@ALL
@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_every_backup_of_very_many_holds_what_plain_requests_say(each_server: Server, sync_from: int) -> None:
    play(each_server, sync_from, examples=200, steps=50, phases=[Phase.generate, Phase.shrink])


@pytest.mark.full
def test_a_calendar_that_is_made_anew_up_to_the_same_ctag_is_found_a_week_later(sabredav: Server) -> None:
    """The limit, as it is: the home of sabre/dav 1.8 says nothing else of the calendar that differs."""
    account, runs = Changing(sabredav), Runs(sabredav)
    account.make("work", 3)
    let_pass(sabredav, 3)
    runs.back_up()
    account.delete_calendar("work")
    account.make("work", 3)
    assert described(sabredav)[urlsplit(sabredav.home).path + "work/"].signals in runs.signals().values()
    assert runs.back_up().unmoved == 1
    assert runs.stored() != served(sabredav)
    runs.days_ahead = 7
    assert runs.back_up().due == 1
    assert runs.stored() == served(sabredav)
