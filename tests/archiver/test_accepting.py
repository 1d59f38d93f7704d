"""What was suspicious stays so no longer than until somebody says that it is right."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from caldav_backup.archiver import BackupOptions, Guard, Outcome, Selection, back_up
from caldav_backup.kloset import Configuration, Header, Repository, StorageNotWritable
from caldav_backup.kloset.resources import BytesLike
from caldav_backup.kloset.storage import Kind, MemoryStorage
from caldav_backup.marks import BEFORE_RESTORE, SUSPICIOUS
from caldav_backup.progress import Event, Warned
from tests.archiver.account import Account
from tests.events import event

ACCEPTS = Guard(accept_shrink=True)


def account(work: int, first: int = 0) -> Account:
    return Account({"work": {f"{number:04}.ics": event(number).content for number in range(first, first + work)}})


@dataclass
class Nights:
    """Backups of an account into one store, one after the other."""

    repository: Repository

    def __call__(self, there: Account, *, guard: Guard = Guard(), **options: object) -> Outcome:  # noqa: B008  # frozen
        self.told: list[Event] = []
        chosen = BackupOptions(job="home", guard=guard, **options)  # type: ignore[arg-type]
        return asyncio.run(back_up(there, self.repository, chosen, progress=self.told.append))

    @property
    def marks(self) -> list[bool]:
        return [SUSPICIOUS in header.tags for header in self.repository.snapshots()]


@pytest.fixture
def nights(repository: Repository) -> Nights:
    return Nights(repository)


def but_for_id_and_tags(headers: Sequence[Header]) -> list[tuple[object, ...]]:
    return [(each.timestamp_ns, each.root, each.xattrs, each.errors, each.job, each.context) for each in headers]


def test_suspicious_snapshots_with_the_accepted_content_are_so_no_longer(nights: Nights) -> None:
    nights(account(14))
    first, second = nights(account(3)), nights(account(3), tags=("mine",))
    before = nights.repository.snapshots()
    outcome = nights(account(3), guard=ACCEPTS)
    after = nights.repository.snapshots()
    assert [old for old, _ in outcome.accepted] == [second.snapshot, first.snapshot]
    assert [each.tags for each in after] == [(), (), ("mine",), ()]
    assert but_for_id_and_tags(after)[:3] == but_for_id_and_tags(before)
    assert {new for _, new in outcome.accepted} == {each.identifier.hex() for each in after[1:3]}
    assert list(nights.repository.check(read_data=True)) == []


def test_those_that_hold_something_else_stay_suspicious(nights: Nights) -> None:
    nights(account(14))
    nights(account(2))
    nights(account(3, first=5))
    nights(account(3))
    assert len(nights(account(3), guard=ACCEPTS).accepted) == 1
    assert nights.marks == [False, True, True, False, False]


@pytest.mark.full
def test_those_before_the_last_measure_are_another_story(nights: Nights) -> None:
    nights(account(14))
    nights(account(3))
    nights(account(14))
    nights(account(3))
    assert len(nights(account(3), guard=ACCEPTS).accepted) == 1
    assert nights.marks == [False, True, False, False, False]


@pytest.mark.full
def test_an_empty_calendar_is_accepted_as_well(nights: Nights) -> None:
    nights(account(14))
    nights(account(0))
    assert not nights(account(0), guard=ACCEPTS).accepted
    assert len(nights(account(0), guard=Guard(allow_empty=True)).accepted) == 2
    assert nights.marks == [False] * 4


@pytest.mark.full
def test_they_are_accepted_although_nothing_changed_and_no_snapshot_is_made(nights: Nights) -> None:
    nights(account(14))
    nights(account(3))
    nights(account(3), guard=Guard(max_shrink=1.0))
    assert nights.marks == [False, True, False]
    outcome = nights(account(3), guard=ACCEPTS, skip_if_unchanged=True)
    assert outcome.snapshot is None and len(outcome.accepted) == 1
    assert nights.marks == [False] * 3


@pytest.mark.full
def test_another_selection_and_what_a_restore_puts_aside_accept_nothing(nights: Nights) -> None:
    nights(account(14))
    nights(account(3))
    assert not nights(account(3), guard=ACCEPTS, selection=Selection(("work",))).accepted
    assert not nights(account(3), guard=ACCEPTS, tags=(BEFORE_RESTORE,)).accepted
    assert nights.marks == [False, True, False, False]


class FullOnceCommitted(MemoryStorage):
    """Takes `runs` states, and then nothing more."""

    runs = 3

    def write(self, kind: Kind, identifier: bytes, data: BytesLike) -> None:
        if len(list(self.ids(Kind.STATE))) == self.runs:
            raise StorageNotWritable("no space is left")
        super().write(kind, identifier, data)


def test_a_store_that_cannot_take_it_leaves_them_suspicious_and_the_run_done() -> None:
    nights = Nights(Repository.create(FullOnceCommitted(), Configuration.new(encrypted=False)))
    nights(account(14))
    nights(account(3))
    outcome = nights(account(3), guard=ACCEPTS)
    assert outcome.snapshot is not None and not outcome.accepted
    assert [each.message for each in nights.told if isinstance(each, Warned)] == [
        "earlier snapshots stay suspicious: no space is left"
    ]
    assert nights.marks == [False, True, False]
