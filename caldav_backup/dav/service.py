"""Where a domain keeps its calendars, as its DNS says (RFC 6764): SRV records for the host, a TXT record for the path.

Owns the questions, the order of the answers, and which of them may be followed. Answers come without any proof, so that
a host is only followed inside the domain that was asked about (RFC 6764 §8). dnspython, which asks, is an extra.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

from caldav_backup.dav import hrefs
from caldav_backup.dav.errors import NotCalDAV, ServerUnreachable

#: The services, better ones first, and what they are asked by (RFC 6764 §3).
_SERVICES = (("_caldavs._tcp", "https"), ("_caldav._tcp", "http"))
_PATH = "path="
#: RFC 6761 and RFC 6762: names that no public DNS knows.
_NO_DOMAINS = frozenset({"localhost", "local", "invalid", "test", "example", "internal", "arpa", "onion"})


class Server(NamedTuple):
    """An SRV record (RFC 2782); `target` is a host name without final dot, empty for "no such service"."""

    priority: int
    weight: int
    port: int
    target: str


class Resolver(Protocol):
    """What asks the DNS. Both methods raise ServerUnreachable when no answer comes; no records are an empty list."""

    async def servers(self, name: str) -> Sequence[Server]:
        """The SRV records of `name`."""

    async def texts(self, name: str) -> Sequence[str]:
        """The TXT records of `name`."""


def domain_of(url: str) -> str:
    """The domain that `url` may mean instead of a host; empty when it says more than a name that the DNS could know."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    labels = host.split(".")
    is_name = len(labels) > 1 and labels[-1] not in _NO_DOMAINS and not labels[-1].isdigit() and ":" not in host
    return host if is_name and parts.port is None and not hrefs.segments(parts.path) else ""


def is_unknown_name(error: BaseException | None) -> bool:
    """True for a failure because there is no host of that name."""
    while error is not None and not isinstance(error, socket.gaierror):
        error = error.__cause__ or error.__context__
    return error is not None


def is_inside(url: str, domain: str) -> bool:
    """True for a URL that the DNS of `domain` may lead to without asking a person."""
    parts = urlsplit(url)
    return bool(domain) and parts.scheme == "https" and _is_inside(parts.hostname or "", domain)


async def find_servers(resolver: Resolver, domain: str) -> list[str]:
    """The URLs to try, best first; none where the domain names no server.

    Raises NotCalDAV when it says that it has none, or names only hosts that a person has to approve of.
    """
    for service, scheme in _SERVICES:
        name = f"{service}.{domain}"
        found = await resolver.servers(name)
        if not found:
            continue
        # RFC 2782: lower priorities first; by weight then, though always in the same order.
        ordered = sorted(found, key=lambda server: (server.priority, -server.weight))
        path = _path(await resolver.texts(name))
        return [_url(scheme, server, path) for server in _followable(domain, ordered, scheme)]
    return []


def _followable(domain: str, servers: Sequence[Server], scheme: str) -> list[Server]:
    there = [server for server in servers if server.target and server.port]
    if not there:
        raise NotCalDAV(f"the DNS of {domain} says that it has no CalDAV")
    inside = [server for server in there if _is_inside(server.target, domain)]
    if not inside:
        origin = hrefs.origin_of(_url(scheme, there[0], "/"))
        raise NotCalDAV(
            f"the DNS of {domain} names {origin}, outside {domain}, so it is not shown the password; "
            f"if that is right, make {origin} the location"
        )
    return inside


def _is_inside(host: str, domain: str) -> bool:
    return host == domain or host.endswith(f".{domain}")


def _path(texts: Sequence[str]) -> str:
    """RFC 6764 §4: `path=/…`; without one the well-known address says it."""
    paths = (text.removeprefix(_PATH) for text in texts if text.startswith(_PATH + "/"))
    return next(paths, hrefs.WELL_KNOWN)


def _url(scheme: str, server: Server, path: str) -> str:
    return hrefs.parse_location(f"{scheme}://{server.target}:{server.port}{path}").url


def system_resolver() -> Resolver:
    """What asks the DNS servers of this machine, if dnspython is installed."""
    from importlib.util import find_spec

    return DnsResolver() if find_spec("dns") is not None else NoResolver()


class NoResolver:
    """Stands for the missing dnspython: says how to get it, when somebody would have needed it."""

    async def servers(self, name: str) -> list[Server]:
        """Raises ServerUnreachable."""
        raise ServerUnreachable(f"to ask the DNS for {name}, install 'caldav-backup[dns]'")

    async def texts(self, name: str) -> list[str]:
        """Never asked without servers."""
        del name
        return []


class DnsResolver:
    """Asks through dnspython. `nameserver` (an IP address) and `port` replace those of this machine."""

    def __init__(self, nameserver: str = "", port: int = 53, *, timeout: float = 5.0) -> None:
        self._nameserver = nameserver
        self._port = port
        self._timeout = timeout

    async def servers(self, name: str) -> list[Server]:
        """The SRV records of `name`."""
        return [
            Server(each.priority, each.weight, each.port, each.target.to_text(omit_final_dot=True).lower().rstrip("."))
            for each in await self._ask(name, "SRV")
        ]

    async def texts(self, name: str) -> list[str]:
        """The TXT records of `name`, the strings of each as one."""
        return [b"".join(each.strings).decode("utf-8", "replace") for each in await self._ask(name, "TXT")]

    async def _ask(self, name: str, kind: str) -> list[Any]:
        import dns.asyncresolver
        import dns.exception
        import dns.resolver

        try:
            resolver = dns.asyncresolver.Resolver(configure=not self._nameserver)
            if self._nameserver:
                resolver.nameservers, resolver.port = [self._nameserver], self._port
            return list(await resolver.resolve(name, kind, lifetime=self._timeout, raise_on_no_answer=False))
        except dns.resolver.NXDOMAIN:
            return []
        except (dns.exception.DNSException, OSError) as error:
            raise ServerUnreachable(f"the DNS cannot tell about {name} ({type(error).__name__})") from error
