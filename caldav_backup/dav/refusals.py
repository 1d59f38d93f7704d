"""From a status that was not wished for to the error that says so.

Owns the reading of error bodies: the precondition in `DAV:error`, a readable excerpt, Retry-After, quota reasons.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from lxml import etree

from caldav_backup.dav.errors import (
    DavError,
    Forbidden,
    NotFound,
    PreconditionFailed,
    Refused,
    TooManyRequests,
    Unauthorized,
    Unavailable,
)
from caldav_backup.dav.names import ERROR, HREF, RESPONSEDESCRIPTION, local_name, namespace

_EXCERPT = 200
#: Longest href that is believed; no server's file system has names like that.
_LONGEST_HREF = 2000
_UNAVAILABLE = frozenset({408, 502, 503, 504})
#: RFC 3744 §7.1.1: a precondition that only says that a right is missing.
_MISSING_RIGHT = frozenset({"need-privileges"})
#: Google says with 403 that a quota is used up, in JSON or in XML (Calendar API, "Handle API errors").
_QUOTA = re.compile(r"rateLimitExceeded|userRateLimitExceeded|quotaExceeded|dailyLimitExceeded")
#: sabre/dav describes its exception in elements of its own beside or instead of a precondition.
_SABRE = "http://sabredav.org/ns"
#: What of a `DAV:error` document is meant for people.
_WORDS = frozenset({RESPONSEDESCRIPTION, f"{{{_SABRE}}}message"})
#: DAViCal 1.1 names the header that did not hold as if it were a precondition.
_HEADERS = frozenset({"", "if-match", "if-none-match"})
_INVISIBLE = re.compile(r"<(script|style|head)\b.*?</\1\s*>|<!--.*?-->|<[^>]*>|<[^>]*$", re.DOTALL | re.IGNORECASE)

_MEANINGS: Mapping[int, str] = {
    207: "not all of it was accepted, so nothing was done",
    400: "the server calls the request malformed",
    403: "the server forbids it",
    404: "it is not there",
    405: "the server does not allow this method here",
    407: "the proxy wants a login, which stands in HTTP_PROXY or HTTPS_PROXY",
    409: "it conflicts with what is there",
    410: "it is gone",
    412: "a precondition does not hold",
    413: "the server finds it too large",
    415: "the server does not take this kind of content",
    423: "it is locked",
    429: "the server asks for fewer requests",
    500: "the server failed",
    501: "the server does not know this method",
    502: "the gateway got no usable answer",
    503: "the server is not available now",
    504: "the gateway waited too long",
    507: "the server has no room, or found the answer too large",
}


def refusal(method: str, href: str, status: int, headers: Mapping[str, str], body: bytes) -> DavError:
    """The error for an answer; `body` is its beginning, bounded by the caller, and without credentials."""
    error = _read_error(body)
    text = body.decode("utf-8", "replace")
    kind = _kind(status, error.condition, text)
    return kind(
        f"{status} {_MEANINGS.get(status, 'unexpected answer')}",
        method=method,
        href=href,
        status=status,
        condition=error.condition,
        condition_href=error.href,
        excerpt=readable(error.words or text),
        retry_after=retry_after(headers.get("retry-after", ""), datetime.now(UTC)),
    )


def _kind(status: int, condition: str, text: str) -> type[DavError]:
    if status == 401:
        return Unauthorized
    if status in {404, 410}:
        return NotFound
    if status == 429 or (status == 403 and _QUOTA.search(text)):
        return TooManyRequests
    if status in _UNAVAILABLE:
        return Unavailable
    if status == 403 and (not condition or condition in _MISSING_RIGHT):
        return Forbidden
    # Xandikos 0.4 gives 412 for `no-uid-conflict` and `valid-calendar-data` too; those are no failed If-Match.
    if status == 412 and condition in _HEADERS:
        return PreconditionFailed
    return Refused


def retry_after(value: str, now: datetime) -> float | None:
    """Seconds of a Retry-After header (RFC 9110 §10.2.3): a number, or a date compared with `now`. None: unusable."""
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())


def readable(text: str) -> str:
    """The beginning of an error page or error document as one line without markup."""
    line = " ".join(html.unescape(_INVISIBLE.sub(" ", text)).split())
    visible = "".join(character if character.isprintable() else "?" for character in line)
    return visible if len(visible) <= _EXCERPT else visible[: _EXCERPT - 1] + "…"


class _Error(NamedTuple):
    """What a `DAV:error` document says: a precondition's local name, the href in it, words for people."""

    condition: str = ""
    href: str = ""
    words: str = ""


def _read_error(body: bytes) -> _Error:
    """All empty when it is no such document."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError):
        return _Error()  # a text or a page: all of it is shown
    if root.tag != ERROR:
        return _Error()
    children = list(root.iterchildren("*"))
    words = " ".join(child.text or "" for child in children if child.tag in _WORDS)
    for child in children:
        name = str(child.tag)
        if name not in _WORDS and namespace(name) != _SABRE:
            return _Error(local_name(name), _href_in(child), words)
    return _Error(words=words)


def _href_in(condition: etree._Element) -> str:
    """RFC 4791 §5.3.2.1 and RFC 6638 §3.2.4.1: which resource has the UID."""
    href = (condition.findtext(HREF) or "").strip()
    return href if len(href) <= _LONGEST_HREF and href.isprintable() else ""
