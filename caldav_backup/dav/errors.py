"""The error family of the client: what went wrong, with which request, and what the server said about it.

Owns the classes only; `refusals` turns an answer's status into one of them. No message and no field ever holds
credentials.
"""

from __future__ import annotations


class DavError(Exception):
    """Something the client could not do.

    `method`, `href` and `status` (HTTP) name the request where there was one; `condition` is the local name of the
    precondition that the server gave in `DAV:error` (RFC 4918 §16, RFC 4791 §5.3.2.1), `condition_href` the href that
    stands in it, as the server wrote it: what has the UID already, say; `excerpt` is a bounded, readable piece of the
    answer's body; `retry_after` is in seconds, as the server asked for.
    """

    def __init__(
        self,
        reason: str,
        *,
        method: str = "",
        href: str = "",
        status: int | None = None,
        condition: str = "",
        condition_href: str = "",
        excerpt: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.method = method
        self.href = href
        self.status = status
        self.condition = condition
        self.condition_href = condition_href
        self.excerpt = excerpt
        self.retry_after = retry_after

    def add_hint(self, hint: str) -> None:
        """Say besides what may be done about it; an empty hint says nothing."""
        if hint and hint not in self.reason:
            self.reason = f"{self.reason}; {hint}"

    def __str__(self) -> str:
        request = f"{self.method} {self.href}: " if self.method else ""
        return request + "; ".join(part for part in (self.reason, self.condition, self.excerpt) if part)


class InvalidLocation(DavError, ValueError):
    """The text is no URL of a server."""


class Unauthorized(DavError):
    """The server does not accept the credentials, or none were given."""


class OtherHost(Unauthorized):
    """What the server names lies at a host that is not shown the credentials, and wants some or was not even asked."""


class Forbidden(DavError):
    """403: signed in, but without the right to do this."""


class NotFound(DavError):
    """404 or 410."""


class NotCalDAV(DavError):
    """Nothing at the address speaks CalDAV."""


class ServerUnreachable(DavError):
    """No answer: name not found, connection refused or cut, TLS refused, too slow."""


class UntrustedServer(ServerUnreachable):
    """The certificate is not accepted; asking again would not change that."""


class ConnectionLost(ServerUnreachable):
    """A connection that was kept from an earlier request was gone; a new one may serve at once."""


class GaveUp(ServerUnreachable):
    """So much had to be repeated in this run that nothing more is asked of the server."""


class BadAnswer(DavError):
    """An answer that cannot be used: not XML, not a multistatus, no calendar, too large."""


class AnswerCut(BadAnswer):
    """The answer ended before it was complete."""


class TokenRefused(DavError):
    """What changed since a sync-token cannot be told: it is refused or unknown, or the answer cannot be relied on."""


class PreconditionFailed(DavError):
    """412: `If-Match` or `If-None-Match` did not hold, so nothing was written."""


class TooManyRequests(DavError):
    """429, or a 403 that names a quota: the server wants to be left alone for a while."""


class Unavailable(DavError):
    """408, 502, 503 or 504: the server, or something before it, cannot answer now."""


class Refused(DavError):
    """Any other 4xx or 5xx."""
