from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from caldav_backup.dav.properties import Property, from_element, same_element

texts = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FFF, exclude_categories=["Cs", "Cc"]), max_size=12)
tags = st.sampled_from(["{DAV:}href", "{urn:x}y", "plain", "{urn:ietf:params:xml:ns:caldav}comp"])
attributes = st.dictionaries(st.sampled_from(["name", "{urn:x}a"]), texts, max_size=2).map(
    lambda all_: tuple(all_.items())
)
properties = st.recursive(
    st.builds(Property, tags, texts, attributes, st.just(()), texts),
    lambda below: st.builds(Property, tags, texts, attributes, st.lists(below, max_size=3).map(tuple), texts),
    max_leaves=8,
)


@given(properties)
def test_a_property_survives_being_written_and_read(value: Property) -> None:
    read = from_element(etree.fromstring(value.to_xml()), depth=64)
    assert read == value._replace(tail="")


def test_an_element_nested_too_deeply_is_refused() -> None:
    xml = b"<a>" * 10 + b"</a>" * 10
    assert from_element(etree.fromstring(xml), depth=10).name == "a"
    with pytest.raises(ValueError, match="nested"):
        from_element(etree.fromstring(xml), depth=9)


def test_children_and_attributes_are_found_by_name() -> None:
    value = from_element(etree.fromstring(b'<a x="1"><b/><c>t</c></a>'), depth=9)
    assert value.find("c") == Property("c", "t")
    assert value.find("d") is None
    assert (value.attribute("x"), value.attribute("y")) == ("1", "")
    assert [each.name for each in value.walk()] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (b'<a xmlns="urn:x" b="1" c="2"> t </a>', b'<y:a xmlns:y="urn:x" c="2" b="1">t</y:a>', True),
        (b'<a xmlns="urn:x"><b/><!-- x --></a>', b'<a xmlns="urn:x">\n  <b/>\n</a>', True),
        (b'<a xmlns="urn:x">t</a>', b'<a xmlns="urn:y">t</a>', False),
        (b'<a xmlns="urn:x">t</a>', b'<a xmlns="urn:x">u</a>', False),
        (b'<a xmlns="urn:x" b="1"/>', b'<a xmlns="urn:x" b="2"/>', False),
        (b"<a><b/><c/></a>", b"<a><c/><b/></a>", False),
        (b"<a", b"<a", True),
        (b"<a", b"<a/>", False),
        (b"<a>" * 100 + b"</a>" * 100, b"<a/>", False),
        (b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', b"<a>y</a>", False),
    ],
)
def test_elements_are_the_same_by_what_they_say(one: bytes, other: bytes, same: bool) -> None:
    assert same_element(one, other) is same
    assert same_element(other, one) is same
