"""What is stored is what GET gives, byte for byte, on all six servers, whatever they were given.

What a server refuses is left out by its status. The least that each stores is known, so that nothing here passes by
storing nothing.
"""

from __future__ import annotations

import pytest

from caldav_backup.kloset import Repository
from tests.archiver.backups import backup, served, stored
from tests.archiver.bodies import BODIES, SEGMENTS, with_attachment
from tests.events import event
from tests.servers.server import Server, make_calendar

pytestmark = pytest.mark.full

_ICALENDAR = {"Content-Type": "text/calendar; charset=utf-8"}

#: Of the bodies. Radicale 3.9 refuses what has no UID or two, Xandikos 0.4 what is no UTF-8 or has control characters,
#: sabre/dav 1.8 what its parser stumbles over, Cyrus 3.6 what has no component, DAViCal 1.1 and SOGo 5.8 what is no
#: UTF-8; those that know UIDs refuse one that another member has.
_BODIES_AT_LEAST = {"radicale": 20, "xandikos": 19, "sabredav": 20, "cyrus": 22, "davical": 21, "sogo": 22}
#: Of the names.
_NAMES_AT_LEAST = {"radicale": 26, "xandikos": 33, "sabredav": 35, "cyrus": 34, "davical": 30, "sogo": 34}
#: How many members may have the same bytes: one where the server knows UIDs. DAViCal stores twenty a second.
_COPIES = {"sabredav": 700, "davical": 30}
#: Bytes of an attachment. Radicale 3.9 needs a minute for 10 MB and refuses them then, Xandikos 0.4 twenty seconds.
_ATTACHED = {"radicale": 1_500_000, "xandikos": 2_500_000}


def taken(server: Server, calendar: str, segment: str, content: bytes) -> bool:
    return 200 <= server.request("PUT", f"{calendar}/{segment}", content, _ICALENDAR).status < 300


def test_bodies_are_stored_as_get_gives_them(each_server: Server, repository: Repository) -> None:
    make_calendar(each_server, "bodies")
    there = [name for name, body in BODIES.items() if taken(each_server, "bodies", f"{name}.ics", body)]
    outcome, _ = backup(each_server, repository)
    assert (outcome.failures, outcome.warnings) == ((), ())
    assert outcome.records == len(there) >= _BODIES_AT_LEAST[each_server.name]
    assert stored(repository) == served(each_server).events
    assert set(stored(repository)) == {f"/bodies/{name}.ics" for name in there}


def test_names_lead_to_their_own_bytes(each_server: Server, repository: Repository) -> None:
    make_calendar(each_server, "names")
    there = [
        segment
        for number, segment in enumerate(SEGMENTS)
        if taken(each_server, "names", segment, event(number).content)
    ]
    assert len(there) >= _NAMES_AT_LEAST[each_server.name]
    outcome, _ = backup(each_server, repository)
    truth = served(each_server)
    # SOGo 5.8 lists a name with a (back)slash as if it were two, and has nothing there.
    assert len(truth.not_there) == (2 if each_server.name == "sogo" else 0)
    assert outcome.failures == ()
    assert len(outcome.warnings) == len(truth.not_there)
    assert outcome.records == len(truth.events) + len(truth.not_there)
    assert stored(repository) == truth.events


def test_copies_are_stored_as_often_as_they_are_there(each_server: Server, repository: Repository) -> None:
    make_calendar(each_server, "copies")
    wanted = _COPIES.get(each_server.name, 1)
    names = [f"{number}.ics" for number in range(max(wanted, 2))]
    there = [name for name in names if taken(each_server, "copies", name, event(1).content)]
    assert len(there) == wanted
    outcome, _ = backup(each_server, repository)
    assert (outcome.records, outcome.failures) == (wanted, ())
    assert stored(repository) == served(each_server).events
    assert len(set(stored(repository).values())) == 1


def test_one_event_in_three_calendars_is_three_events(each_server: Server, repository: Repository) -> None:
    calendars = ["one", "two", "three"]
    for calendar in calendars:
        make_calendar(each_server, calendar)
    there = [calendar for calendar in calendars if taken(each_server, calendar, "same.ics", event(1).content)]
    assert there == (calendars if each_server.name != "cyrus" else ["one"])  # Cyrus 3.6: one UID, one place
    backup(each_server, repository)
    assert stored(repository) == served(each_server).events
    assert set(stored(repository)) == {f"/{calendar}/same.ics" for calendar in there}


def test_an_attachment_of_megabytes_costs_its_neighbours_nothing(each_server: Server, repository: Repository) -> None:
    size = _ATTACHED.get(each_server.name, 10_000_000)
    make_calendar(each_server, "work")
    contents = [event(1).content, with_attachment(2, size), event(3).content]
    there = [number for number, each in enumerate(contents) if taken(each_server, "work", f"{number}.ics", each)]
    assert there == [0, 1, 2]
    outcome, _ = backup(each_server, repository)
    assert (outcome.records, outcome.failures) == (3, ())
    assert stored(repository) == served(each_server).events
    assert outcome.size > 0.99 * size


#: Radicale 3.9 takes 10 MB at most, and Xandikos 0.4 takes minutes for so much.
_SLOW = [pytest.param(name, marks=pytest.mark.soak) for name in ("davical", "sogo")]


@pytest.mark.parametrize("name", ["sabredav", "cyrus", *_SLOW])
def test_an_object_of_thirty_megabytes_is_stored(
    name: str, request: pytest.FixtureRequest, repository: Repository
) -> None:
    server: Server = request.getfixturevalue(name)
    make_calendar(server, "work")
    assert taken(server, "work", "large.ics", with_attachment(1, 30 * 1024 * 1024))
    outcome, _ = backup(server, repository)
    assert (outcome.records, outcome.failures) == (1, ())
    assert outcome.size > 30_000_000
    assert stored(repository) == served(server).events
