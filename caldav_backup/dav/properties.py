"""Property values as plain values: what remains of the XML after the parser has freed it.

Owns `Property` and both ways between it and XML.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from lxml import etree

#: Deepest nesting of what is compared, as of what is read (`limits`).
_DEPTH = 64


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


def same_element(one: bytes, other: bytes) -> bool:
    """True when two elements, as documents, say the same: prefixes, order of attributes and outer blanks apart."""
    try:
        return _bare(_parsed(one)) == _bare(_parsed(other))
    except ValueError:
        return one == other


def _parsed(document: bytes) -> Property:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        return from_element(etree.fromstring(document, parser), _DEPTH)
    except etree.XMLSyntaxError as error:
        raise ValueError(str(error)) from error


def _bare(value: Property) -> Property:
    children = tuple(_bare(child) for child in value.children)
    return Property(value.name, value.text.strip(), tuple(sorted(value.attributes)), children, value.tail.strip())


def _fill(element: etree._Element, value: Property) -> None:
    element.text = value.text or None
    for child in value.children:
        # Made in place: an element that is appended later may get its attributes' prefixes mixed up (lxml 6.1).
        below = etree.SubElement(element, child.name, dict(child.attributes))
        below.tail = child.tail or None
        _fill(below, child)
