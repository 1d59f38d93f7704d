"""How requests are signed: one value that knows the credentials and shows them to nobody else.

Owns the header. Who may receive it is decided by `hrefs.may_see_credentials` and done by `transport`.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import Protocol

_MASK = "***"


class Authentication(Protocol):
    """What a transport asks for the `Authorization` header."""

    def authorize(self, method: str, url: str, challenge: str | None) -> str | None:
        """The header's value, or None to send none.

        `challenge` is the server's `WWW-Authenticate` after a 401, and None for the first attempt.
        """

    def mask(self, text: str) -> str:
        """`text` without any credentials that a server may have put into its answer."""


@dataclass(frozen=True, slots=True, repr=False)
class BasicAuthentication:
    """User name and password in every request (RFC 7617, UTF-8)."""

    username: str
    password: str

    def authorize(self, method: str, url: str, challenge: str | None) -> str | None:
        """`Basic …`, with the first request already; a challenge changes nothing."""
        del method, url, challenge
        return f"Basic {self._token()}"

    def mask(self, text: str) -> str:
        """`text` without the password and the header's value."""
        for secret in (self._token(), self.password):
            if secret:
                text = text.replace(secret, _MASK)
        return text

    def _token(self) -> str:
        return b64encode(f"{self.username}:{self.password}".encode("utf-8", "surrogateescape")).decode("ascii")

    def __repr__(self) -> str:
        return f"BasicAuthentication({self.username!r}, '{_MASK}')"
