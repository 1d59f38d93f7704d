"""What changed in a calendar since a sync-token (RFC 6578).

Owns when such an answer is not to be relied on: it is a shorter way to what a listing says, and whoever is in doubt
lists. What six servers make of the report is told in docs/design/reading.md.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, NamedTuple

from caldav_backup.dav import hrefs, requests
from caldav_backup.dav.errors import BadAnswer, Forbidden, NotFound, PreconditionFailed, Refused, TokenRefused
from caldav_backup.dav.listing import GONE, PROPERTIES, is_calendar_object, version
from caldav_backup.dav.models import Changes, Version
from caldav_backup.dav.multistatus import Parser
from caldav_backup.dav.responses import iter_responses, require_success

if TYPE_CHECKING:
    from caldav_backup.dav.answer import Answer
    from caldav_backup.dav.client import Client
    from caldav_backup.dav.multistatus import Response

#: Answers that one question may take; each must bring something new.
_MOST_PAGES = 1000
#: Any refusal sends us to a listing, whatever it names: 403 or 412 for the token, 403, 405 or 501 for the report, 507
#: for too much. Those that concern the account or the way to the server stay what they are.
_REFUSALS = (Forbidden, NotFound, PreconditionFailed, Refused, BadAnswer)


class _Page(NamedTuple):
    """One answer; `changed` and `removed` are by normalised path."""

    changed: dict[str, Version]
    removed: dict[str, str]
    token: str
    date: str
    is_cut: bool


async def sync(client: Client, url: str, token: str) -> Changes:
    """What changed among the members of the calendar at `url` since `token`. Raises TokenRefused."""
    changed: dict[str, Version] = {}
    removed: dict[str, str] = {}
    date: str | None = None
    tokens = {token}
    for _ in range(_MOST_PAGES):
        page = await _ask(client, url, token)
        date = page.date if date is None else date
        _take(page, changed, removed)
        token = page.token
        if not page.is_cut:
            return Changes(list(changed.values()), list(removed.values()), token, date)
        if token in tokens or not (page.changed or page.removed):
            raise _refused(url, "the server cuts its answer and does not go on")
        tokens.add(token)
    raise _refused(url, f"the answer has more than {_MOST_PAGES} parts")


def _take(page: _Page, changed: dict[str, Version], removed: dict[str, str]) -> None:
    """What a later answer says of a member counts; of two things in one answer, that it is there: a GET will tell."""
    for key, path in page.removed.items():
        if key not in page.changed:
            changed.pop(key, None)
            removed[key] = path
    for key, found in page.changed.items():
        removed.pop(key, None)
        changed[key] = found


async def _ask(client: Client, url: str, token: str) -> _Page:
    async def read(answer: Answer) -> _Page:
        parser = Parser(client.transport.limits)
        page = _Reader(answer.url)
        async with aclosing(iter_responses(answer, parser)) as responses:
            async for response in responses:
                page.add(response)
        if not parser.sync_token:
            # RFC 6578 §6.4 demands one, and without it there is no going on.
            raise answer.bad("the server names no token to go on from")
        date = answer.headers.get("date", "")
        return _Page(page.changed, page.removed, parser.sync_token, date, page.is_cut)

    try:
        return await client.transport.exchange(requests.sync_collection(url, token, PROPERTIES), read)
    except _REFUSALS as error:
        raise TokenRefused(
            error.reason,
            method="REPORT",
            href=hrefs.path_of(url),
            status=error.status,
            condition=error.condition,
            excerpt=error.excerpt,
        ) from error


class _Reader:
    """Takes the responses one by one."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._own = hrefs.normalise(url).rstrip("/")
        self.changed: dict[str, Version] = {}
        self.removed: dict[str, str] = {}
        self.is_cut = False

    def add(self, response: Response) -> None:
        """Raises the error of a collection whose changes cannot be told."""
        path = hrefs.member(self._url, response.href)
        key = hrefs.normalise(path)
        if key.rstrip("/") == self._own:
            # RFC 6578 §3.6: a 507 of the collection means that the list was cut; the new token brings the rest.
            self.is_cut |= response.status == 507
            require_success("REPORT", self._url, None if response.status == 507 else response)
        elif response.status == 507:
            raise BadAnswer("the server cut its answer at a member (507)", method="REPORT", href=path)
        elif response.status in GONE:
            self.removed[key] = path
        elif is_calendar_object(path, response):
            self.changed[key] = version(path, response)


def _refused(url: str, reason: str) -> TokenRefused:
    return TokenRefused(reason, method="REPORT", href=hrefs.path_of(url))
