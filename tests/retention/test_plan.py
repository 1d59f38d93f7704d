"""A plan over a real store, and what becomes of it when others work in between."""

from __future__ import annotations

import pytest

from caldav_backup.kloset import Configuration, Damaged, Header, Importer, Repository
from caldav_backup.kloset.storage import Kind, MemoryStorage
from caldav_backup.marks import BEFORE_RESTORE, INCOMPLETE, PARTIAL, SUSPICIOUS
from caldav_backup.retention import (
    NoRule,
    Policy,
    PrunePlan,
    Question,
    plan_pins,
    plan_prune,
    plan_removal,
)
from caldav_backup.retention.goodness import Goodness
from tests.kloset.builds import make_store
from tests.retention.headers import BERLIN, NOW
from tests.retention.stores import again, ids, snap

THEIRS = Importer("fs", "laptop", "/home")


def plan(repository: Repository, policy: Policy = Policy(daily=1), **options: object) -> PrunePlan:  # noqa: B008  # frozen
    return plan_prune(repository, Question(policy, NOW, BERLIN, **options))  # type: ignore[arg-type]


def week(repository: Repository) -> list[Header]:
    return [snap(repository, days_ago) for days_ago in range(6, -1, -1)]


def test_what_no_rule_keeps_is_removed_in_one_commit() -> None:
    storage, repository = make_store()
    nights = week(repository)
    made = plan(repository, Policy(daily=3))
    assert ids(made.removed) == ids(nights[:4])
    assert ids(repository.snapshots()) == ids(nights)
    states = len(list(storage.ids(Kind.STATE)))
    assert ids(made.apply()) == ids(nights[:4])
    assert len(list(storage.ids(Kind.STATE))) == states + 1
    assert ids(again(repository, storage).snapshots()) == ids(nights[4:])


def test_a_plan_that_removes_nothing_writes_nothing() -> None:
    storage, repository = make_store()
    week(repository)
    plan(repository).apply()
    files = dict(storage.files)
    assert not plan(repository).apply()
    assert storage.files == files


def test_no_rule_is_no_plan() -> None:
    _, repository = make_store()
    week(repository)
    with pytest.raises(NoRule, match="--keep-daily"):
        plan(repository, Policy())


def test_sources_and_selections_are_counted_apart() -> None:
    _, repository = make_store()
    whole, part = [snap(repository, 3), snap(repository, 2)], snap(repository, 0.5, selection="calendar=a")
    aside = [snap(repository, days, BEFORE_RESTORE, selection=f"key={days}") for days in (2, 1)]
    home = snap(repository, 9, job="home")
    made = plan(repository)
    assert ids(made.removed) == ids([whole[0], aside[0]])
    assert {(each.group.source, each.group.selection, each.group.is_before_restore) for each in made.groups} == {
        ("@work", "", False),
        ("@work", "calendar=a", False),
        ("@work", "", True),
        ("@home", "", False),
    }
    made.apply()
    assert ids(repository.snapshots()) == ids([home, whole[1], aside[1], part])


def test_incomplete_snapshots_are_left_to_the_next_run() -> None:
    _, repository = make_store()
    half = snap(repository, 9, INCOMPLETE)
    week(repository)
    plan(repository).apply()
    assert half.identifier in ids(repository.snapshots())


def test_snapshots_of_other_programs_are_left_alone_unless_they_are_asked_for() -> None:
    _, repository = make_store()
    theirs = [snap(repository, days, job="work", importer=THEIRS) for days in (3, 2)]
    ours = [snap(repository, days) for days in (5, 4)]
    made = plan(repository)
    assert (ids(made.removed), made.others) == (ids(ours[:1]), 2)
    asked = plan(repository, others_too=True)
    assert (set(ids(asked.removed)), asked.others) == ({ours[0].identifier, theirs[0].identifier}, 0)


