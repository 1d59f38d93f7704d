"""Which kinds of harmless rewriting lie between two objects that mean the same.

Owns the names of these kinds. Looks at lines and not at meanings: that both mean the same is known already.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from caldav_backup.ics.lines import line_name, unfolded, with_plain_line_ends
from caldav_backup.ics.zones import without_zones

#: Not a line's own doing: these come and go with their component.
_FRAMES = frozenset({"BEGIN", "END"})
_FOLDED = re.compile(rb"^[^\n]+(?:\n[ \t][^\n]*)+", re.MULTILINE)


def kinds_of_rewriting(sent: bytes, there: bytes) -> tuple[str, ...]:
    """Sorted names: `order`, `folding`, a property's name (its line reads otherwise), `CLASS added`, `METHOD dropped`.

    A time zone definition counts as one line, called VTIMEZONE.
    """
    plain = with_plain_line_ends(sent), with_plain_line_ends(there)
    one, zones = _lines_and_zones(plain[0])
    other, other_zones = _lines_and_zones(plain[1])
    gone, come = _names_of_rest(one, other), _names_of_rest(other, one)
    if Counter(zones) != Counter(other_zones):
        gone |= {"VTIMEZONE"} if Counter(zones) - Counter(other_zones) else set()
        come |= {"VTIMEZONE"} if Counter(other_zones) - Counter(zones) else set()
    kinds = gone & come | {f"{name} dropped" for name in gone - come} | {f"{name} added" for name in come - gone}
    common = set(one) & set(other)
    if [line for line in one if line in common] != [line for line in other if line in common]:
        kinds.add("order")
    if _folds(plain[0], common) != _folds(plain[1], common):
        kinds.add("folding")
    # Nothing but blank lines, a byte order mark, or line ends inside a folded line lies between them.
    return tuple(sorted(kinds)) or ("blank lines",)


def _lines_and_zones(plain: bytes) -> tuple[Sequence[bytes], Sequence[bytes]]:
    rest, zones = without_zones(unfolded(plain))
    return [line for line in rest.split(b"\n") if line and not line.isspace()], zones


def _names_of_rest(lines: Sequence[bytes], others: Sequence[bytes]) -> set[str]:
    """Names of the lines that there are more of than in the others."""
    rest = Counter(lines) - Counter(others)
    return {line_name(line) or "broken line" for line in rest} - _FRAMES


def _folds(plain: bytes, common: set[bytes]) -> Sequence[bytes]:
    """The folded lines among the common ones, as they are folded."""
    if b"\n " not in plain and b"\n\t" not in plain:
        return []
    return sorted(folded for folded in _FOLDED.findall(plain) if unfolded(folded) in common)
