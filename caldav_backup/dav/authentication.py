"""How requests are signed: values that know the credentials and show them to nobody else.

Owns the header, and what is to be made of a challenge. Who may receive credentials is decided by
`hrefs.may_see_credentials`, how often a login is tried by `login`.
"""

from __future__ import annotations

import asyncio
import threading
from base64 import b64encode
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from enum import Enum
from typing import Protocol

from caldav_backup.dav.challenges import Challenge, schemes
from caldav_backup.dav.digest import Digest, best_digest
from caldav_backup.dav.hrefs import origin_of

_MASK = "***"
#: Apple iCloud's servers may offer only this, and take Basic with an app-specific password all the same.
_ICLOUD = "x-mobileme-authtoken"
#: Ways to log in that a password for Basic or Digest does not serve.
_NO_PASSWORD = frozenset({"bearer", "negotiate", "ntlm", "kerberos", "oauth"})


class Next(Enum):
    """What may follow a 401."""

    REPEAT = "the request once more, with another header or the same one"
    STALE = "the request once more; the login itself was not refused"
    NEVER = "nothing: sending it again could only lock the account"


class Authentication(Protocol):
    """What is asked for the `Authorization` header. `url` is absolute and percent-encoded, as it goes over the wire."""

    async def authorize(self, method: str, url: str) -> str | None:
        """The header's value for a request that is about to be sent, or None to send none."""

    async def challenged(self, url: str, sent: str | None, challenges: Sequence[Challenge], *, is_last: bool) -> Next:
        """Take note of the challenges of a 401 to a request that was sent with the header `sent`.

        `is_last`: it was repeated already, so that only STALE would lead to another one.
        """

    def why_refused(self, challenges: Sequence[Challenge]) -> str:
        """What a person can do about a login that is not accepted, as the end of a sentence that begins with 401."""

    def mask(self, text: str) -> str:
        """`text` without any credentials that a server may have put into its answer."""


class BasicAuthentication:
    """User name and password in every request, with the first one already (RFC 7617, UTF-8)."""

    def __init__(self, username: str, password: str) -> None:
        self.username = username
        self._password = password

    async def authorize(self, method: str, url: str) -> str | None:
        """`Basic …`."""
        del method, url
        return f"Basic {self._token()}"

    async def challenged(self, url: str, sent: str | None, challenges: Sequence[Challenge], *, is_last: bool) -> Next:
        """Once more the same, unless the server names only other ways."""
        del url, sent, is_last
        return Next.NEVER if challenges and schemes(challenges) <= _NO_PASSWORD | {"digest"} else Next.REPEAT

    def why_refused(self, challenges: Sequence[Challenge]) -> str:
        """Names what the server wants instead, or the app password."""
        if "digest" in schemes(challenges) and "basic" not in schemes(challenges):
            return "the server wants Digest, and was offered Basic only"
        return _why_password_refused(challenges)

    def mask(self, text: str) -> str:
        """`text` without the password and the header's value."""
        for secret in (self._token(), self._password):
            if secret:
                text = text.replace(secret, _MASK)
        return text

    def _token(self) -> str:
        return b64encode(f"{self.username}:{self._password}".encode("utf-8", "surrogateescape")).decode("ascii")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.username!r}, '{_MASK}')"


class PasswordAuthentication(BasicAuthentication):
    """User name and password in the way that the server asks for: Basic until it offers nothing but Digest.

    From then on that host sees no Basic any more (RFC 7616 §5.13).
    """

    def __init__(self, username: str, password: str) -> None:
        super().__init__(username, password)
        self._digests: dict[str, Digest] = {}

    async def authorize(self, method: str, url: str) -> str | None:
        """`Digest …` where it is known that the server wants it, else `Basic …`."""
        digest = self._digests.get(origin_of(url))
        return digest.authorize(method, url) if digest is not None else await super().authorize(method, url)

    async def challenged(self, url: str, sent: str | None, challenges: Sequence[Challenge], *, is_last: bool) -> Next:
        """Learns the nonce of a Digest challenge; a nonce that is only stale (RFC 7616 §3.3) is no refused login."""
        del is_last
        origin = origin_of(url)
        known = self._digests.get(origin)
        if known is not None and known.nonce not in (sent or ""):
            return Next.STALE  # another request has learned more since this one was sent
        if "basic" in schemes(challenges):
            self._digests.pop(origin, None)
            return Next.REPEAT
        challenge = best_digest(challenges)
        if challenge is None:
            is_useless = _takes_no_password(challenges) or "digest" in schemes(challenges)
            return Next.NEVER if is_useless else Next.REPEAT
        self._digests[origin] = Digest(challenge, self.username, self._password)
        is_stale = challenge.parameters.get("stale", "").lower() == "true"
        return Next.STALE if is_stale and known is not None else Next.REPEAT

    def why_refused(self, challenges: Sequence[Challenge]) -> str:
        """The same, and what is wanted of Digest."""
        if "digest" in schemes(challenges) and "basic" not in schemes(challenges) and not best_digest(challenges):
            return "the server wants a form of Digest that is not known here"
        return _why_password_refused(challenges)


