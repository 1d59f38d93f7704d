"""Addresses: what a location says, how hrefs are resolved, compared and written, and who may see the credentials.

Owns text only, no request is made here. An href of a multistatus is a path as the server wrote it: some servers do not
escape `?` (Cyrus 3.6) or leave the path out (Xandikos 0.4 for `colon:x.ics`), so it is not read as a URI reference.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import SplitResult, quote, unquote, unquote_to_bytes, urljoin, urlsplit

from caldav_backup.dav.errors import BadAnswer, InvalidLocation

#: How a location may begin, and how it is then asked.
SCHEMES = {
    "caldav": "https",
    "caldavs": "https",
    "caldav+https": "https",
    "caldav+http": "http",
    "https": "https",
    "http": "http",
}
_PORTS = {"https": 443, "http": 80}
#: Where a host says what of it speaks CalDAV (RFC 6764 §5).
WELL_KNOWN = "/.well-known/caldav"
#: Characters that stand for themselves in a path segment (RFC 3986 §3.3).
_SEGMENT_SAFE = "!$&'()*+,;=:@~"
_PLAIN_PATH = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@/-]*")
_MUST_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9._~!$&'()*+,;=:@/%-]")
_LOOPBACK_NAMES = frozenset({"localhost", "ip6-localhost"})
_URL = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_WEB_URL = re.compile(r"https?://", re.IGNORECASE)
_DOT_SEGMENT = re.compile(r"(?:^|/)\.\.?(?:/|$)")

#: Providers that spread their accounts over hosts of one domain and say so; credentials follow within it.
#: Apple iCloud: caldav.icloud.com answers with the home at pNN-caldav.icloud.com.
_PARTITIONED = ("icloud.com",)


@dataclass(frozen=True, slots=True)
class Location:
    """A server's address without credentials, and those that somebody wrote into it (percent-decoded)."""

    url: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)


def parse_location(location: str) -> Location:
    """The URL that `location` means: `caldav://host/path` is https, `caldav+http://` plain http, `http(s)://` itself.

    plakar's `caldav://https://…` is taken too. Raises InvalidLocation, whose text never shows userinfo.
    """
    parts = parse_url(location)
    username = unquote(parts.username) if parts.username else None
    password = unquote(parts.password) if parts.password is not None else None
    return Location(_unsplit(parts, _escaped(parts.path) or "/"), username, password)


def parse_url(location: str) -> SplitResult:
    """The parts of the http or https URL that `location` means, userinfo, query and fragment as they stand.

    Raises InvalidLocation, whose text shows nothing of it: an unescaped character in a password is what makes a URL
    unreadable most often.
    """
    scheme, separator, rest = location.strip().partition("://")
    scheme = scheme.lower()
    if not separator or scheme not in SCHEMES:
        raise InvalidLocation("a CalDAV location looks like caldav://host/path or https://host/path")
    if scheme == "caldav" and _URL.match(rest):
        # Only the web's own schemes stand inside.
        parts = _split(rest) if _WEB_URL.match(rest) else None
    else:
        parts = _split(f"{SCHEMES[scheme]}://{rest}")
    if parts is None:
        raise InvalidLocation("the location is no URL of a server; one looks like caldav://host/path")
    return parts


def normalise(href: str) -> str:
    """The one spelling of an href's path that all spellings of it share: decoded, and encoded again by one rule.

    Two hrefs of one server name the same resource when these agree. Takes an absolute URL too and drops its origin.
    """
    path = _path(href)
    if _PLAIN_PATH.fullmatch(path):
        return path
    return "/".join(_normal_segment(segment) for segment in path.split("/"))


def same_resource(one: str, other: str) -> bool:
    """True when both name the same resource; a final slash makes no difference, as servers leave it out at will."""
    return normalise(one).rstrip("/") == normalise(other).rstrip("/")


def segments(href: str) -> list[str]:
    """The path's segments, decoded (surrogate escapes where they are not UTF-8), without empty ones."""
    decoded = (unquote(segment, errors="surrogateescape") for segment in _path(href).split("/"))
    return [segment for segment in decoded if segment]


def leaf(href: str) -> str:
    """The last of `segments`; empty where there is none."""
    return unquote(_path(href).rstrip("/").rpartition("/")[2], errors="surrogateescape")


def quote_segment(name: str) -> str:
    """`name` as one segment of a path; the inverse of decoding it."""
    return quote(name.encode("utf-8", "surrogateescape"), safe=_SEGMENT_SAFE)


def collection(url: str) -> str:
    """`url` with a final slash, below which members lie."""
    return url if url.endswith("/") else url + "/"


