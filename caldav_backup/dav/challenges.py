"""What a server says about logging in: the challenges of `WWW-Authenticate` (RFC 9110 §11.6.1).

Owns the reading of the header. What is answered is `authentication`'s business.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

_WORD_CHARACTERS = "[!#$%&'*+.^_`|~0-9A-Za-z-]++"
_WORD = re.compile(_WORD_CHARACTERS)
_VALUE = re.compile(rf'\s*=\s*(?:"((?:[^"\\]|\\.)*+)"|({_WORD_CHARACTERS})|)')
#: What stands behind a scheme in the place of parameters; a `=` inside belongs to its end.
_TOKEN68 = re.compile(r"[ \t]+[A-Za-z0-9._~+/-]+=*[ \t]*(?=,|$)")
_ESCAPE = re.compile(r"\\(.)")


class Challenge(NamedTuple):
    """One way to log in; the scheme and the parameters' names in lower case, values unescaped."""

    scheme: str
    parameters: Mapping[str, str] = {}


def parse_challenges(headers: Iterable[str]) -> list[Challenge]:
    """The challenges of all `WWW-Authenticate` headers, each of which may list several; what is none is skipped.

    SOGo 5.8 writes `basic` in lower case; schemes and names are the same in any case.
    """
    return [challenge for header in headers for challenge in _parse(header)]


def schemes(challenges: Iterable[Challenge]) -> frozenset[str]:
    """Their schemes."""
    return frozenset(challenge.scheme for challenge in challenges)


def _parse(header: str) -> list[Challenge]:
    found: list[tuple[str, dict[str, str]]] = []
    position = 0
    while position < len(header):
        word = _WORD.match(header, position)
        if word is None:
            position += 1
            continue
        value = _VALUE.match(header, word.end())
        if value is None:
            found.append((word[0].lower(), {}))
            value = _TOKEN68.match(header, word.end())
        elif found:
            quoted, plain = value.groups()
            found[-1][1].setdefault(word[0].lower(), _ESCAPE.sub(r"\1", quoted) if quoted is not None else plain or "")
        position = (value or word).end()
    return [Challenge(scheme, parameters) for scheme, parameters in found]
