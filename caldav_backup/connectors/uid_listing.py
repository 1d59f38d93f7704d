"""The UIDs of a server's calendar, without its contents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from caldav_backup import dav, ics

_EVENT = "VEVENT"


async def list_uids(client: dav.Client, calendar_url: str, components: Sequence[str] = ()) -> Mapping[str, str] | None:
    """UIDs by `Version.key`; None where the server cannot tell them.

    Fewer than there are records when it tells only some, for objects of several UIDs or none, and where it writes an
    address in another way than in its listing. `components` are the kinds that the calendar takes (none: all).
    """
    kind = _EVENT if not components or _EVENT in components else components[0]
    return await client.list_uids(calendar_url, kind, only_uid)


def only_uid(content: bytes) -> str | None:
    """The UID of an object that has one; None for more or none."""
    found = ics.uids(content)
    return found[0] if len(found) == 1 else None
