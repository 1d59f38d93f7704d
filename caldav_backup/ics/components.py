"""An object as a tree of components, each with its properties in canonical spelling.

Owns the tree, which tolerates unbalanced BEGIN and END, and what is left out of it because servers write it on their
own. How one value is spelled is `values`', how an end is told is `ends`'.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b

from caldav_backup.ics.ends import settled_end
from caldav_backup.ics.lines import TOP_LEVEL, component_kind, line_name, parse_named_line
from caldav_backup.ics.values import canonical_properties

DIGEST_SIZE = 16
IGNORED = frozenset({"DTSTAMP", "CREATED", "LAST-MODIFIED"})
#: Around the components: written by whoever handled the object last, or about the calendar it came from.
IGNORED_IN_CALENDAR = frozenset({"PRODID", "VERSION", "METHOD", "X-WR-CALNAME", "X-WR-TIMEZONE", "X-WR-CALDESC"})
#: Names that servers give to alarms: Cyrus 3.6 and Apple's add a UID (RFC 9074 §4), older Apple programs the other one.
IGNORED_IN_ALARM = frozenset({"UID", "X-WR-ALARMUID"})
_CACHED_LENGTH = 200


@dataclass(slots=True)
class Component:
    """One component: `properties` are canonical texts, each with the name that the object itself calls it by.

    `told`: the same with its end as the object tells it, which only differs where `ends` has another spelling for it.
    """

    kind: str
    properties: dict[str, str] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)
    children: list[Component] = field(default_factory=list)

    def digest(self) -> bytes:
        """128 bits that are equal for components that say the same, in whatever order."""
        said = "\0".join([self.kind, *sorted(self.properties)])
        state = blake2b(said.encode("utf-8", "surrogateescape"), digest_size=DIGEST_SIZE)
        for child in sorted(child.digest() for child in self.children):
            state.update(b"\1" + child)
        return state.digest()


def parse_components(plain: bytes) -> Component:
    r"""The tree of an unfolded object below a root that stands for all its VCALENDARs; lines end in `\n`."""
    root = Component("VCALENDAR")
    stack = [root]
    for line in plain.split(b"\n"):
        name, said = _read(line)
        if name == "BEGIN":
            _open(stack, said[0])
        elif name == "END":
            _close(stack, said[0])
        elif said and not is_ignored(name, stack[-1].kind):
            for text in said:
                stack[-1].properties[text] = name or text
    for component in _descendants(root):
        component.told = component.properties
        component.properties = settled_end(component.kind, component.properties) or component.properties
    return root


def is_ignored(name: str, kind: str) -> bool:
    """True for a property that says nothing of what a component of that kind means."""
    if name in IGNORED:
        return True
    return (kind == "VCALENDAR" and name in IGNORED_IN_CALENDAR) or (kind == "VALARM" and name in IGNORED_IN_ALARM)


def _descendants(component: Component) -> Iterator[Component]:
    for child in component.children:
        yield child
        yield from _descendants(child)


def _open(stack: list[Component], kind: str) -> None:
    if kind in TOP_LEVEL:
        del stack[1:]
    if kind != "VCALENDAR":
        component = Component(kind)
        stack[-1].children.append(component)
        stack.append(component)


def _close(stack: list[Component], kind: str) -> None:
    for depth in range(len(stack) - 1, 0, -1):
        if stack[depth].kind == kind:
            del stack[depth:]
            return


def _read(line: bytes) -> tuple[str, tuple[str, ...]]:
    """Name of an unfolded line, and its canonical texts: one kind for BEGIN and END, none for a blank line."""
    # Two versions of an object have most of their lines in common. Long ones are not worth the memory.
    return _read_short(line) if len(line) <= _CACHED_LENGTH else _read_any(line)


def _read_any(line: bytes) -> tuple[str, tuple[str, ...]]:
    name = line_name(line)
    if name in ("BEGIN", "END"):
        return name, (component_kind(line),)
    return name, tuple(canonical_properties(parse_named_line(name, line), line)) if line.strip() else ()


_read_short = lru_cache(maxsize=1024)(_read_any)