def test_one_source_alone_can_be_asked_for_and_is_judged_by_all_snapshots() -> None:
    _, repository = make_store()
    part = [snap(repository, days, selection="calendar=a") for days in (4, 3)]
    whole = snap(repository, 1)
    made = plan(repository, Policy(tags=("none",)), wants=lambda header: header.perimeter == "calendar=a")
    assert ids(made.removed) == ids(part)
    made.apply()
    assert ids(repository.snapshots()) == [whole.identifier]


def test_what_was_pinned_meanwhile_stays() -> None:
    storage, repository = make_store()
    nights = week(repository)
    made = plan(repository)
    other = again(repository, storage)
    new = plan_pins(other, [other.header(nights[2].identifier)]).apply()
    assert ids(made.apply()) == ids([*nights[:2], *nights[3:6]])
    assert ids(repository.snapshots()) == [new[nights[2].identifier], nights[6].identifier]


def test_what_became_the_last_good_one_meanwhile_stays() -> None:
    storage, repository = make_store()
    good = [snap(repository, days) for days in (5, 4)]
    made = plan(repository)
    assert ids(made.removed) == ids(good[:1])
    # Somebody with another program, who asks nobody.
    again(repository, storage).remove_snapshot(good[1].identifier)
    assert not made.apply()
    assert ids(repository.snapshots()) == ids(good[:1])


def test_what_was_removed_meanwhile_is_not_removed_again() -> None:
    storage, repository = make_store()
    nights = week(repository)
    made = plan(repository)
    other = again(repository, storage)
    plan_removal(other, [other.header(nights[0].identifier)], NOW).apply()
    assert ids(made.apply()) == ids(nights[1:6])


def test_what_came_meanwhile_is_not_removed_without_having_been_shown() -> None:
    storage, repository = make_store()
    week(repository)
    made = plan(repository)
    late = snap(again(repository, storage), 0.3)
    assert late.identifier not in ids(made.apply())
    assert late.identifier in ids(repository.snapshots())


class CountingStorage(MemoryStorage):
    """Counts what is read of packfiles."""

    reads = 0

    def read_range(self, kind: Kind, identifier: bytes, offset: int, length: int) -> bytes:
        self.reads += kind is Kind.PACKFILE
        return super().read_range(kind, identifier, offset, length)


def test_error_indexes_are_read_of_partial_snapshots_only_and_equal_ones_once() -> None:
    storage = CountingStorage()
    opened = Repository.create(storage, Configuration.new(encrypted=False))
    for days in range(9, 3, -1):
        snap(opened, days)
    for days in (3, 2, 1):
        snap(opened, days, PARTIAL, failed=["/personal/x.ics"])
    headers = opened.snapshots()
    good = Goodness(opened)
    storage.reads = 0
    assert all(good(header) for header in headers)
    assert 0 < storage.reads <= 3


def test_a_snapshot_whose_error_index_is_damaged_is_neither_good_nor_removed() -> None:
    storage, repository = make_store()
    good = [snap(repository, days) for days in (5, 4)]
    before = set(storage.ids(Kind.PACKFILE))
    broken = snap(repository, 1, PARTIAL, failed=["/personal/x.ics"])
    headers = repository.snapshots()
    for packfile in set(storage.ids(Kind.PACKFILE)) - before:
        storage.delete(Kind.PACKFILE, packfile)
    with pytest.raises(Damaged):
        list(repository.snapshot(broken.identifier).failed_paths())
    assert Goodness(repository)(headers[-1]) is None
    assert ids(plan(repository).removed) == ids(good[:1])


def test_a_suspicious_snapshot_is_bad_whatever_its_error_index() -> None:
    _, repository = make_store()
    header = snap(repository, 1, PARTIAL, SUSPICIOUS, failed=["/personal/x.ics"])
    assert Goodness(repository)(header) is False
    assert Goodness(repository)(snap(repository, 1, PARTIAL, failed=["/personal"])) is False