class TokenAuthentication:
    """An access token in every request (RFC 6750); `fetch_token` gives it, and a fresh one when it has expired.

    `fetch_token` may block, so it runs in a thread; what it raises passes through. There is no other way to log in
    behind it.
    """

    def __init__(self, fetch_token: Callable[[], str]) -> None:
        self._fetch_token = fetch_token
        self._tokens: list[str] = []
        self._fetching = asyncio.Lock()

    async def authorize(self, method: str, url: str) -> str | None:
        """`Bearer …`."""
        del method, url
        async with self._fetching:
            if not self._tokens:
                self._tokens.append(await _aside(self._fetch_token))
        return f"Bearer {self._tokens[-1]}"

    async def challenged(self, url: str, sent: str | None, challenges: Sequence[Challenge], *, is_last: bool) -> Next:
        """Fetches another token when the server calls this one invalid, or says nothing of it."""
        del url
        if sent is None or not sent.endswith(f" {self._tokens[-1]}"):
            return Next.STALE  # another request has fetched a fresh one since this one was sent
        if is_last or _takes_no_token(challenges) or _bearer_error(challenges) not in {"", "invalid_token"}:
            return Next.NEVER
        token = await _aside(self._fetch_token)
        if token == self._tokens[-1]:
            return Next.NEVER
        self._tokens = [*self._tokens[-9:], token]
        return Next.REPEAT

    def why_refused(self, challenges: Sequence[Challenge]) -> str:
        """Says whether it is the token or its rights."""
        if _takes_no_token(challenges):
            return f"the server does not take access tokens; it wants {_names(challenges)}"
        if _bearer_error(challenges) == "insufficient_scope":
            return "the access token does not allow this; it needs the scope for calendars"
        return "the server does not accept the access token; see what token_command prints"

    def mask(self, text: str) -> str:
        """`text` without any of the tokens."""
        for token in self._tokens:
            text = text.replace(token, _MASK)
        return text

    def __repr__(self) -> str:
        return f"TokenAuthentication('{_MASK}')"


async def _aside(deed: Callable[[], str]) -> str:
    """What `deed` gives or raises, from a thread that nobody waits for once the run is stopped."""
    outcome: Future[str] = Future()

    def run() -> None:
        outcome.set_running_or_notify_cancel()
        try:
            outcome.set_result(deed())
        except BaseException as error:  # noqa: BLE001  # it is raised where the outcome is awaited
            outcome.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return await asyncio.wrap_future(outcome)


def _takes_no_password(challenges: Sequence[Challenge]) -> bool:
    return bool(challenges) and schemes(challenges) <= _NO_PASSWORD


def _why_password_refused(challenges: Sequence[Challenge]) -> str:
    offered = schemes(challenges)
    if offered and offered <= _NO_PASSWORD:
        hint = "; token_command supplies an access token" if "bearer" in offered else ""
        return f"the server does not take a password; it wants {_names(challenges)}{hint}"
    if _ICLOUD in offered:
        return "the server does not accept the user name and password; iCloud wants an app-specific password"
    return "the server does not accept the user name and password (some want an app password)"


def _takes_no_token(challenges: Sequence[Challenge]) -> bool:
    return bool(challenges) and "bearer" not in schemes(challenges)


def _bearer_error(challenges: Sequence[Challenge]) -> str:
    return next((each.parameters.get("error", "") for each in challenges if each.scheme == "bearer"), "")


def _names(challenges: Sequence[Challenge]) -> str:
    """For a message: a server may send anything, so only what looks like a name, and not more than a few."""
    known = [scheme.capitalize() for scheme in sorted(schemes(challenges)) if len(scheme) <= 32]
    return ", ".join(known[:4]) or "another way to log in"
