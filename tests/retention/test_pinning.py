"""Snapshots that somebody wants kept."""

from __future__ import annotations

from dataclasses import replace

import pytest

from caldav_backup.kloset import SnapshotNotFound
from caldav_backup.kloset.header import Identity
from caldav_backup.marks import INCOMPLETE, PINNED
from caldav_backup.retention import NotToBePinned, plan_pins, plan_unpins
from tests.kloset.builds import assert_sound, make_store
from tests.retention.stores import again, ids, snap


def test_a_pinned_snapshot_is_the_same_but_for_its_id_and_its_tag() -> None:
    _, repository = make_store()
    old, other = snap(repository, 2, "mine"), snap(repository, 1)
    new = plan_pins(repository, [old]).apply()[old.identifier]
    assert ids(repository.snapshots()) == [new, other.identifier]
    assert repository.header(new) == replace(old, identifier=new, tags=("mine", PINNED))
    assert_sound(repository)


def test_unpinning_takes_the_tag_away_and_no_other() -> None:
    _, repository = make_store()
    old = snap(repository, 2, "mine")
    pinned = plan_pins(repository, [old]).apply()[old.identifier]
    free = plan_unpins(repository, [repository.header(pinned)]).apply()[pinned]
    assert repository.header(free).tags == ("mine",)
    assert ids(repository.snapshots()) == [free]


def test_what_is_so_already_is_left_as_it_is() -> None:
    storage, repository = make_store()
    old = snap(repository, 2)
    pinned = repository.header(plan_pins(repository, [old]).apply()[old.identifier])
    files = dict(storage.files)
    plan = plan_pins(repository, [pinned, pinned])
    assert (plan.changed, plan.unchanged) == ((), (pinned,))
    assert not plan.apply() and storage.files == files


def test_a_signature_that_will_be_lost_is_told() -> None:
    _, repository = make_store()
    plain = snap(repository, 2)
    signed = replace(snap(repository, 1), identity=Identity(b"\1" * 16, b"a key"))
    assert plan_pins(repository, [plain, signed]).signed == [signed]


def test_several_are_pinned_in_one_commit() -> None:
    _, repository = make_store()
    every = [snap(repository, days) for days in (3, 2, 1)]
    before = len(repository.index.states)
    new = plan_pins(repository, every).apply()
    assert len(repository.index.states) == before + 1
    assert ids(repository.snapshots()) == [new[each.identifier] for each in every]


def test_what_the_next_run_removes_cannot_be_pinned() -> None:
    _, repository = make_store()
    with pytest.raises(NotToBePinned, match="the next run"):
        plan_pins(repository, [snap(repository, 1, INCOMPLETE)])


def test_what_was_removed_meanwhile_does_not_come_back() -> None:
    storage, repository = make_store()
    old, other = snap(repository, 2), snap(repository, 1)
    plan = plan_pins(repository, [old])
    again(repository, storage).remove_snapshot(old.identifier)
    with pytest.raises(SnapshotNotFound):
        plan.apply()
    assert ids(repository.snapshots()) == [other.identifier]
