"""Digest access authentication (RFC 7616), the client's half: from a challenge to the header of each request.

Owns the arithmetic and the count of a nonce's uses. When to answer at all is `authentication`'s business.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterable
from urllib.parse import quote, urlsplit

from caldav_backup.dav.challenges import Challenge

#: RFC 7616 §3.3, the best first. MD5 is what Baikal, sabre/dav and older servers have; it protects a login, no secret.
_HASHES = {"sha-256": "sha256", "md5": "md5"}
_SESSION = "-sess"


class Digest:
    """Answers to one challenge: the nonce is used again, counted, until the server gives another one.

    `new_cnonce` replaces chance in tests.
    """

    def __init__(
        self,
        challenge: Challenge,
        username: str,
        password: str,
        *,
        new_cnonce: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:
        self._parameters = challenge.parameters
        self._algorithm = challenge.parameters.get("algorithm", "MD5")
        self._hash_name = _HASHES[self._algorithm.lower().removesuffix(_SESSION)]
        self._username = username
        self._cnonce = new_cnonce()
        self._login = self._first_half(username, password)
        self._uses = 0

    @property
    def nonce(self) -> str:
        """What the server gave."""
        return self._parameters.get("nonce", "")

    def authorize(self, method: str, url: str) -> str:
        """The header's value for one request; every call counts as a use of the nonce."""
        self._uses += 1
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        count = f"{self._uses:08x}"
        request = self._hash(f"{method}:{target}")
        with_qop = "qop" in self._parameters
        # Without qop it is RFC 2069's older form.
        middle = f"{self.nonce}:{count}:{self._cnonce}:auth" if with_qop else self.nonce
        fields = [
            *self._name_fields(),
            f"realm={_quoted(self._parameters.get('realm', ''))}",
            f"nonce={_quoted(self.nonce)}",
            f"uri={_quoted(target)}",
            f'response="{self._hash(f"{self._login}:{middle}:{request}")}"',
        ]
        if "algorithm" in self._parameters:
            fields.append(f"algorithm={self._algorithm}")
        if "opaque" in self._parameters:
            fields.append(f"opaque={_quoted(self._parameters['opaque'])}")
        if with_qop:
            fields.extend([f'cnonce="{self._cnonce}"', f"nc={count}", "qop=auth"])
        elif self._is_session:
            fields.append(f'cnonce="{self._cnonce}"')
        return "Digest " + ", ".join(fields)

    @property
    def _is_session(self) -> bool:
        return self._algorithm.lower().endswith(_SESSION)

    def _first_half(self, username: str, password: str) -> str:
        """What stands for the login (`H(A1)`, RFC 7616 §3.4.2); the password itself is not kept here."""
        plain = self._hash(f"{username}:{self._parameters.get('realm', '')}:{password}")
        return self._hash(f"{plain}:{self.nonce}:{self._cnonce}") if self._is_session else plain

    def _name_fields(self) -> list[str]:
        """The user name: hashed where the server wants that, encoded where it is not ASCII and that is known."""
        if self._parameters.get("userhash", "").lower() == "true":
            realm = self._parameters.get("realm", "")
            return [f'username="{self._hash(f"{self._username}:{realm}")}"', "userhash=true"]
        if not self._username.isascii() and self._parameters.get("charset", "").lower() == "utf-8":
            return [f"username*=UTF-8''{quote(self._username, safe='')}"]
        return [f"username={_quoted(self._username)}"]

    def _hash(self, text: str) -> str:
        return hashlib.new(self._hash_name, text.encode("utf-8", "surrogateescape")).hexdigest()


def best_digest(challenges: Iterable[Challenge]) -> Challenge | None:
    """The Digest challenge with the best hash among those that can be answered; None when there is none.

    Those are MD5 and SHA-256, also `-sess`, with `qop` auth or none.
    """
    usable = [challenge for challenge in challenges if challenge.scheme == "digest" and _rank(challenge) >= 0]
    return min(usable, key=_rank, default=None)


def _rank(challenge: Challenge) -> int:
    """The place of its hash in `_HASHES`; -1 when it cannot be answered."""
    algorithm = challenge.parameters.get("algorithm", "MD5").lower().removesuffix(_SESSION)
    offered = [each.strip().lower() for each in challenge.parameters.get("qop", "auth").split(",")]
    if algorithm not in _HASHES or "auth" not in offered or not challenge.parameters.get("nonce"):
        return -1
    return list(_HASHES).index(algorithm)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
