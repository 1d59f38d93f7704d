"""Property values as plain values: what remains of the XML after the parser has freed it.

Owns `Property` and both ways between it and XML.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from lxml import etree


class Property(NamedTuple):
    """An element: its qualified name, its text, attributes, child elements, and the text that follows it."""

    name: str
    text: str = ""
    attributes: tuple[tuple[str, str], ...] = ()
    children: tuple[Property, ...] = ()
    tail: str = ""

    def find(self, name: str) -> Property | None:
        """The first child of that name."""
        return next((child for child in self.children if child.name == name), None)

    def attribute(self, name: str) -> str:
        """The attribute's value; empty when there is none."""
        return dict(self.attributes).get(name, "")

    def walk(self) -> Iterator[Property]:
        """The element and all below it, in document order."""
        yield self
        for child in self.children:
            yield from child.walk()

    def to_xml(self) -> bytes:
        """The element as a document of its own."""
        element = etree.Element(self.name, dict(self.attributes))
        _fill(element, self)
        return etree.tostring(element, encoding="utf-8")


def from_element(element: etree._Element, depth: int) -> Property:
    """The value of an element that the parser is about to free. Raises ValueError when it is nested above `depth`."""
    if depth == 0:
        raise ValueError("the XML is nested too deeply")
    attributes = element.items()
    return Property(
        str(element.tag),
        element.text or "",
        tuple((str(name), str(value)) for name, value in attributes) if attributes else (),
        tuple(from_element(child, depth - 1) for child in element) if len(element) else (),
        element.tail or "",
    )


def _fill(element: etree._Element, value: Property) -> None:
    element.text = value.text or None
    for child in value.children:
        # Made in place: an element that is appended later may get its attributes' prefixes mixed up (lxml 6.1).
        below = etree.SubElement(element, child.name, dict(child.attributes))
        below.tail = child.tail or None
        _fill(below, child)
