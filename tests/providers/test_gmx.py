"""GMX and web.de, which run Cosmo: 500 where others say 404, and no change log.

Sources: https://github.com/mam-dev/cosmo/issues/101 (500 at `/` and at `/begenda/dav/users` with an app password),
https://github.com/jobisoft/DAV-4-TbSync/issues/265 (404 with a page), https://github.com/python-caldav/caldav/issues/309
(500 for a report that does not ask for getetag), https://github.com/Foundry376/Mailspring-Sync/pull/61 (no sync-token).
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from caldav_backup.dav import DavError
from tests.events import event, events
from tests.patience.runs import Nights, served
from tests.providers.by_name import assert_quiet, back_up_from
from tests.servers.scripted import Account, Answer, Asked, ScriptedServer, scripted
from tests.servers.scripted_xml import CALENDARSERVER, DAV, read_asking

pytestmark = pytest.mark.full

HOME = "/begenda/dav/alice@gmx.net/"
URL = f"https://caldav.gmx.net{HOME}"
FAILED = Answer(
    status=500,
    body=b"<?xml version='1.0' encoding='UTF-8'?><D:error xmlns:cosmo=\"http://osafoundation.org/cosmo/DAV\" "
    b'xmlns:D="DAV:"><cosmo:internal-server-error/></D:error>',
)
CTAG = f"{CALENDARSERVER}getctag"


def as_gmx(asked: Asked) -> Answer | None:
    if not asked.path.startswith(HOME):
        return FAILED
    if asked.method == "REPORT" and f"{DAV}getetag" not in read_asking(asked.body).names:
        return FAILED
    return FAILED if asked.is_report("sync-collection") else None


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    account = Account(user="alice@gmx.net", root=HOME, principal=f"{HOME}principal/", home=HOME)
    account.calendar("calendar", events(12), lacks=[f"{DAV}sync-token"])
    with scripted(account, as_gmx) as server:
        yield server


def test_the_whole_address_leads_to_the_calendars(nights: Nights, server: ScriptedServer) -> None:
    night = back_up_from(nights, server, URL)
    assert list(night.outcome.failures) == [] and nights.stored() == served(server.account)
    assert_quiet(nights, server, URL)


def test_a_change_is_seen_without_a_change_log(nights: Nights, server: ScriptedServer) -> None:
    back_up_from(nights, server, URL)
    calendar = server.account.at(f"{HOME}calendar")
    calendar.put(event(3).name, event(3, summary="moved").content)
    calendar.delete(event(4).name)
    night = back_up_from(nights, server, URL)
    assert (night.outcome.fetched, night.outcome.deleted) == (1, 1)
    assert nights.stored() == served(server.account)
    assert CTAG in calendar.known_properties()


def test_a_bare_address_that_fails_is_said_in_one_line(nights: Nights, server: ScriptedServer) -> None:
    with pytest.raises(DavError, match="500") as raised:
        back_up_from(nights, server, "https://caldav.gmx.net/")
    assert "\n" not in str(raised.value) and nights.snapshots == 0
