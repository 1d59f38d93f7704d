"""Which server it is: told by the six that run here, and by what others are known to send."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import httpx
import pytest

from caldav_backup import dav
from caldav_backup.connectors.products import Product, recognise
from tests.servers.server import Server

#: What Nextcloud's calendar app meets: https://github.com/nextcloud/cdav-library
NEXTCLOUD = (
    "1, 3, extended-mkcol, access-control, calendarserver-principal-property-search, oc-resource-sharing, "
    "calendar-access, calendar-proxy, calendar-auto-schedule, calendar-availability, nc-calendar-trashbin, "
    "nc-calendar-webcal-cache, calendarserver-subscribed, oc-calendar-publishing, calendarserver-sharing, "
    "addressbook, nextcloud-checksum-update, nc-calendar-search, nc-enable-birthday-calendar"
)
#: https://github.com/nextcloud/server/issues/37374: its older ones at the root.
NEXTCLOUD_ROOT = "1, 3, extended-mkcol, access-control, nextcloud-checksum-update, nc-calendar-search"
#: The last word is what the app Tasks.org knows ownCloud by.
OWNCLOUD = "1, 3, extended-mkcol, access-control, calendar-access, calendar-auto-schedule, oc-resource-sharing"
#: The words of Apple's server, as other servers quote them; SOGo has some of them.
APPLE = (
    "1, access-control, calendar-access, calendar-schedule, calendar-auto-schedule, calendar-availability, "
    "inbox-availability, calendar-proxy, calendarserver-private-events, calendarserver-sharing, calendar-query-extended"
)
RADICALE = "1, 2, 3, calendar-access, addressbook, extended-mkcol"


def recognised(url: str, headers: Mapping[str, str] = {}, status: int = 200) -> Product:
    network = httpx.MockTransport(lambda _: httpx.Response(status, headers=headers))
    retries = dav.Retries(attempts=1)

    async def story() -> Product:
        async with dav.Client(dav.Transport(url, network=network, retries=retries)) as client:
            return await recognise(client, url)

    return asyncio.run(story())


def test_each_server_is_known_by_what_it_says_of_itself(each_server: Server) -> None:
    login = dav.BasicAuthentication(each_server.user, each_server.password) if each_server.user else None

    async def story() -> Product:
        async with dav.Client(dav.Transport(each_server.url, login)) as client:
            return await recognise(client, each_server.home)

    product = asyncio.run(story())
    assert product.name == each_server.name
    assert product.host == "127.0.0.1"
    assert each_server.home.endswith(product.path)
    assert product.heeds_preconditions is (each_server.name != "sogo")
    assert product.has_account_wide_uids is (each_server.name == "cyrus")
    assert product.rewrites is (each_server.name not in {"sabredav", "davical"})
    assert product.ways.source.endswith("measured")


@pytest.mark.parametrize(
    ("url", "headers", "name"),
    [
        ("https://cloud.example/remote.php/dav/calendars/a/", {"DAV": NEXTCLOUD}, "nextcloud"),
        ("https://cloud.example/remote.php/dav/", {"DAV": NEXTCLOUD_ROOT}, "nextcloud"),
        ("https://cloud.example/remote.php/dav/", {"DAV": NEXTCLOUD_ROOT, "X-Sabre-Version": "4.1"}, "nextcloud"),
        ("https://cloud.example/sub/remote.php/dav/", {}, "nextcloud"),
        ("https://cloud.example/remote.php/dav/", {"DAV": OWNCLOUD}, "owncloud"),
        ("https://host.example/dav.php/calendars/a/", {"X-Sabre-Version": "4.4.0"}, "sabredav"),
        ("https://host.example/baikal/html/dav.php/calendars/a/", {}, "sabredav"),
        ("https://host.example/a/", {"X-DAViCal-Version": "DAViCal/1.1.12; DB/1.3.5"}, "davical"),
        ("https://host.example/dav/calendars/user/a/", {"Server": "Cyrus-HTTP/3.8.0"}, "cyrus"),
        ("https://host.example/SOGo/dav/a/Calendar/", {"DAV": "1,2"}, "sogo"),
        ("https://host.example/dav/", {"Server": "SOPE 4.9.37/WebDAV"}, "sogo"),
        ("https://host.example/radicale/a/", {"DAV": RADICALE, "Server": "nginx"}, "radicale"),
        ("https://host.example/users/a@b.example/calendar/", {"Server": "DavMail Gateway 6.2.2"}, "davmail"),
        ("https://dav.mailbox.org/caldav/", {}, "open-xchange"),
        ("https://ox.example/caldav/", {"Server": "Openexchange WebDAV"}, "open-xchange"),
        ("https://mail.example/dav/a@mail.example/", {}, "zimbra"),
        ("https://caldav.calendar.yahoo.com/dav/a@yahoo.com/Calendar/", {}, "yahoo"),
        ("https://caldav.fastmail.com/dav/calendars/user/a/", {"Server": "nginx"}, "fastmail"),
        ("https://p42-caldav.icloud.com:443/1/calendars/", {"DAV": APPLE}, "icloud"),
        ("https://apidata.googleusercontent.com/caldav/v2/a/user", {}, "google"),
        ("https://www.google.com/calendar/dav/a/", {}, "google"),
        ("https://host.example/caldav/", {"DAV": APPLE}, ""),
        ("https://host.example/caldav/", {"DAV": "1, calendar-access"}, ""),
        ("https://noticloud.com/", {}, ""),
        ("https://icloud.com.example/", {}, ""),
    ],
)
def test_others_are_known_by_header_host_or_path(url: str, headers: Mapping[str, str], name: str) -> None:
    assert recognised(url, headers).name == name


def test_nothing_is_expected_of_a_server_that_nobody_knows() -> None:
    product = recognised("https://host.example/caldav/")
    assert (product.heeds_preconditions, product.has_account_wide_uids, product.rewrites) == (True, False, True)


def test_headers_go_before_paths() -> None:
    assert recognised("https://host.example/SOGo/dav/", {"X-Sabre-Version": "4.4.0"}).name == "sabredav"


@pytest.mark.parametrize("status", [403, 404, 405, 501])
def test_a_server_that_knows_no_options_tells_nothing(status: int) -> None:
    product = recognised("https://host.example/a/", status=status)
    assert product == Product("host.example", "/a/", None, "")


def test_compliance_classes_are_words_in_small_letters() -> None:
    assert recognised("https://host.example/", {"DAV": "1,  Calendar-Access ,,"}).features == frozenset(
        {"1", "calendar-access"}
    )
