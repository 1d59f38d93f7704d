"""Posteo: sabre/dav-like, a port of its own, and a sync-token that cannot be used.

Sources: https://posteo.de/en/help/how-do-i-set-up-my-calendar-in-other-programmes (the address),
https://github.com/Foundry376/Mailspring-Sync/pull/61 (an HTTP error in place of changes),
https://github.com/alainm23/planify/pull/2398 (no sync-token where others have one).
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.events import event, events
from tests.patience.runs import Nights, served
from tests.providers.by_name import assert_quiet, back_up_from, hosts
from tests.servers.scripted import Account, Answer, ScriptedServer, scripted
from tests.servers.scripted_rules import reports, when
from tests.servers.scripted_xml import DAV

pytestmark = pytest.mark.full

URL = "https://posteo.de:8443/"
#: So many that a change log would pay.
MANY = 5_100


@pytest.fixture(params=["unusable", "absent"])
def server(request: pytest.FixtureRequest) -> Iterator[ScriptedServer]:
    account = Account(principal="/principals/alice/", home="/calendars/alice/")
    lacks = [f"{DAV}sync-token"] if request.param == "absent" else []
    account.calendar("default", events(MANY if request.param == "unusable" else 20), lacks=lacks)
    refused = Answer(status=415, body=b'<d:error xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns"/>')
    with scripted(account, when(reports("sync-collection"), refused)) as server:
        yield server


def test_changes_are_found_by_listing(nights: Nights, server: ScriptedServer) -> None:
    back_up_from(nights, server, URL)
    calendar = server.account.at("/calendars/alice/default")
    calendar.put(event(7).name, event(7, summary="moved").content)
    calendar.delete(event(8).name)
    night = back_up_from(nights, server, URL)
    assert (night.outcome.fetched, night.outcome.deleted, list(night.outcome.failures)) == (1, 1, [])
    assert nights.stored() == served(server.account)
    assert hosts(server.asked) == {"posteo.de:8443"}
    assert_quiet(nights, server, URL)
