"""Writing and removing records so that a server mails nobody and delivers nothing, or not at all.

Owns the order of requests that is silent, and what is held back where none is known. What servers do is said by
`invitations`, what an answer means by `putting`.
"""

from __future__ import annotations

from caldav_backup import dav, ics
from caldav_backup.connectors.base import Version
from caldav_backup.connectors.destination import Deletion, Held, Outcome, Refused, Scheduling, Taken, UidTaken, Written
from caldav_backup.connectors.invitations import (
    ANY_ORGANIZER,
    SILENT,
    answers_organizers,
    cancels_unasked,
    scheduling_of,
)
from caldav_backup.connectors.products import Product
from caldav_backup.connectors.putting import Putter
from caldav_backup.dav import hrefs

UNSTOPPABLE = "has guests, and nothing is known that keeps this server from mailing them"
UNMARKED = "has guests whom this server would mail"
MEETING = "what is there has guests, and this server would mail them of the change (--invites allow)"
ANSWERED = "its organizer {organizer} may be at this server, which would be sent an answer (--invites strip or allow)"
WITHOUT_GUESTS = "it stands there without its guests now"

_PUT = {**SILENT, **ANY_ORGANIZER}

#: Refusals of one record; whatever else a request fails with ends the restore.
_OF_ONE_RECORD = (dav.Refused, dav.Forbidden, dav.BadAnswer)


class SilentPutter:
    """Writes through `putter` to a server of this `product`, with its client."""

    def __init__(self, client: dav.Client, product: Product, putter: Putter) -> None:
        self._client = client
        self._product = product
        self._putter = putter
        self._scheduling = scheduling_of(product)
        self._known: dict[str, list[str] | None] = {}

    async def put(self, href: str, content: bytes, replaced: Version | None) -> Outcome:
        """Write over `replaced` while that is there, else only where nothing is."""
        if self._scheduling in (Scheduling.NONE, Scheduling.BY_HEADERS):
            return await self._putter.put(href, content, replaced, _PUT)
        if reason := await self._why_held(href, content):
            return Held(reason)
        if replaced is not None and not cancels_unasked(self._product):
            return await self._put_in_two(href, content, replaced)
        there = await self._read(href) if replaced is not None else None
        if isinstance(there, Refused):
            return there
        if there is not None and self._would_tell(there):
            return Held(MEETING)
        return await self._putter.put(href, content, replaced, _PUT)

    async def delete(self, href: str, version: Version) -> Deletion:
        """Remove `version` while that is there."""
        if self._scheduling in (Scheduling.NONE, Scheduling.BY_HEADERS):
            return await self._putter.delete(href, version, SILENT)
        there = await self._read(href)
        if isinstance(there, Refused):
            return there
        if there is None or not self._would_tell(there):
            return await self._putter.delete(href, version, SILENT)
        if cancels_unasked(self._product):
            return Held(MEETING)
        # Killed between the two requests, the next run removes what the first one left.
        match await self._putter.put(href, ics.without_guests(there), version, _PUT):
            case Written(stripped):
                deletion = await self._putter.delete(href, stripped, SILENT)
                return Refused(f"{deletion.reason}; {WITHOUT_GUESTS}") if isinstance(deletion, Refused) else deletion
            case UidTaken(reason):
                return Taken(reason)
            case outcome:
                return outcome

    async def _why_held(self, href: str, content: bytes) -> str:
        """Why this record must not be written to where nothing is; "" when it may."""
        if not ics.has_guests(content):
            return ""
        if self._scheduling is Scheduling.UNSTOPPABLE:
            return UNSTOPPABLE
        if not ics.is_client_scheduled(content):
            return UNMARKED
        if answers_organizers(self._product):
            for organizer in ics.organizers(content):
                if await self._is_somebody_else_here(href, organizer):
                    return ANSWERED.format(organizer=organizer)
        return ""

    def _would_tell(self, there: bytes) -> bool:
        """True when the server may tell guests of what stands there that it is changed or removed."""
        if self._scheduling is Scheduling.UNSTOPPABLE:
            return ics.has_guests(there)
        return not ics.is_client_scheduled(there)

    async def _put_in_two(self, href: str, content: bytes, replaced: Version) -> Outcome:
        """First without guests, so that nobody is told of being one no longer, then with them.

        That keeps their answers, too: DAViCal 1.1.12 takes all of them back (PARTSTAT=NEEDS-ACTION) when a request
        changes the time. Killed in between, the next run finds a record that differs, and replaces it like any other.
        """
        outcome = await self._putter.put(href, ics.without_guests(content), replaced, _PUT)
        if not isinstance(outcome, Written) or not ics.has_guests(content):
            return outcome
        outcome = await self._putter.put(href, content, outcome.version, _PUT)
        return Refused(f"{outcome.reason}; {WITHOUT_GUESTS}") if isinstance(outcome, Refused) else outcome

    async def _read(self, href: str) -> bytes | Refused | None:
        """What stands there; None when nothing does."""
        try:
            return (await self._client.get(href)).content
        except dav.NotFound:
            return None
        except _OF_ONE_RECORD as error:
            return Refused(f"what is there cannot be read, and may have guests: {error}")

    async def _is_somebody_else_here(self, href: str, address: str) -> bool:
        """True unless the server says that the address belongs to nobody of its own, or to the owner of `href`."""
        if address not in self._known:
            try:
                where = hrefs.resolve(href, self._product.path)
                self._known[address] = await self._client.find_principals(where, address)
            except (dav.NotFound, *_OF_ONE_RECORD):
                self._known[address] = None
        found = self._known[address]
        own = hrefs.normalise(hrefs.path_of(href))
        return found is None or not all(own.startswith(hrefs.normalise(each)) for each in found)
