"""A restore that was hit by a fault at any of its requests is complete after the next run: nothing twice, nothing lost.

The full tier hits every sixth request, from one on that chance chooses; the soak tier each.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from caldav_backup import dav, ics
from caldav_backup.connectors.destination import DestinationError
from caldav_backup.connectors.destination_caldav import CalDavDestination
from caldav_backup.restorer import OnConflict, RestoreOptions, RestoreReport, Result, Uids, apply, plan_restore
from tests.dav.fakes import Waits
from tests.events import event, events
from tests.restorer.faulty import FaultyWay, cut_after, cut_before, full, held, too_many, unavailable
from tests.restorer.snapshots import Tree, snapshot_of
from tests.servers.server import Server, seed

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    import httpx

    from tests.restorer.faulty import Fault, Held

STEPS = pytest.mark.parametrize(
    "step", [pytest.param(6, marks=pytest.mark.full, id="some"), pytest.param(1, marks=pytest.mark.soak, id="every")]
)
WORK, NEW = events(7), events(5, first=20)
TREE: Tree = {
    "new": ({"displayname": b"New", "color": b"#FF8800FF"}, {one.name: one.content for one in NEW}),
    "work": ({"displayname": b"Work"}, {one.name: one.content for one in WORK}),
}
SNAPSHOT = snapshot_of(TREE)
#: In `work` before: one that is the same, one that is another version, and one of which the snapshot knows nothing.
BEFORE = [WORK[0], event(1, summary="changed since", sequence=3), event(50)]
EXPECTED = {"new": [one.uid for one in NEW], "work": [*(one.uid for one in WORK), event(50).uid]}
SKIP, REPLACE = RestoreOptions(), RestoreOptions(on_conflict=OnConflict.REPLACE)


Homes = Callable[[], Server]


@pytest.fixture(params=["radicale", "sabredav", "cyrus"])
def homes(request: pytest.FixtureRequest, fresh_home: Callable[[str], Server]) -> Homes:
    """Gives a new account at each call, which holds what is there before."""

    def home() -> Server:
        server = fresh_home(request.param)
        seed(server, "work", BEFORE, displayname="Work")
        return server

    return home


def run(server: Server, options: RestoreOptions, way: httpx.AsyncBaseTransport | None = None) -> RestoreReport | None:
    """The report; None when it ended before anything was written."""
    waits = Waits()
    retries = dav.Retries(sleep=waits, clock=waits.clock)
    login = dav.BasicAuthentication(server.user, server.password)

    async def story() -> RestoreReport | None:
        client = dav.Client(dav.Transport(server.url, login, network=way, retries=retries))
        destination = CalDavDestination(client, server.home, origin="me@there")
        try:
            plan = await plan_restore(SNAPSHOT, destination, options)
            return await apply(plan, SNAPSHOT, destination)
        except (DestinationError, dav.DavError):
            return None
        finally:
            await destination.close()

    return asyncio.run(story())


def is_complete(server: Server, before: Held, *, replaced: bool = False) -> None:
    """Every record is there once; what was there before is as it was, but for what was to be replaced."""
    after = held(server)
    assert after.uids == {name: Counter(uids) for name, uids in EXPECTED.items()}
    for href, body in before.objects.items():
        if replaced and ics.uid(body) == WORK[1].uid:
            assert ics.same_meaning(after.objects[href], WORK[1].content)
        else:
            assert after.objects[href] == body


def hits(
    homes: Homes, fault: Fault, times: float, step: int, chance: random.Random, options: RestoreOptions
) -> Iterator[tuple[Server, Held, RestoreReport | None]]:
    """Restores into an account of its own each, hit at another request each, until there is none left to hit.

    With what the account held before.
    """
    number = 1 + chance.randrange(step)
    while True:
        server = homes()
        before = held(server)
        way = FaultyWay(fault, number, times)
        report = run(server, options, way)
        if way.requests < number:
            return
        yield server, before, report
        number += step


@STEPS
@pytest.mark.parametrize("fault", [cut_before, cut_after, too_many, unavailable], ids=lambda fault: fault.__name__)
def test_a_fault_that_passes_is_not_noticed(homes: Homes, chance: random.Random, step: int, fault: Fault) -> None:
    for server, before, report in hits(homes, fault, 1, step, chance, SKIP):
        assert report is not None
        assert report.stopped_by is None
        counts = report.counts()
        assert (counts[Result.CREATED], counts[Result.IDENTICAL], counts[Result.SKIPPED]) == (10, 1, 1)
        assert report.differing == 0
        is_complete(server, before)


@STEPS
@pytest.mark.parametrize("fault", [cut_before, cut_after, unavailable], ids=lambda fault: fault.__name__)
def test_the_next_run_completes_what_a_server_that_went_away_left(
    homes: Homes, chance: random.Random, step: int, fault: Fault
) -> None:
    for server, before, _ in hits(homes, fault, math.inf, step, chance, REPLACE):
        report = run(server, REPLACE)
        assert report is not None
        counts = report.counts()
        assert counts[Result.CREATED] + counts[Result.IDENTICAL] + counts[Result.REPLACED] == 12
        is_complete(server, before, replaced=True)
        again = run(server, REPLACE)
        assert again is not None
        assert again.counts()[Result.IDENTICAL] == 12


@STEPS
def test_the_next_run_completes_what_a_full_account_had_no_room_for(
    homes: Homes, chance: random.Random, step: int
) -> None:
    for server, before, report in hits(homes, full, math.inf, step, chance, SKIP):
        assert report is not None
        run(server, SKIP)
        is_complete(server, before)


@STEPS
def test_copies_with_new_uids_are_not_made_twice(homes: Homes, chance: random.Random, step: int) -> None:
    options = RestoreOptions(uids=Uids.NEW)
    for server, before, _ in hits(homes, cut_after, math.inf, step, chance, options):
        run(server, options)
        after = held(server)
        assert {name: sum(uids.values()) for name, uids in after.uids.items()} == {"new": 5, "work": 10}
        assert before.objects.items() <= after.objects.items()
        assert all(count == 1 for uids in after.uids.values() for count in uids.values())


@STEPS
def test_the_next_run_makes_equal_what_a_stopped_one_began_to_make_equal(
    homes: Homes, chance: random.Random, step: int
) -> None:
    options = RestoreOptions(on_conflict=OnConflict.REPLACE, delete_extra=True)
    for server, _, _ in hits(homes, cut_after, math.inf, step, chance, options):
        run(server, options)
        assert held(server).uids == {"new": Counter(EXPECTED["new"]), "work": Counter(one.uid for one in WORK)}
