"""From an address to calendars (RFC 4791 §6.2, RFC 5397, RFC 6764 §6).

Owns the way: the given URL, the well-known one, the server's root; then principal, home sets, calendars. What lies in a
home is read by `homes`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from caldav_backup.dav import calendars, hrefs, names, requests
from caldav_backup.dav.errors import (
    AnswerCut,
    BadAnswer,
    DavError,
    Forbidden,
    NotCalDAV,
    NotFound,
    Refused,
    ServerUnreachable,
    Unauthorized,
    Unavailable,
)
from caldav_backup.dav.homes import Home, read_home
from caldav_backup.dav.models import Discovery, LeftOut, Principal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from caldav_backup.dav.client import Client
    from caldav_backup.dav.multistatus import Response

WELL_KNOWN = "/.well-known/caldav"

#: Asked of places that are not yet known to be calendars; nothing else, since asking the wrong place hurts: Cyrus 3.6
#: ends the connection for `schedule-calendar-transp` above the homes, DAViCal 1.1 fails for `sync-token` at its root.
_PRINCIPAL = (
    names.RESOURCETYPE,
    names.DISPLAYNAME,
    names.CURRENT_USER_PRINCIPAL,
    names.CALENDAR_HOME_SET,
    names.CALENDAR_USER_ADDRESS_SET,
    names.SCHEDULE_INBOX_URL,
    names.SCHEDULE_OUTBOX_URL,
)
#: What the given address may answer without ending the search; of the others, which are guesses, even silence.
_NOT_HERE = (NotFound, Refused, BadAnswer)
_NO_GUESS = (*_NOT_HERE, Forbidden, ServerUnreachable, Unavailable)
_NO_HOME = (NotFound, Refused, BadAnswer, Forbidden)


class _Place(NamedTuple):
    """A resource that answered: its URL after redirections, and what it says of itself."""

    url: str
    response: Response

    def targets(self, name: str) -> list[str]:
        """The URLs in a property of hrefs."""
        return [hrefs.resolve(self.url, href) for href in calendars.all_hrefs(self.response, name)]


async def discover(client: Client, url: str | None = None) -> Discovery:
    """The calendars behind `url` (default: the transport's), which may be a calendar, a home, a principal or a server.

    Raises Unauthorized, Forbidden or NotFound when the given address says so, AnswerCut when it breaks off in spite of
    all retries, and NotCalDAV, with what was tried, when nothing there speaks CalDAV.
    """
    url = url or client.transport.base_url
    tried: list[str] = []
    for candidate in _candidates(url):
        acceptable = _NOT_HERE if candidate == url else _NO_GUESS
        try:
            place = _Place(*await client.describe(candidate, _PRINCIPAL))
        except acceptable as error:
            if isinstance(error, AnswerCut) and candidate == url:
                # A server that breaks off is ill, and no sign that its calendars lie elsewhere.
                raise
            _require_other_places(url, candidate, error)
            tried.append(f"{hrefs.path_of(candidate)}: {error.reason}")
            continue
        _require_login(place)
        found = await _follow(client, place, is_given=candidate == url)
        if found is not None:
            return found
        tried.append(f"{hrefs.path_of(place.url)}: names neither a principal nor calendars")
    raise NotCalDAV(f"no CalDAV at {hrefs.origin_of(url)} ({'; '.join(tried)})")


def _candidates(url: str) -> list[str]:
    origin = hrefs.origin_of(url)
    return list(dict.fromkeys((url, origin + WELL_KNOWN, origin + "/")))


def _require_other_places(url: str, candidate: str, error: DavError) -> None:
    """A calendar that is gone must not turn into all the other calendars of the account, which nobody asked for."""
    if isinstance(error, NotFound) and candidate == url and hrefs.segments(url):
        reason = f"{error.reason}; the server's address alone leads to all its calendars"
        raise NotFound(reason, method=error.method, href=error.href, status=error.status) from error


def _require_login(place: _Place) -> None:
    """Cyrus 3.6 answers strangers with 207 and `DAV:unauthenticated` in the place of a principal (RFC 5397 §3)."""
    principal = place.response.found.get(names.CURRENT_USER_PRINCIPAL)
    if principal is not None and principal.find(names.UNAUTHENTICATED) is not None:
        reason = "the server takes us for a stranger; give a user name and a password"
        raise Unauthorized(reason, method="PROPFIND", href=hrefs.path_of(place.url))


async def _follow(client: Client, place: _Place, *, is_given: bool) -> Discovery | None:
    """What the place leads to; None when it leads nowhere. One that a person gave may be meant itself."""
    if names.CALENDAR in calendars.kinds(place.response):
        return await _one_calendar(client, place)
    account = await _find_account(client, place)
    homes = account.targets(names.CALENDAR_HOME_SET) if account is not None else []
    known = [*homes, *([account.url] if account is not None else [])]
    if is_given and not any(_leads_to(place.url, target) for target in known):
        here = await _search_here(client, account, place)
        if here is not None:
            return here
        _require_not_inside(place, homes)
    return await _search(client, account, homes) if homes else None


async def _find_account(client: Client, place: _Place) -> _Place | None:
    """The place itself when it has calendar homes, else the principal that it names."""
    if place.targets(names.CALENDAR_HOME_SET):
        return place
    target = next(iter(place.targets(names.CURRENT_USER_PRINCIPAL)), None)
    return _Place(*await client.describe(target, _PRINCIPAL)) if target is not None else None


def _leads_to(url: str, target: str) -> bool:
    """True when `url` is `target` or lies above it."""
    upper, lower = (hrefs.normalise(hrefs.path_of(each)).rstrip("/") + "/" for each in (url, target))
    return lower.startswith(upper)


async def _one_calendar(client: Client, place: _Place) -> Discovery:
    found = await read_home(client, place.url, requests.ITSELF, frozenset())
    if not found.calendars:
        reasons = ", ".join(each.reason for each in found.left_out)
        raise NotCalDAV(f"nothing to read at {hrefs.path_of(place.url)}: it is {reasons or 'no calendar'}")
    return Discovery(_named_principal(place), (), tuple(found.calendars), ())


async def _search_here(client: Client, account: _Place | None, place: _Place) -> Discovery | None:
    """The place as a home that the principal does not name, such as somebody's who shares it; None when it is none."""
    try:
        found = await _search(client, account, [place.url])
    except _NO_HOME:
        return None
    return found if found.calendars else None


def _require_not_inside(place: _Place, homes: Sequence[str]) -> None:
    """An inbox or a subfolder must not turn into all calendars either."""
    if any(_leads_to(home, place.url) for home in homes):
        reason = calendars.why_left_out(place.response) or "no calendar"
        raise NotCalDAV(f"nothing to read at {hrefs.path_of(place.url)}: it is {reason}")


async def _search(client: Client, account: _Place | None, homes: Sequence[str]) -> Discovery:
    """All calendars of these homes; one that cannot be read is reported where there are others."""
    scheduling = _scheduling(account)
    whole = Home([], [])
    unreadable: list[LeftOut] = []
    for home in homes:
        try:
            found = await read_home(client, home, requests.MEMBERS, scheduling)
        except _NO_HOME as error:
            if len(homes) == 1:
                raise
            # Nothing can lie in a home that is not there; in any other there may be calendars.
            reported = whole.left_out if isinstance(error, NotFound) else unreadable
            reported.append(LeftOut(hrefs.path_of(home), "calendar home", str(error)))
            continue
        whole.calendars.extend(found.calendars)
        whole.left_out.extend(found.left_out)
    calendars_by_url = {hrefs.origin_of(each.url) + hrefs.normalise(each.href): each for each in whole.calendars}
    found_calendars = tuple(calendars_by_url.values())
    return Discovery(_principal(account), tuple(homes), found_calendars, tuple(whole.left_out), tuple(unreadable))


def _scheduling(account: _Place | None) -> frozenset[str]:
    if account is None:
        return frozenset()
    boxes = [*account.targets(names.SCHEDULE_INBOX_URL), *account.targets(names.SCHEDULE_OUTBOX_URL)]
    return frozenset(hrefs.normalise(hrefs.path_of(url)).rstrip("/") for url in boxes)


def _principal(account: _Place | None) -> Principal | None:
    if account is None:
        return None
    if names.PRINCIPAL not in calendars.kinds(account.response):
        return _named_principal(account)  # DAViCal 1.1 tells the calendar homes at its root too
    return Principal(
        hrefs.path_of(account.url),
        account.url,
        account.response.text(names.DISPLAYNAME) or None,
        tuple(calendars.all_hrefs(account.response, names.CALENDAR_USER_ADDRESS_SET)),
    )


def _named_principal(place: _Place) -> Principal | None:
    target = next(iter(place.targets(names.CURRENT_USER_PRINCIPAL)), None)
    return Principal(hrefs.path_of(target), target) if target is not None else None
