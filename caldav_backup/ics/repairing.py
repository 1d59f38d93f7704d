"""A copy of an object in a form that strict servers take, where its meaning is untouched.

Owns the knowledge of which forms servers refuse and what says the same in another form. Never for what is stored.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from caldav_backup.ics.lines import iter_folded, line_name, unfold, with_plain_line_ends

_METHOD = re.compile(rb"^METHOD[:;]", re.MULTILINE | re.IGNORECASE)


class Repaired(NamedTuple):
    """The objects to send instead, and what was done to get them, each in words ("METHOD dropped")."""

    contents: tuple[bytes, ...]
    done: tuple[str, ...]


def repaired(content: bytes) -> Repaired | None:
    """What strict servers take instead of `content`; None when nothing can be repaired."""
    plain = with_plain_line_ends(content)
    if _METHOD.search(plain) is None:
        return None
    kept = [line for line in iter_folded(plain) if line_name(b"".join(unfold(line))) != "METHOD"]
    return Repaired((b"".join(kept).replace(b"\n", b"\r\n"),), ("METHOD dropped",))
