"""Each request as a value: method, URL, headers, body, and the statuses that mean success.

Owns what is asked; pure, nothing is sent here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from lxml import etree

from caldav_backup.dav import names

_XML_HEADERS = {"content-type": "application/xml; charset=utf-8"}
#: A multistatus should be 207; some gateways turn that into 200.
_MULTISTATUS = frozenset({200, 207})
#: RFC 4918 §10.2, as the `depth` of a PROPFIND.
ITSELF, MEMBERS = "0", "1"

#: Stands for a whole property element while the document around it is built.
_PLACE = "element"
#: Characters that XML 1.0 cannot carry, not even escaped (§2.2).
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Request(NamedTuple):
    """One request; `url` is absolute and without userinfo. Other statuses than `expected` are errors."""

    method: str
    url: str
    expected: frozenset[int]
    headers: Mapping[str, str] = {}
    content: bytes | None = None


def propfind(url: str, properties: Iterable[str], depth: str) -> Request:
    """The named properties (Clark names) of a resource, or of it and its members (RFC 4918 §9.1)."""
    root = _element(names.PROPFIND)
    _prop(root, properties)
    return _xml("PROPFIND", url, root, _MULTISTATUS, {"depth": depth})


def propname(url: str, depth: str) -> Request:
    """Which properties there are (RFC 4918 §9.1.4)."""
    root = _element(names.PROPFIND)
    etree.SubElement(root, names.PROPNAME)
    return _xml("PROPFIND", url, root, _MULTISTATUS, {"depth": depth})


def allprop(url: str, depth: str) -> Request:
    """What clients have put there, with values, and more that matters less (RFC 4918 §9.1)."""
    root = _element(names.PROPFIND)
    etree.SubElement(root, names.ALLPROP)
    return _xml("PROPFIND", url, root, _MULTISTATUS, {"depth": depth})


def multiget(url: str, properties: Iterable[str], members: Iterable[str]) -> Request:
    """The named properties of these members, given by absolute path (RFC 4791 §7.9)."""
    root = _element(names.CALENDAR_MULTIGET)
    _prop(root, properties)
    for href in members:
        etree.SubElement(root, names.HREF).text = href
    # RFC 4791 §7.9 ignores Depth here; it is sent since every request that may have one should (Cyrus 3.6: 403 else).
    return _xml("REPORT", url, root, _MULTISTATUS, {"depth": MEMBERS})


def uid_query(url: str, kinds: Iterable[str], only: str = "") -> Request:
    """The UIDs of the members' components of these kinds, and nothing else of them (RFC 4791 §7.8, §9.6).

    Of all members, or of those that hold a component of the kind `only`.
    """
    root = _element(names.CALENDAR_QUERY)
    data = etree.SubElement(_prop(root, ()), names.CALENDAR_DATA)
    calendar = etree.SubElement(data, names.COMP, name="VCALENDAR")
    for kind in kinds:
        etree.SubElement(etree.SubElement(calendar, names.COMP, name=kind), names.CALENDAR_PROP, name="UID")
    members = etree.SubElement(etree.SubElement(root, names.FILTER), names.COMP_FILTER, name="VCALENDAR")
    if only:
        etree.SubElement(members, names.COMP_FILTER, name=only)
    return _xml("REPORT", url, root, _MULTISTATUS, {"depth": MEMBERS})


def principal_search(url: str, address: str) -> Request:
    """The principals of the server that a calendar user address belongs to (RFC 3744 §9.4, RFC 6638 §2.4.1)."""
    root = _element(names.PRINCIPAL_PROPERTY_SEARCH)
    search = etree.SubElement(root, names.PROPERTY_SEARCH)
    _prop(search, [names.CALENDAR_USER_ADDRESS_SET])
    etree.SubElement(search, names.MATCH).text = writable(address)
    _prop(root, [names.RESOURCETYPE])
    return _xml("REPORT", url, root, _MULTISTATUS, {"depth": ITSELF})


def sync_collection(url: str, token: str, properties: Iterable[str]) -> Request:
    """What changed among the members since `token`, with their named properties (RFC 6578 §3.2).

    No limit is asked for: Xandikos 0.4 cuts its answer there without a word, and its token skips the rest for ever.
    """
    root = _element(names.SYNC_COLLECTION)
    etree.SubElement(root, names.SYNC_TOKEN).text = writable(token)
    etree.SubElement(root, names.SYNC_LEVEL).text = "1"
    _prop(root, properties)
    return _xml("REPORT", url, root, _MULTISTATUS, {"depth": ITSELF})


def options(url: str) -> Request:
    """What the server can do there (RFC 4918 §10.1): its answer is in the headers `DAV` and `Allow`."""
    return Request("OPTIONS", url, frozenset({200, 204}))


def get(url: str) -> Request:
    """The resource itself."""
    return Request("GET", url, frozenset({200}))


def put(url: str, content: bytes, *, if_match: str | None, if_none_match: bool, headers: Mapping[str, str]) -> Request:
    """Write a calendar object resource; the preconditions are RFC 9110 §13.1.1 and, for `*`, §13.1.2."""
    conditions = {"content-type": "text/calendar; charset=utf-8"} | _if_match(if_match)
    if if_none_match:
        conditions["if-none-match"] = "*"
    return Request("PUT", url, frozenset({200, 201, 204}), conditions | dict(headers), content)


def delete(url: str, *, if_match: str | None, headers: Mapping[str, str]) -> Request:
    """Remove a resource."""
    return Request("DELETE", url, frozenset({200, 202, 204}), _if_match(if_match) | dict(headers))


def mkcalendar(url: str, displayname: str | None, components: Sequence[str]) -> Request:
    """Make a calendar (RFC 4791 §5.3.1). Only 201 says that it was made: Xandikos 0.4 answers 207 when it was not."""
    root = _element(names.MKCALENDAR)
    _new_collection(root, displayname, components)
    return _xml("MKCALENDAR", url, root, frozenset({201}), {})


def extended_mkcol(url: str, displayname: str | None, components: Sequence[str]) -> Request:
    """The same by RFC 5689, for servers without MKCALENDAR."""
    root = _element(names.MKCOL)
    prop = _new_collection(root, displayname, components)
    kinds = etree.SubElement(prop, names.RESOURCETYPE)
    etree.SubElement(kinds, names.COLLECTION)
    etree.SubElement(kinds, names.CALENDAR)
    return _xml("MKCOL", url, root, frozenset({201}), {})


def proppatch(url: str, name: str, value: str | bytes | None) -> Request:
    """Set one property to a text, or to a whole property element given as XML; None removes it (RFC 4918 §9.2).

    Raises ValueError when the XML is not an element of that name.
    """
    root = _element(names.PROPERTYUPDATE)
    prop = etree.SubElement(etree.SubElement(root, names.REMOVE if value is None else names.SET), names.PROP)
    if not isinstance(value, bytes):
        etree.SubElement(prop, name).text = writable(value or "") or None
        return _xml("PROPPATCH", url, root, _MULTISTATUS, {})
    # Put in as text: an element that is appended may get its attributes' prefixes mixed up (lxml 6.1).
    prop.text = _PLACE
    request = _xml("PROPPATCH", url, root, _MULTISTATUS, {})
    content = (request.content or b"").replace(_PLACE.encode(), _checked(name, value))
    return request._replace(content=content)


def transparency(value: str) -> bytes:
    """The element of `schedule-calendar-transp` (RFC 6638 §9.1) for `opaque` or `transparent`."""
    root = _element(names.SCHEDULE_CALENDAR_TRANSP)
    kind = "transparent" if value == "transparent" else "opaque"
    etree.SubElement(root, f"{{{names.namespace(names.SCHEDULE_CALENDAR_TRANSP)}}}{kind}")
    return etree.tostring(root)


def writable(text: str) -> str:
    """`text` without what XML cannot carry."""
    return _UNWRITABLE.sub("", text)


def _if_match(etag: str | None) -> dict[str, str]:
    return {} if etag is None else {"if-match": etag}


def _element(name: str) -> etree._Element:
    return etree.Element(name, nsmap=names.PREFIXES)


def _prop(parent: etree._Element, properties: Iterable[str]) -> etree._Element:
    prop = etree.SubElement(parent, names.PROP)
    for name in properties:
        etree.SubElement(prop, name)
    return prop


def _new_collection(root: etree._Element, displayname: str | None, components: Sequence[str]) -> etree._Element:
    """The least that a new calendar needs; the rest follows by PROPPATCH, since one refused property refuses all."""
    prop = etree.SubElement(etree.SubElement(root, names.SET), names.PROP)
    if displayname:
        etree.SubElement(prop, names.DISPLAYNAME).text = writable(displayname)
    if components:
        kinds = etree.SubElement(prop, names.SUPPORTED_CALENDAR_COMPONENT_SET)
        for component in components:
            etree.SubElement(kinds, names.COMP, name=component)
    return prop


def _checked(name: str, xml: bytes) -> bytes:
    """The element alone, as it can stand anywhere."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    try:
        element = etree.fromstring(xml, parser)
    except etree.XMLSyntaxError as error:
        raise ValueError(f"the value of {name} is not XML: {error}") from error
    if element.tag != name:
        raise ValueError(f"the value of {name} is an element of another name")
    return etree.tostring(element, encoding="utf-8")


def _xml(method: str, url: str, root: etree._Element, expected: frozenset[int], headers: Mapping[str, str]) -> Request:
    content = etree.tostring(root, xml_declaration=True, encoding="utf-8")
    return Request(method, url, expected, _XML_HEADERS | dict(headers), content)
