"""Whatever happens to a store, in whatever order: what is needed is there, and what is not goes in the end."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caldav_backup.kloset.maintenance.grace import DEFAULT_GRACE
from caldav_backup.kloset.resources import ResourceType
from tests.kloset.maintenance.plakars import Plakar
from tests.kloset.maintenance.worlds import World, calendar, contents

pytestmark = pytest.mark.full


class History:
    """A store, two machines with plakar, and everything that must be there."""

    def __init__(self) -> None:
        self.world = World()
        self.plakars = [Plakar(), Plakar()]
        self.expected: dict[bytes, list[object]] = {}

    def back_up(self, number: int) -> None:
        """One of a few calendars, so that much of it is there already, or was once."""
        snapshot = self.world.backup(calendar(f"note {number % 5}", count=2 + number % 3, name=f"{number % 2}"))
        self.expected[snapshot.header.identifier] = list(contents(snapshot))

    def remove(self, number: int) -> None:
        if self.expected:
            identifier = sorted(self.expected)[number % len(self.expected)]
            del self.expected[identifier]
            self.world.repository.remove_snapshot(identifier)

    def copy(self, number: int) -> None:
        """As two programs leave behind that stored the same at the same time."""
        usable = sorted(filter(self.world.repository.index.is_usable, self.world.repository.index.packfiles))
        if usable:
            self.world.copy(usable[number % len(usable)])

    def leave_orphan(self, number: int) -> None:
        self.world.pack([(ResourceType.CHUNK, b"left behind %d" % number)])

    def wait(self, number: int) -> None:
        """Mostly forwards; sometimes a clock is put back."""
        self.world.day += (0.5, 3, 8, -2, 8)[number % 5]

    def maintain(self, _number: int) -> None:
        self.world.maintain()

    def maintain_with_plakar(self, number: int) -> None:
        self.plakars[number % 2].maintain(self.world.open(), self.world.clock(), DEFAULT_GRACE)
        self.world.repository.refresh()

    def assert_all_is_there(self) -> None:
        repository = self.world.open()
        assert set(repository.index.snapshot_ids()) == self.expected.keys()
        for identifier, expected in self.expected.items():
            assert list(contents(repository.snapshot(identifier))) == expected

    def clean_up(self) -> None:
        """Whatever times the clocks gave, they are over."""
        self.world.day += 100
        for _ in range(3):
            self.world.maintain()
            self.world.day += 100


DEEDS: list[Callable[[History, int], None]] = [
    History.back_up,
    History.back_up,
    History.remove,
    History.copy,
    History.leave_orphan,
    History.wait,
    History.wait,
    History.maintain,
    History.maintain,
    History.maintain_with_plakar,
]


def assert_history_is_sound(deeds: list[tuple[Callable[[History, int], None], int]]) -> None:
    history = History()
    for deed, number in deeds:
        deed(history, number)
        history.assert_all_is_there()
    history.clean_up()
    history.assert_all_is_there()
    plan = history.world.plan()
    assert plan.is_empty
    assert (plan.waiting, plan.held) == ((), ())
    assert history.world.packfiles == set(history.world.open().index.packfiles)
    for identifier in list(history.expected):
        history.world.repository.remove_snapshot(identifier)
    history.clean_up()
    assert history.world.packfiles == set()


histories = st.lists(st.tuples(st.sampled_from(DEEDS), st.integers(0, 11)), min_size=3, max_size=14)


@settings(max_examples=25, deadline=None)
@given(histories)
def test_nothing_is_lost_and_nothing_dead_stays(deeds: list[tuple[Callable[[History, int], None], int]]) -> None:
    assert_history_is_sound(deeds)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@settings(max_examples=1000, deadline=None)
@given(histories)
def test_nothing_is_lost_in_many_histories(deeds: list[tuple[Callable[[History, int], None], int]]) -> None:
    assert_history_is_sound(deeds)
