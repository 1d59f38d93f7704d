from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from caldav_backup.dav.properties import Property, from_element

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
