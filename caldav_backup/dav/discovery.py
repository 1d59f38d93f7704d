"""From an address to an account or a calendar (RFC 4791 §6.2, RFC 5397, RFC 6764 §6).

Owns the way: the given URL, the well-known one, the server's root, usual addresses, and what the DNS says of a domain;
or none of that, where an earlier discovery left a hint. What lies in an account is read by `accounts`.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from caldav_backup.dav import calendars, hrefs, providers, requests, service
from caldav_backup.dav.accounts import NO_HOME, principal_of, read_account, read_homes, read_own
from caldav_backup.dav.errors import (
    AnswerCut,
    BadAnswer,
    DavError,
    Forbidden,
    NotCalDAV,
    NotFound,
    OtherHost,
    Refused,
    ServerUnreachable,
    TooManyRequests,
    Unauthorized,
    Unavailable,
)
from caldav_backup.dav.homes import read_home
from caldav_backup.dav.models import Discovery
from caldav_backup.dav.places import Place, visit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

    from caldav_backup.dav.client import Client

    #: What reads the account that was found.
    _Read = Callable[[Client, Place], Awaitable[Discovery]]

#: Where servers have their root when nothing leads there: SOGo, Nextcloud and ownCloud, Baikal, DAViCal, others. The
#: well-known address is what people forget most often when they set up a web server before one of these. SOGo 5.8 takes
#: any first segment for its own name, so it comes first.
_USUAL = ("/SOGo/dav/", "/remote.php/dav/", "/dav.php/", "/caldav.php/", "/dav/", "/caldav/")
#: What of the reasons why there is no CalDAV goes into one line: how many, and how many characters of each.
_MOST_REASONS = 4
_LONGEST_REASON = 150
#: What the given address may answer without ending the search; of the others, which are guesses, even silence.
_NOT_HERE = (NotFound, Refused, BadAnswer)
_NO_GUESS = (*_NOT_HERE, Forbidden, ServerUnreachable, Unavailable)
#: Statuses of a server that fails (RFC 9110 §15.6): when nothing else is found, that is what is wrong.
_BROKEN = 500
#: What makes a hint worthless at once; any other failure is worth a look at whether it was the hint's.
_NO_HINT = (NotFound, Refused, BadAnswer, Forbidden)
_NO_HINT_ELSEWHERE = (Unauthorized, ServerUnreachable, Unavailable, TooManyRequests)


async def discover(
    client: Client,
    url: str | None = None,
    *,
    hint: str = "",
    resolver: service.Resolver | None = None,
    of_others: bool = True,
) -> Discovery:
    """The calendars behind `url` (default: the transport's), which may be a calendar, a home, a principal or a server.

    `hint` is what an earlier discovery from the same `url` left in `Discovery.hint`: while it still leads to the
    account that we are, the search for it is left out. With `resolver`, a bare domain without CalDAV of its own leads
    to the server that its DNS names; the transport's base URL is that server's then. `of_others` takes calendars too
    that other people have delegated to the account.

    Raises Unauthorized, Forbidden or NotFound when the given address says so, AnswerCut when it breaks off in spite of
    all retries, and NotCalDAV, with what was tried, when nothing there speaks CalDAV.
    """
    url = url or client.transport.base_url
    read = read_account if of_others else read_own
    _require_caldav(url)
    with _explained(url):
        found = await _by_hint(client, url, hint, read, may_lie_inside=resolver is not None) if hint else None
        return found or await _by_search(client, url, resolver, read)


def _require_caldav(url: str) -> None:
    """A password is not carried to a provider that is known to have no use for it."""
    provider = providers.find_provider(url)
    if provider is not None and not provider.server:
        raise NotCalDAV(f"{provider.name} has no CalDAV; {provider.login}")


@contextmanager
def _explained(url: str) -> Iterator[None]:
    """A refusal of a provider whose ways are known says what to do about it."""
    try:
        yield
    except Unauthorized as error:
        if not isinstance(error, OtherHost):
            error.add_hint(providers.login_hint(url, error.href))
        raise
    except (Forbidden, NotCalDAV, NotFound) as error:
        error.add_hint(providers.address_hint(url))
        raise


async def _by_hint(client: Client, url: str, hint: str, read: _Read, *, may_lie_inside: bool) -> Discovery | None:
    """What lies behind the principal that was found before; None in any doubt about it.

    A refused login is no doubt at the same host: asking again would only help to lock the account. Inside a bare domain
    lies what its DNS named before (`service`).
    """
    before = client.transport.base_url
    if may_lie_inside and service.is_inside(hint, service.domain_of(url)):
        client.transport.move_to(hrefs.origin_of(hint) + "/")
    try:
        place = await visit(client, hint)
    except (*_NO_HINT, *_NO_HINT_ELSEWHERE) as error:
        if isinstance(error, _NO_HINT_ELSEWHERE) and hrefs.origin_of(hint) == hrefs.origin_of(url):
            raise
    else:
        if place.is_ourselves and place.homes:
            return await read(client, place)
    client.transport.move_to(before)
    return None


async def _by_search(client: Client, url: str, resolver: service.Resolver | None, read: _Read) -> Discovery:
    try:
        return await _search(client, url, _candidates(url), read)
    except (NotCalDAV, ServerUnreachable) as error:
        domain = service.domain_of(url)
        if resolver is None or not domain:
            raise
        return await _by_name(client, domain, resolver, error, read)


async def _by_name(client: Client, domain: str, resolver: service.Resolver, first: DavError, read: _Read) -> Discovery:
    """The way over the DNS; `first` is why there is no other.

    Of a host that is merely away tonight nothing is said about the DNS.
    """
    is_no_host = isinstance(first, NotCalDAV) or service.is_unknown_name(first)
    try:
        servers = await service.find_servers(resolver, domain)
    except ServerUnreachable as error:
        first.add_hint(error.reason if is_no_host else "")
        raise first from error
    if not servers:
        first.add_hint("its DNS names no CalDAV server" if is_no_host else "")
        raise first
    failures: list[DavError] = []
    for url in servers:
        root = hrefs.origin_of(url) + "/"
        client.transport.move_to(root)
        try:
            return await _search(client, root, list(dict.fromkeys((url, *_candidates(root)))), read)
        except (NotCalDAV, ServerUnreachable) as error:
            failures.append(error)
    raise failures[-1]


async def _search(client: Client, url: str, candidates: Sequence[str], read: _Read) -> Discovery:
    """What the first of these addresses leads to that leads anywhere; `url` is the one that was given."""
    tried: dict[str, list[str]] = {}
    refusal: DavError | None = None
    for candidate in candidates:
        try:
            place = await visit(client, candidate)
        except _acceptable(url, candidate) as error:
            if candidate == url:
                _require_other_places(url, error)
                refusal = error if isinstance(error, Forbidden) or (error.status or 0) >= _BROKEN else None
            tried.setdefault(error.reason, []).append(hrefs.path_of(candidate))
            continue
        found = await _follow(client, place, read, is_given=candidate == url)
        if found is not None:
            return found
        tried.setdefault("names neither a principal nor calendars", []).append(hrefs.path_of(place.url))
    if refusal is not None:
        raise refusal
    raise NotCalDAV(f"no CalDAV at {hrefs.origin_of(url)} ({_summary(tried)})")


def _summary(tried: Mapping[str, Sequence[str]]) -> str:
    """Every reason once, after the paths that gave it; of many reasons the first ones, and of long ones the beginning.

    A slow server gives each address a reason with figures of its own.
    """
    told = [f"{', '.join(dict.fromkeys(paths))}: {_beginning(reason)}" for reason, paths in tried.items()]
    further = len(told) - _MOST_REASONS
    return "; ".join(told[:_MOST_REASONS] + ([f"and {further} more reasons elsewhere"] if further > 0 else []))


def _beginning(reason: str) -> str:
    return reason if len(reason) <= _LONGEST_REASON else f"{reason[: _LONGEST_REASON - 1]}…"


def _candidates(url: str) -> list[str]:
    origin = hrefs.origin_of(url)
    usual = [] if hrefs.segments(url) else [origin + path for path in _USUAL]
    return list(dict.fromkeys((url, origin + hrefs.WELL_KNOWN, origin + "/", *usual)))


def _acceptable(url: str, candidate: str) -> tuple[type[DavError], ...]:
    if candidate != url:
        return _NO_GUESS
    # Web servers that know nothing of WebDAV forbid it at their root.
    return _NOT_HERE if hrefs.segments(url) else (*_NOT_HERE, Forbidden)


def _require_other_places(url: str, error: DavError) -> None:
    """A calendar that is gone must not turn into all the other calendars of the account, which nobody asked for."""
    if isinstance(error, AnswerCut):
        # A server that breaks off is ill, and no sign that its calendars lie elsewhere.
        raise error
    if isinstance(error, NotFound) and hrefs.segments(url):
        reason = f"{error.reason}; the server's address alone leads to all its calendars"
        raise NotFound(reason, method=error.method, href=error.href, status=error.status) from error


async def _follow(client: Client, place: Place, read: _Read, *, is_given: bool) -> Discovery | None:
    """What the place leads to; None when it leads nowhere. One that a person gave may be meant itself."""
    if place.is_calendar:
        return await _one_calendar(client, place)
    account = await _find_account(client, place)
    homes = account.homes if account is not None else []
    known = [*homes, *([account.url] if account is not None else [])]
    if is_given and not any(_leads_to(place.url, target) for target in known):
        here = await _search_here(client, account, place)
        if here is not None:
            return here
        _require_not_inside(place, homes)
    if account is None or not homes:
        return None
    if is_given and any(hrefs.same_resource(place.url, home) for home in homes) and place.url != account.url:
        return await read_homes(client, account, [place.url])
    return await read(client, account)


async def _find_account(client: Client, place: Place) -> Place | None:
    """The place itself when it has calendar homes, else the principal that it names."""
    if place.homes:
        return place
    return await visit(client, place.principal_url) if place.principal_url is not None else None


def _leads_to(url: str, target: str) -> bool:
    """True when `url` is `target` or lies above it."""
    upper, lower = (hrefs.normalise(hrefs.path_of(each)).rstrip("/") + "/" for each in (url, target))
    return lower.startswith(upper)


async def _one_calendar(client: Client, place: Place) -> Discovery:
    found = await read_home(client, place.url, requests.ITSELF, frozenset())
    if not found.calendars:
        reasons = ", ".join(each.reason for each in found.left_out)
        raise NotCalDAV(f"nothing to read at {hrefs.path_of(place.url)}: it is {reasons or 'no calendar'}")
    return Discovery(principal_of(place), (), tuple(found.calendars), ())


async def _search_here(client: Client, account: Place | None, place: Place) -> Discovery | None:
    """The place as a home that the principal does not name, such as somebody's who shares it; None when it is none."""
    try:
        found = await read_homes(client, account, [place.url])
    except NO_HOME:
        return None
    return found if found.calendars else None


def _require_not_inside(place: Place, homes: Sequence[str]) -> None:
    """An inbox or a subfolder must not turn into all calendars either."""
    if any(_leads_to(home, place.url) for home in homes):
        reason = calendars.why_left_out(place.response) or "no calendar"
        raise NotCalDAV(f"nothing to read at {hrefs.path_of(place.url)}: it is {reason}")