def resolve(base: str, href: str) -> str:
    """The URL of `href`, which an answer to a request for the collection `base` contains.

    The answering host is kept when `href` names it with another scheme or port, as servers behind a proxy do.
    Raises BadAnswer when `href` is an absolute URL without a usable host.
    """
    href = href.strip()
    own = urlsplit(base)
    if _WEB_URL.match(href):
        other = _split(href)
        if other is None:
            raise BadAnswer("an address in the server's answer names no host", href=path_of(base))
        if other.hostname == own.hostname:
            return _unsplit(own, _absolute(own, _path(href)))
        return _unsplit(other, _escaped(_path(href)) or "/")
    return _unsplit(own, _absolute(own, href))


def member(base: str, href: str) -> str:
    """The absolute path of a member of the collection `base`, percent-encoding kept.

    RFC 4918 §8.3: members lie at the host that was asked, so the origin of an absolute href says nothing.
    """
    return _absolute(urlsplit(base), _path(href.strip()))


def path_of(url: str) -> str:
    """The path of a URL as it goes over the wire."""
    return urlsplit(url).path or "/"


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL, without userinfo, ending without a slash."""
    return _unsplit(urlsplit(url), "")


def redirected(url: str, target: str) -> str:
    """Where a `Location: target` header leads that answered a request to `url`.

    A host that sends its own visitors from https to plain http does not know of the proxy before it (reported of
    Nextcloud): https is kept. So is the port when the well-known address leads to the same host without it (the same
    proxies). Raises ValueError when the target is no web address.
    """
    own, other = urlsplit(url), urlsplit(urljoin(url, target.strip()))
    if other.scheme not in _PORTS or not other.hostname:
        raise ValueError("the redirection leads to no web address")
    if own.hostname == other.hostname and (_loses_tls(own, other) or _loses_port(own, other)):
        other = other._replace(scheme=own.scheme, netloc=own.netloc)
    query = f"?{other.query}" if other.query else ""
    return _unsplit(other, _escaped(other.path) or "/") + query


def may_see_credentials(own: str, other: str) -> bool:
    """True when credentials for `own` may go to `other`: the same host, or a partition of the same provider.

    Plain http only gets them where they belong to exactly that host and port.
    """
    mine, theirs = urlsplit(own), urlsplit(other)
    if theirs.scheme == "http":
        return mine.scheme == "http" and mine.hostname == theirs.hostname and _port(mine) == _port(theirs)
    if mine.hostname == theirs.hostname:
        return True
    return any(_is_below(mine, domain) and _is_below(theirs, domain) for domain in _PARTITIONED)


def is_loopback(url: str) -> bool:
    """True when the URL's host is this machine."""
    from ipaddress import ip_address

    host = urlsplit(url).hostname or ""
    if host in _LOOPBACK_NAMES or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _loses_tls(own: SplitResult, other: SplitResult) -> bool:
    return own.scheme == "https" and other.scheme == "http"


def _loses_port(own: SplitResult, other: SplitResult) -> bool:
    return own.path == WELL_KNOWN and own.scheme == other.scheme and own.port is not None and other.port is None


def _is_below(parts: SplitResult, domain: str) -> bool:
    return parts.scheme == "https" and (parts.hostname or "").endswith("." + domain)


def _port(parts: SplitResult) -> int:
    return parts.port or _PORTS[parts.scheme]


def _split(url: str) -> SplitResult | None:
    """The parts of an absolute URL; None when there is no host to talk to."""
    try:
        parts = urlsplit(url)
        return parts if parts.hostname and parts.port != 0 else None
    except ValueError:
        return None


def _unsplit(parts: SplitResult, path: str) -> str:
    """Scheme and host of `parts` with another path; userinfo, query and fragment are dropped."""
    host = parts.netloc.rpartition("@")[2].lower()
    return f"{parts.scheme}://{host.removesuffix(f':{_PORTS[parts.scheme]}')}{path}"


def _path(href: str) -> str:
    """The path of an href that is a path or an absolute URL; `?` and `#` belong to it."""
    if _WEB_URL.match(href):
        _, _, rest = href.partition("://")
        _, slash, path = rest.partition("/")
        return slash + path
    return href


def _absolute(base: SplitResult, href: str) -> str:
    if href.startswith("//"):
        # RFC 3986 reads a host here; servers mean a path with a doubled slash, unless it is their own name.
        host, slash, rest = href[2:].partition("/")
        if host.lower() == base.netloc.rpartition("@")[2].lower():
            href = slash + rest
    if not href.startswith("/"):
        href = collection(base.path) + href.removeprefix("./")
    return _without_dots(_escaped(href))


def _without_dots(path: str) -> str:
    if not _DOT_SEGMENT.search(path):
        return path
    return urlsplit(urljoin("http://host/", path.lstrip("/"))).path


def _escaped(path: str) -> str:
    """`path` with every character escaped that may not stand in one; escapes that are there are kept as they are."""
    return _MUST_ESCAPE.sub(lambda match: quote(match[0].encode("utf-8", "surrogateescape"), safe=""), path)


def _normal_segment(segment: str) -> str:
    return quote(unquote_to_bytes(segment.encode("utf-8", "surrogateescape")), safe=_SEGMENT_SAFE)
