"""What became of an object at a server: the same bytes, the same meaning in other words, or something else.

Owns the classes of difference; what counts as the same meaning is `meaning`'s.
"""

from __future__ import annotations

from collections import Counter
from enum import Enum
from typing import NamedTuple

from caldav_backup.ics.lines import with_plain_line_ends
from caldav_backup.ics.meaning import claims, same_meaning


class Verdict(Enum):
    """How much alike what was sent and what is there are."""

    SAME = "the same bytes, line ends apart"
    REWRITTEN = "the same meaning in another form"
    CHANGED = "another meaning"


class Comparison(NamedTuple):
    """What lies between two versions of an object.

    `rewritten` names kinds of harmless rewriting ("order", "folding", "DTSTAMP"). `lost`, `added` and `changed` are
    sorted paths of properties and components ("VEVENT GEO", "VEVENT/VALARM TRIGGER"), all empty unless CHANGED.
    """

    verdict: Verdict
    rewritten: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


def compare(sent: bytes, there: bytes) -> Comparison:
    """How `there`, which a server gave back, differs from `sent`; never raises, whatever they are."""
    if sent == there or with_plain_line_ends(sent) == with_plain_line_ends(there):
        return Comparison(Verdict.SAME)
    if same_meaning(sent, there):
        return Comparison(Verdict.REWRITTEN)
    one, other = Counter(claims(sent)), Counter(claims(there))
    gone, come = ({path for path, _ in left} for left in (one - other, other - one))
    changed = gone & come
    if not gone and not come:
        changed = {"VTIMEZONE"}
    return Comparison(
        Verdict.CHANGED,
        (),
        tuple(sorted(gone - changed)),
        tuple(sorted(come - changed)),
        tuple(sorted(changed)),
    )
