"""From an account to its calendars: its homes, and those of people who have delegated theirs to it.

Owns which homes are read, and what becomes of one that cannot be. How an address leads to an account is `discovery`'s.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from caldav_backup.dav import calendars, hrefs, names, requests
from caldav_backup.dav.errors import BadAnswer, Forbidden, NotFound, OtherHost, Refused
from caldav_backup.dav.homes import Home, read_home
from caldav_backup.dav.models import Calendar, Discovery, LeftOut, Principal
from caldav_backup.dav.places import Place, require_own_host, visit
from caldav_backup.dav.tasks import together

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from caldav_backup.dav.client import Client

#: What one home's failure may be without ending the discovery where there are others.
NO_HOME = (NotFound, Refused, BadAnswer, Forbidden, OtherHost)
#: So many people at most may have delegated their calendars to one account; more are reported as not read.
_MOST_DELEGATORS = 200


class _NoHome(NamedTuple):
    """A home that cannot be read; `is_missing` where there is none."""

    reported: LeftOut
    is_missing: bool


async def read_own(client: Client, account: Place) -> Discovery:
    """The calendars in the account's homes. Raises the error of the only home when that cannot be read."""
    return replace(await read_homes(client, account, account.homes), hint=account.url if account.is_ourselves else "")


async def read_account(client: Client, account: Place) -> Discovery:
    """The same and the calendars that others have delegated to the account."""
    others = _delegators(account)
    async with together() as group:
        own = group.create_task(read_own(client, account))
        delegated = [group.create_task(_read_delegator(client, url)) for url in others[:_MOST_DELEGATORS]]
    too_many = [_not_read(url) for url in others[_MOST_DELEGATORS:]]
    return _joined(own.result(), [*(task.result() for task in delegated), *too_many])


async def read_homes(client: Client, account: Place | None, homes: Sequence[str]) -> Discovery:
    """The calendars in these homes; one that cannot be read is reported where there are others."""
    scheduling = _scheduling(account)
    async with together() as group:
        reading = [group.create_task(_read(client, home, scheduling, is_only=len(homes) == 1)) for home in homes]
    outcomes = [task.result() for task in reading]
    read = [outcome for outcome in outcomes if isinstance(outcome, Home)]
    failed = [outcome for outcome in outcomes if isinstance(outcome, _NoHome)]
    return Discovery(
        principal_of(account),
        tuple(homes),
        _each_once(calendar for home in read for calendar in home.calendars),
        # Nothing can lie in a home that is not there; in any other there may be calendars.
        (*(each for home in read for each in home.left_out), *(each.reported for each in failed if each.is_missing)),
        (
            *(each.reported for each in failed if not each.is_missing),
            *(each for home in read for each in home.unreadable),
        ),
    )


async def _read(client: Client, home: str, scheduling: frozenset[str], *, is_only: bool) -> Home | _NoHome:
    try:
        require_own_host(client, home)
        return await read_home(client, home, requests.MEMBERS, scheduling)
    except NO_HOME as error:
        if is_only:
            raise
        return _NoHome(LeftOut(hrefs.path_of(home), "calendar home", str(error)), isinstance(error, NotFound))


def _delegators(account: Place) -> list[str]:
    """Principals that have delegated their calendars to the account.

    Apple's caldav-proxy.txt, section 5.3; sabre/dav 1.8 and DAViCal 1.1 fill it. Of Nextcloud, SOGo and Cyrus shared
    calendars lie in the own home instead, or at an address that has to be given.
    """
    targets = [*account.targets(names.CALENDAR_PROXY_WRITE_FOR), *account.targets(names.CALENDAR_PROXY_READ_FOR)]
    urls = {hrefs.normalise(hrefs.path_of(url)).rstrip("/"): url for url in reversed(targets)}
    ourselves = {hrefs.normalise(hrefs.path_of(url)).rstrip("/") for url in (account.url, account.principal_url) if url}
    return [url for path, url in sorted(urls.items()) if path not in ourselves]


async def _read_delegator(client: Client, url: str) -> Discovery:
    """The calendars of somebody else. Where the right to see them is missing, there is nothing to back up."""
    try:
        delegator = await visit(client, url)
        found = await read_homes(client, delegator, delegator.homes)
    except NO_HOME as error:
        reported = (LeftOut(hrefs.path_of(url), "delegated calendars", str(error)),)
        may_be_read = not isinstance(error, (NotFound, Forbidden, OtherHost))
        return Discovery(None, (), (), () if may_be_read else reported, reported if may_be_read else ())
    return replace(found, calendars=tuple(_owned_by(calendar, url) for calendar in found.calendars))


def _not_read(url: str) -> Discovery:
    reason = (
        f"more than {_MOST_DELEGATORS} people have delegated their calendars; make this address a source of its own"
    )
    return Discovery(None, (), (), (), (LeftOut(hrefs.path_of(url), "delegated calendars", reason),))


def _owned_by(calendar: Calendar, url: str) -> Calendar:
    return calendar if calendar.owner else replace(calendar, owner=hrefs.path_of(url))


def _joined(own: Discovery, others: Iterable[Discovery]) -> Discovery:
    every = [own, *others]
    return Discovery(
        own.principal,
        tuple(dict.fromkeys(home for each in every for home in each.homes)),
        _each_once(calendar for each in every for calendar in each.calendars),
        tuple(left_out for each in every for left_out in each.left_out),
        tuple(unreadable for each in every for unreadable in each.unreadable),
        own.hint,
    )


def _each_once(found: Iterable[Calendar]) -> tuple[Calendar, ...]:
    return tuple({hrefs.origin_of(each.url) + hrefs.normalise(each.href): each for each in found}.values())


def _scheduling(account: Place | None) -> frozenset[str]:
    """The paths of the inbox and the outbox: DAViCal 1.1 calls them mere calendars where it lists them."""
    if account is None:
        return frozenset()
    boxes = [*account.targets(names.SCHEDULE_INBOX_URL), *account.targets(names.SCHEDULE_OUTBOX_URL)]
    return frozenset(hrefs.normalise(hrefs.path_of(url)).rstrip("/") for url in boxes)


def principal_of(account: Place | None) -> Principal | None:
    """The principal that the account is, else the one that it names."""
    if account is None:
        return None
    if not account.is_principal:
        # DAViCal 1.1 tells the calendar homes at its root too.
        url = account.principal_url
        return Principal(hrefs.path_of(url), url) if url is not None else None
    return Principal(
        hrefs.path_of(account.url),
        account.url,
        account.response.text(names.DISPLAYNAME) or None,
        tuple(calendars.all_hrefs(account.response, names.CALENDAR_USER_ADDRESS_SET)),
    )
