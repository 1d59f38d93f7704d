"""What became of an object at a server: the same bytes, the same meaning in other words, or something else.

Owns the classes of difference and their names; what counts as the same meaning is `meaning`'s.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import NamedTuple

from caldav_backup.ics.components import Component, parse_components
from caldav_backup.ics.lines import unfolded, with_plain_line_ends
from caldav_backup.ics.meaning import meaning_of
from caldav_backup.ics.rewriting import kinds_of_rewriting
from caldav_backup.ics.zones import without_zones


class Verdict(Enum):
    """How much alike what was sent and what is there are."""

    SAME = "the same bytes, line ends apart"
    REWRITTEN = "the same meaning in another form"
    CHANGED = "another meaning"


class Comparison(NamedTuple):
    """What lies between two versions of an object.

    `rewritten` names kinds of harmless rewriting ("order", "folding", "DTSTAMP"), for REWRITTEN only. `lost`, `added`
    and `changed` are sorted paths of properties and components ("VEVENT GEO", "VEVENT/VALARM TRIGGER"), for CHANGED
    only; where a whole component is lost or added, its properties are not named besides.
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
    meanings = meaning_of(sent), meaning_of(there)
    if meanings[0].matches(meanings[1]) and (meanings[1].zones or not meanings[0].zones):
        return Comparison(Verdict.REWRITTEN, kinds_of_rewriting(sent, there))
    lost: set[str] = set()
    added: set[str] = set()
    for is_lost, path in _differences(_tree(sent), _tree(there), ""):
        (lost if is_lost else added).add(path)
    if meanings[0].zones != meanings[1].zones and meanings[0].zones:
        # Only the object itself can define these zones; what a server adds of its own is harmless.
        lost.add("VTIMEZONE")
        added |= {"VTIMEZONE"} if meanings[1].zones else set()
    both = lost & added
    return Comparison(
        Verdict.CHANGED,
        lost=tuple(sorted(lost - both)),
        added=tuple(sorted(added - both)),
        changed=tuple(sorted(both)),
    )


def differences(first: bytes, second: bytes) -> Sequence[str]:
    """What differs: sorted paths of components and properties (`VEVENT SUMMARY`, `VEVENT/VALARM`), none if the same."""
    found = compare(first, second)
    return sorted({*found.lost, *found.added, *found.changed})


def _tree(content: bytes) -> Component:
    return parse_components(without_zones(unfolded(content))[0])


def _differences(sent: Component, there: Component, path: str) -> Iterator[tuple[bool, str]]:
    """(True for lost and False for added, path) of all that only one of two components of a kind says."""
    here = f"{path}{sent.kind}"
    # An end that is told by its distance from the start moves with it, and has not changed for that.
    moved = _first(sent, "DTSTART") != _first(there, "DTSTART") and sent.kind != "VCALENDAR"
    one, other = (sent.told, there.told) if moved else (sent.properties, there.properties)
    yield from ((True, f"{here} {one[text]}") for text in one.keys() - other.keys())
    yield from ((False, f"{here} {other[text]}") for text in other.keys() - one.keys())
    inner = "" if sent.kind == "VCALENDAR" else f"{here}/"
    for mine, theirs in _pairs(sent.children, there.children):
        if mine is not None and theirs is not None:
            yield from _differences(mine, theirs, inner)
        elif mine is not None:
            yield True, f"{inner}{mine.kind}"
        elif theirs is not None:
            yield False, f"{inner}{theirs.kind}"


def _pairs(
    sent: Sequence[Component], there: Sequence[Component]
) -> Iterator[tuple[Component | None, Component | None]]:
    """Each component that differs beside the one that it became: the same instance of a series, else the next."""
    left, others = _without_equal(sent, there), _without_equal(there, sent)
    for likeness in (_identity, _instance, _kind):
        alike: dict[tuple[str, ...], deque[Component]] = {}
        for other in others:
            alike.setdefault(likeness(other), deque()).append(other)
        found = [(component, alike.get(likeness(component))) for component in left]
        pairs = [(component, waiting.popleft()) for component, waiting in found if waiting]
        paired = {id(component) for pair in pairs for component in pair}
        left = [component for component in left if id(component) not in paired]
        others = [other for other in others if id(other) not in paired]
        yield from pairs
    yield from ((component, None) for component in left)
    yield from ((None, other) for other in others)


def _without_equal(components: Sequence[Component], others: Sequence[Component]) -> list[Component]:
    """The components but for those that are among the others, each of which stands for one."""
    equal = Counter(other.digest() for other in others)
    left: list[Component] = []
    for component in components:
        digest = component.digest()
        if equal[digest]:
            equal[digest] -= 1
        else:
            left.append(component)
    return left


def _identity(component: Component) -> tuple[str, ...]:
    return component.kind, _first(component, "UID"), _first(component, "RECURRENCE-ID")


def _instance(component: Component) -> tuple[str, ...]:
    return component.kind, _first(component, "RECURRENCE-ID")


def _kind(component: Component) -> tuple[str, ...]:
    return (component.kind,)


def _first(component: Component, name: str) -> str:
    return min((text for text, called in component.properties.items() if called == name), default="")
