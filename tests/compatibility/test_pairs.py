"""From every server to every server: each record arrives equal in meaning or is reported; nobody is mailed.

The full tier goes round in a ring, so that each server gives once and takes once; the soak tier tries all pairs.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest

from tests.compatibility.judging import Fate
from tests.compatibility.pairs import RING, SLOW, all_pairs, tried_pairs
from tests.compatibility.servers import NAMES
from tests.compatibility.trial import FreshHome, Saved, Trial, saved, tried
from tests.servers.server import Server

#: Of the icalendar package's calendars the ring takes every so many; so many records are there at least in the end.
_SAMPLE = 5
_AT_LEAST = 80


class _Source(NamedTuple):
    saving: Saved
    targets: dict[str, Server]


def _assert_trusted(trial: Trial) -> None:
    assert trial.problems == ()
    equal = sum(one.fate is Fate.EQUAL for one in trial.judged)
    assert equal >= _AT_LEAST, f"only {equal} of {len(trial.judged)} arrived as they were"


@pytest.mark.full
@pytest.mark.parametrize(("source", "target"), RING)
def test_a_restore_to_the_next_server_of_the_ring_can_be_believed_and_repeated(
    source: str, target: str, fresh_home: FreshHome
) -> None:
    (trial,) = tried_pairs([(source, target)], fresh_home, sample=_SAMPLE, huge=False)
    _assert_trusted(trial)


@pytest.fixture(scope="module")
def sources() -> dict[str, _Source]:
    """Accounts that are saved already, by server; each is seeded once."""
    return {}


@pytest.mark.soak
@pytest.mark.parametrize(("source", "target"), all_pairs())
def test_a_restore_from_any_server_to_any_other_can_be_believed(
    source: str, target: str, sources: dict[str, _Source], fresh_home: FreshHome
) -> None:
    if source not in sources:
        targets = {name: fresh_home(name) for name in NAMES}
        sources[source] = _Source(saved(source, targets, fresh_home, sample=1, huge=source not in SLOW), targets)
    saving, targets = sources[source]
    home = targets[target]
    _assert_trusted(tried(saving, home if home.user else fresh_home(target), twice=False))
