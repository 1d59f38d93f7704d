from __future__ import annotations

import pytest
from lxml import etree

from caldav_backup.dav import names, requests

URL = "https://dav.example/cal/"


def body(request: requests.Request) -> etree._Element:
    assert request.content is not None
    return etree.fromstring(request.content)


def test_a_propfind_names_properties_and_always_a_depth() -> None:
    request = requests.propfind(URL, [names.GETETAG, names.GETCTAG], requests.MEMBERS)
    assert (request.method, request.url, request.headers["depth"]) == ("PROPFIND", URL, "1")
    assert request.headers["content-type"] == "application/xml; charset=utf-8"
    assert [each.tag for each in body(request)[0]] == [names.GETETAG, names.GETCTAG]
    assert requests.propname(URL, "0").headers["depth"] == "0"
    assert body(requests.propname(URL, "0"))[0].tag == names.PROPNAME
    assert body(requests.allprop(URL, "1"))[0].tag == names.ALLPROP


def test_a_multiget_names_properties_then_members() -> None:
    request = requests.multiget(URL, [names.GETETAG], ["/cal/a%40b.ics", "/cal/c&d.ics"])
    assert request.method == "REPORT"
    assert "depth" in request.headers
    assert [each.text for each in body(request).iterchildren(names.HREF)] == ["/cal/a%40b.ics", "/cal/c&d.ics"]


def test_principals_are_searched_by_an_address_at_one_resource() -> None:
    request = requests.principal_search(URL, "ann&bob@example.org")
    assert (request.method, request.headers["depth"]) == ("REPORT", "0")
    search, asked = body(request)
    assert search[0][0].tag == names.CALENDAR_USER_ADDRESS_SET
    assert search.findtext(names.MATCH) == "ann&bob@example.org"
    assert asked.tag == names.PROP


def test_a_put_carries_its_preconditions_and_the_callers_headers() -> None:
    request = requests.put(URL, b"x", if_match='"1"', if_none_match=True, headers={"Schedule-Reply": "F"})
    assert dict(request.headers) == {
        "content-type": "text/calendar; charset=utf-8",
        "if-match": '"1"',
        "if-none-match": "*",
        "Schedule-Reply": "F",
    }
    assert "if-match" not in requests.put(URL, b"x", if_match=None, if_none_match=False, headers={}).headers
    assert requests.delete(URL, if_match='"1"', headers={"X-NC-Scheduling": "false"}).headers == {
        "if-match": '"1"',
        "X-NC-Scheduling": "false",
    }


@pytest.mark.parametrize("build", [requests.mkcalendar, requests.extended_mkcol])
def test_a_new_calendar_is_given_its_name_and_components_only(build: object) -> None:
    assert callable(build)
    request = build(URL, "A & <b>\x01", ["VEVENT", "VTODO"])
    prop = body(request)[0][0]
    assert prop.findtext(names.DISPLAYNAME) == "A & <b>"
    assert [each.get("name") for each in prop.iter(names.COMP)] == ["VEVENT", "VTODO"]
    assert request.expected == {201}
    assert len(body(build(URL, None, []))[0][0].findall(names.DISPLAYNAME)) == 0


def test_only_mkcol_says_that_it_wants_a_calendar() -> None:
    prop = body(requests.extended_mkcol(URL, None, []))[0][0]
    assert [each.tag for each in prop[0]] == [names.COLLECTION, names.CALENDAR]


def test_a_property_is_set_to_text_or_xml_or_removed() -> None:
    assert body(requests.proppatch(URL, names.DISPLAYNAME, "A\x00B"))[0][0].findtext(names.DISPLAYNAME) == "AB"
    whole = body(requests.proppatch(URL, "{urn:x}y", b'<z:y xmlns:z="urn:x">a<b/></z:y>'))
    assert whole[0].tag == names.SET
    assert whole[0][0][0].tag == "{urn:x}y"
    assert [each.tag for each in whole[0][0][0]] == ["b"]
    assert body(requests.proppatch(URL, names.DISPLAYNAME, None))[0].tag == names.REMOVE


def test_attributes_of_a_whole_property_keep_their_namespaces() -> None:
    xml = b'<z:y xmlns:z="urn:x"><w:v xmlns:w="DAV:" z:a="1"/>\xc3\xbc</z:y>'
    found = body(requests.proppatch(URL, "{urn:x}y", xml))[0][0][0]
    assert dict(found[0].items()) == {"{urn:x}a": "1"}
    assert found[0].tail == "ü"


@pytest.mark.parametrize("xml", [b"<y/>", b"no xml", b""])
def test_xml_of_another_name_is_no_value(xml: bytes) -> None:
    with pytest.raises(ValueError, match="urn:x"):
        requests.proppatch(URL, "{urn:x}y", xml)


def test_transparency_is_an_element() -> None:
    assert etree.fromstring(requests.transparency("transparent"))[0].tag.endswith("}transparent")
    assert etree.fromstring(requests.transparency("opaque"))[0].tag.endswith("}opaque")
    assert etree.fromstring(requests.transparency("anything"))[0].tag.endswith("}opaque")
