"""What a new calendar kept of the properties that it was to have.

Owns the comparison of what was wished for with what the server shows afterwards, and the words for what is missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from urllib.parse import unquote

from caldav_backup import dav
from caldav_backup.dav import names, requests
from caldav_backup.dav.properties import same_element

#: Attributes that are one property of plain text each.
TEXTS: Mapping[str, str] = MappingProxyType(
    {
        "displayname": names.DISPLAYNAME,
        "color": names.CALENDAR_COLOR,
        "order": names.CALENDAR_ORDER,
        "description": names.CALENDAR_DESCRIPTION,
        "timezone": names.CALENDAR_TIMEZONE,
    }
)
_OTHERS = {
    "transp": names.SCHEDULE_CALENDAR_TRANSP,
    "components": names.SUPPORTED_CALENDAR_COMPONENT_SET,
}
#: Attributes beginning like this are whole elements; their qualified names follow, escaped.
FURTHER = "prop."
_TZID = re.compile(r"^TZID[^:\r\n]*:(.*?)\s*$", re.MULTILINE | re.IGNORECASE)


def qualified_name(attribute: str) -> str | None:
    """The property that an attribute stands for; None where nothing can be set."""
    if attribute.startswith(FURTHER):
        return unquote(attribute.removeprefix(FURTHER))
    return TEXTS.get(attribute) or _OTHERS.get(attribute)


def lacking(wanted: Mapping[str, str], there: dav.Calendar, further: Mapping[str, bytes]) -> dict[str, str]:
    """What of `wanted` a calendar that is there has in no form at all, of what can be set."""
    return {
        attribute: text
        for attribute, text in wanted.items()
        if (name := qualified_name(attribute)) is not None
        and attribute not in {"displayname", "components"}
        and not (name in further if attribute.startswith(FURTHER) else _shown(there, attribute))
    }


def not_kept(
    wanted: Mapping[str, str], made: dav.Calendar, further: Mapping[str, bytes], refused: Mapping[str, str]
) -> Iterator[str]:
    """`color: refused with 403`, `order: not kept` … for what the calendar does not show as it was wished for.

    `further` are its other properties, `refused` is what became of those that it was not given, by qualified names.
    """
    for attribute, text in wanted.items():
        name = qualified_name(attribute)
        if name is None or _shows(made, further, attribute, text, was_refused=name in refused):
            continue
        yield f"{name if attribute.startswith(FURTHER) else attribute}: {refused.get(name, 'not kept')}"


def _shows(made: dav.Calendar, further: Mapping[str, bytes], attribute: str, text: str, *, was_refused: bool) -> bool:
    if attribute.startswith(FURTHER):
        found = further.get(unquote(attribute.removeprefix(FURTHER)))
        return found is not None and same_element(found, text.encode("utf-8", "surrogateescape"))
    if attribute == "components":
        return _takes(made.components, frozenset(text.split(",")), was_refused=was_refused)
    return _SPELLINGS.get(attribute, _plain)(_shown(made, attribute)) == _SPELLINGS.get(attribute, _plain)(text)


def _shown(made: dav.Calendar, attribute: str) -> str:
    shown = {
        "displayname": made.displayname,
        "color": made.color,
        "order": made.order,
        "description": made.description,
        "timezone": made.timezone,
        "transp": made.transp,
    }
    return shown[attribute] or ""


def _takes(made: tuple[str, ...], wanted: frozenset[str], *, was_refused: bool) -> bool:
    """SOGo 5.8 takes events and tasks into each calendar, whatever it is told; what it takes besides is no loss."""
    if was_refused:
        return frozenset(made) == wanted
    return not made or wanted <= frozenset(made)


def _plain(text: str) -> str:
    """As XML carries it: line ends become LF (XML 1.0 §2.11)."""
    return requests.writable(text).replace("\r\n", "\n").replace("\r", "\n").strip()


def _color(text: str) -> str:
    """Apple writes #RRGGBBAA, others drop the opacity."""
    return text.strip().lower()[:7]


def _zone(text: str) -> str:
    """Servers write time zones anew, and one is known by its name; SOGo 5.8 shows the account's own instead."""
    found = _TZID.search(text)
    return found[1].strip() if found else text.strip()


def _transparency(text: str) -> str:
    """RFC 6638 §9.1: opaque where nothing is said."""
    return text.strip() or "opaque"


_SPELLINGS: Mapping[str, Callable[[str], str]] = {"color": _color, "timezone": _zone, "transp": _transparency}
