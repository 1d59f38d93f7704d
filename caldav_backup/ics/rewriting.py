"""Which kinds of harmless rewriting lie between two objects that mean the same.

Owns the names of these kinds. Looks at lines and not at meanings: that both mean the same is known already.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from caldav_backup.ics.lines import iter_folded, line_name, unfold, with_plain_line_ends
from caldav_backup.ics.zones import without_zones

#: Not a line's own doing: these come and go with their component.
_FRAMES = frozenset({"BEGIN", "END"})


def kinds_of_rewriting(sent: bytes, there: bytes) -> tuple[str, ...]:
    """Sorted names: `order`, `folding`, a property's name (its line reads otherwise), `CLASS added`, `METHOD dropped`.

    A time zone definition counts as one line, called VTIMEZONE.
    """
    one, zones = _lines_and_zones(sent)
    other, other_zones = _lines_and_zones(there)
    common, common_zones = Counter(one) & Counter(other), Counter(zones) & Counter(other_zones)
    dropped = {*_names(Counter(one) - common), *(["VTIMEZONE"] if Counter(zones) - common_zones else [])}
    added = {*_names(Counter(other) - common), *(["VTIMEZONE"] if Counter(other_zones) - common_zones else [])}
    kinds = dropped & added
    kinds |= {f"{name} dropped" for name in dropped - added} | {f"{name} added" for name in added - dropped}
    if [line for line in one if line in common] != [line for line in other if line in common]:
        kinds.add("order")
    if _folds(sent, common) != _folds(there, common):
        kinds.add("folding")
    return tuple(sorted(kinds)) or ("folding",)


def _lines_and_zones(content: bytes) -> tuple[Sequence[bytes], Sequence[bytes]]:
    plain, zones = without_zones(b"\n".join(unfold(content)))
    return plain.rstrip(b"\n").split(b"\n"), [zone.strip() for zone in zones]


def _names(lines: Counter[bytes]) -> Iterator[str]:
    return (name for line in lines if (name := line_name(line) or "broken line") not in _FRAMES)


def _folds(content: bytes, common: Counter[bytes]) -> Sequence[bytes]:
    """The folded lines among the common ones, as they are folded."""
    plain = with_plain_line_ends(content)
    if b"\n " not in plain and b"\n\t" not in plain:
        return []
    folded = (line.rstrip(b"\n") for line in iter_folded(plain) if b"\n " in line or b"\n\t" in line)
    return sorted(line for line in folded if b"".join(unfold(line)) in common)
