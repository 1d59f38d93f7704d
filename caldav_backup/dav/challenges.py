"""What a server says about logging in: the challenges of `WWW-Authenticate` (RFC 9110 §11.6.1).

Owns the reading of the header. What is answered is `authentication`'s business.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PARAMETER = re.compile(rf'({_WORD})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|({_WORD}))')
_SCHEME = re.compile(rf"({_WORD})(?!\s*=)")
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
        parameter, scheme = _PARAMETER.match(header, position), _SCHEME.match(header, position)
        if parameter and found:
            name, quoted, plain = parameter.groups()
            found[-1][1].setdefault(name.lower(), plain if quoted is None else _ESCAPE.sub(r"\1", quoted))
            position = parameter.end()
        elif scheme and not parameter:
            found.append((scheme[1].lower(), {}))
            token68 = _TOKEN68.match(header, scheme.end())
            position = token68.end() if token68 else scheme.end()
        else:
            position += 1
    return [Challenge(scheme, parameters) for scheme, parameters in found]
