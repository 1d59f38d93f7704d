"""From the responses of a calendar home to calendars, and to what is none.

Owns the recognition of calendars, by resource type and properties and never by path, and the reading of their
properties.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from caldav_backup.dav import hrefs, names
from caldav_backup.dav.models import Calendar, LeftOut

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from caldav_backup.dav.multistatus import Response
    from caldav_backup.dav.properties import Property

#: What one PROPFIND asks of every collection in a home.
PROPERTIES = (
    names.RESOURCETYPE,
    names.DISPLAYNAME,
    names.OWNER,
    names.CURRENT_USER_PRIVILEGE_SET,
    names.SYNC_TOKEN,
    names.GETCTAG,
    names.CALENDAR_COLOR,
    names.CALENDAR_ORDER,
    names.CALENDAR_DESCRIPTION,
    names.CALENDAR_TIMEZONE,
    names.SUPPORTED_CALENDAR_COMPONENT_SET,
    names.SCHEDULE_CALENDAR_TRANSP,
    names.SOURCE,
    names.DELETED_AT,
)

#: Namespaces whose properties are computed by the server or described by their own fields here; what of them can be set
#: again is named in _SETTABLE. Any other namespace is a client's own: its properties are kept (RFC 4918 §4.2, dead
#: properties).
_OF_SERVERS = frozenset(
    {
        "DAV:",
        "urn:ietf:params:xml:ns:caldav",
        "urn:ietf:params:xml:ns:carddav",
        "http://calendarserver.org/ns/",
        "http://apple.com/ns/ical/",
        "http://me.com/_namespaces/",
        "http://sabredav.org/ns",
        "http://nextcloud.com/ns",
        "http://nextcloud.org/ns",
        "http://owncloud.org/ns",
        "http://radicale.org/ns/",
        "http://cyrusimap.org/ns/",
        "http://davical.org/ns/",
        "http://www.xythos.com/namespaces/StorageServer",
        "urn:inverse:params:xml:ns:inverse-dav",
        "http://apache.org/dav/props/",
        "http://apache.org/dav/xmlns",
        "http://xandikos.org/ns/",
    }
)
_SETTABLE = frozenset(
    {
        "{urn:ietf:params:xml:ns:caldav}calendar-timezone-id",
        "{urn:ietf:params:xml:ns:caldav}default-alarm-vevent-date",
        "{urn:ietf:params:xml:ns:caldav}default-alarm-vevent-datetime",
        "{urn:ietf:params:xml:ns:caldav}default-alarm-vtodo-date",
        "{urn:ietf:params:xml:ns:caldav}default-alarm-vtodo-datetime",
        "{http://calendarserver.org/ns/}subscribed-strip-alarms",
        "{http://calendarserver.org/ns/}subscribed-strip-attachments",
        "{http://calendarserver.org/ns/}subscribed-strip-todos",
        "{http://apple.com/ns/ical/}refreshrate",
        "{http://owncloud.org/ns}calendar-enabled",
    }
)

#: Resource types of what lies in a home and is no calendar to read. DAViCal 1.1 and Cyrus 3.6 list them all.
_NO_CALENDARS: Mapping[str, str] = {
    names.SCHEDULE_INBOX: "an inbox for invitations",
    names.NOTIFICATION: "notifications",
    names.TRASH_BIN: "a trash bin",
    names.DELETED_CALENDAR: "a deleted calendar in the trash bin",
    names.SUBSCRIBED: "a subscription to a calendar elsewhere, whose events are not kept here",
    names.CALENDAR_PROXY_READ: "a group of people with access",
    names.CALENDAR_PROXY_WRITE: "a group of people with access",
    names.ADDRESSBOOK: "an address book",
}

#: Nextcloud makes these itself and marks them by nothing but their names: birthdays of contacts, and Deck boards.
_GENERATED = re.compile(r"contact_birthdays|app-generated--.*", re.DOTALL)


def is_further_property(name: str) -> bool:
    """True for a property that has no field in `Calendar` and that a restore could set again."""
    return name in _SETTABLE or (name not in PROPERTIES and names.namespace(name) not in _OF_SERVERS)


def is_collection(response: Response) -> bool:
    """True for what has members. SOGo 5.8 lists `NAME.ics` and `NAME.xml` twins of its calendars that have none."""
    return names.COLLECTION in kinds(response)


def kinds(response: Response) -> frozenset[str]:
    """The names in `resourcetype`."""
    value = response.found.get(names.RESOURCETYPE)
    return frozenset(child.name for child in value.children) if value is not None else frozenset()


def why_left_out(response: Response, path: str = "", scheduling: Collection[str] = ()) -> str | None:
    """Why the collection at `path` is no calendar to read; None when it is one.

    `scheduling` are the normalised paths of the account's inbox and outbox, without final slashes.
    """
    found = kinds(response)
    if response.text(names.DELETED_AT):
        return _NO_CALENDARS[names.DELETED_CALENDAR]
    reason = next((reason for kind, reason in _NO_CALENDARS.items() if kind in found), None)
    if reason is not None:
        return reason
    # SOGo 5.8 makes the personal calendar the outbox and says both; DAViCal 1.1 calls its `.out` a mere calendar.
    if names.SCHEDULE_OUTBOX in found:
        return None if names.CALENDAR in found else "an outbox for invitations"
    if path and hrefs.normalise(path).rstrip("/") in scheduling:
        return "an inbox or outbox for invitations"
    if names.CALENDAR not in found:
        return "no calendar"
    return _why_unreadable(response, path)


def calendar(base: str, response: Response, *, date: str = "") -> Calendar:
    """The calendar that `response`, in an answer from `base` of `date`, describes."""
    href = hrefs.member(base, response.href)
    return Calendar(
        href=href,
        url=hrefs.resolve(base, href),
        displayname=_text(response, names.DISPLAYNAME),
        color=_text(response, names.CALENDAR_COLOR),
        order=_text(response, names.CALENDAR_ORDER),
        description=_text(response, names.CALENDAR_DESCRIPTION),
        timezone=_text(response, names.CALENDAR_TIMEZONE),
        components=_components(response),
        transp=_transparency(response),
        owner=next(iter(all_hrefs(response, names.OWNER)), None),
        privileges=_privileges(response),
        ctag=_text(response, names.GETCTAG),
        sync_token=_text(response, names.SYNC_TOKEN),
        source=next(iter(all_hrefs(response, names.SOURCE)), None),
        home=base,
        date=date,
    )


def left_out(path: str, response: Response, reason: str) -> LeftOut:
    """The record of a collection that is not read."""
    name = response.text(names.DISPLAYNAME) or (hrefs.segments(path) or ["/"])[-1]
    return LeftOut(path, name, reason, next(iter(all_hrefs(response, names.SOURCE)), None))


def all_hrefs(response: Response, name: str) -> list[str]:
    """The hrefs in a property."""
    value = response.found.get(name)
    if value is None:
        return []
    return [text for part in value.walk() if part.name == names.HREF and (text := part.text.strip())]


def _why_unreadable(response: Response, path: str) -> str | None:
    rights = _privileges(response)
    if "read-free-busy" in rights and not {"read", "all"} & set(rights):
        return "only free and busy times may be seen"
    leaf = (hrefs.segments(path) or [""])[-1]
    if _GENERATED.fullmatch(leaf) and rights and not {"write", "write-content", "all"} & set(rights):
        return "made by the server from other data"
    return None


def _text(response: Response, name: str) -> str | None:
    value = response.found.get(name)
    return value.text if value is not None else None


def _components(response: Response) -> tuple[str, ...]:
    value = response.found.get(names.SUPPORTED_CALENDAR_COMPONENT_SET)
    if value is None:
        return ()
    found = (child.attribute("name").upper() for child in value.children if child.name == names.COMP)
    return tuple(dict.fromkeys(name for name in found if name))


def _transparency(response: Response) -> str | None:
    value = response.found.get(names.SCHEDULE_CALENDAR_TRANSP)
    return names.local_name(value.children[0].name) if value is not None and value.children else None


def _privileges(response: Response) -> tuple[str, ...]:
    value = response.found.get(names.CURRENT_USER_PRIVILEGE_SET)
    granted: Iterable[Property] = value.children if value is not None else ()
    found = (right.name for each in granted if each.name == names.PRIVILEGE for right in each.children)
    return tuple(dict.fromkeys(names.local_name(name) for name in found))
