"""Snapshots that somebody wants gone."""

from __future__ import annotations

import pytest

from caldav_backup.marks import INCOMPLETE, SUSPICIOUS
from caldav_backup.retention import SnapshotProtected, plan_pins, plan_removal, plan_removal_among
from tests.kloset.builds import make_store
from tests.retention.headers import NOW
from tests.retention.stores import again, ids, snap


def test_named_snapshots_go_in_one_commit_and_each_once() -> None:
    _, repository = make_store()
    nights = [snap(repository, days) for days in (4, 3, 2, 1)]
    removed = plan_removal(repository, [nights[2], nights[0], nights[2]], NOW).apply()
    assert ids(removed) == ids([nights[2], nights[0]])
    assert ids(repository.snapshots()) == ids([nights[1], nights[3]])


def test_a_pinned_one_and_the_last_good_one_of_a_source_refuse_all() -> None:
    _, repository = make_store()
    first, _, last = (snap(repository, days) for days in (3, 2, 1))
    pinned = repository.header(plan_pins(repository, [first]).apply()[first.identifier])
    every = repository.snapshots()
    with pytest.raises(SnapshotProtected) as caught:
        plan_removal(repository, every, NOW)
    assert str(caught.value) == (
        f"{pinned.identifier.hex()[:8]} is pinned; {last.identifier.hex()[:8]} is the last good one of its source; "
        "nothing was removed"
    )
    assert ids(repository.snapshots()) == ids(every)


def test_of_those_that_a_description_fits_the_protected_ones_stay() -> None:
    _, repository = make_store()
    nights = [snap(repository, days) for days in (3, 2, 1)]
    plan = plan_removal_among(repository, nights, NOW)
    assert ids([verdict.header for verdict in plan.protected]) == ids(nights[2:])
    assert ids(plan.apply()) == ids(nights[:2])


def test_what_is_suspicious_or_half_done_may_go() -> None:
    _, repository = make_store()
    good, bad, half = snap(repository, 3), snap(repository, 2, SUSPICIOUS), snap(repository, 1, INCOMPLETE)
    plan_removal(repository, [bad, half], NOW).apply()
    assert ids(repository.snapshots()) == ids([good])


def test_what_has_gone_meanwhile_is_not_removed_again() -> None:
    storage, repository = make_store()
    nights = [snap(repository, days) for days in (3, 2, 1)]
    plan = plan_removal(repository, nights[:2], NOW)
    again(repository, storage).remove_snapshot(nights[0].identifier)
    assert ids(plan.apply()) == ids(nights[1:2])


def test_what_has_become_the_last_good_one_meanwhile_stays() -> None:
    storage, repository = make_store()
    nights = [snap(repository, days) for days in (3, 2, 1)]
    plan = plan_removal(repository, nights[:2], NOW)
    again(repository, storage).remove_snapshot(nights[2].identifier)
    with pytest.raises(SnapshotProtected, match="last good"):
        plan.apply()
    assert ids(repository.snapshots()) == ids(nights[:2])
