from __future__ import annotations

from urllib.parse import quote, unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caldav_backup.dav import BadAnswer, InvalidLocation, hrefs

names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("caldav://cloud.example/dav/", "https://cloud.example/dav/"),
        ("CalDAV://Cloud.Example", "https://cloud.example/"),
        ("caldavs://cloud.example/a%20b", "https://cloud.example/a%20b"),
        ("caldav+https://cloud.example", "https://cloud.example/"),
        ("caldav+http://127.0.0.1:5232/alice", "http://127.0.0.1:5232/alice"),
        ("https://cloud.example:443/x", "https://cloud.example/x"),
        ("http://cloud.example:8080/", "http://cloud.example:8080/"),
        ("caldav://https://cloud.example/dav", "https://cloud.example/dav"),
        ("caldav://http://localhost:5232/", "http://localhost:5232/"),
        ("caldav://HTTP://localhost:5232/", "http://localhost:5232/"),
        ("https://[::1]:5232/", "https://[::1]:5232/"),
        ("https://cloud.example/a b/ü", "https://cloud.example/a%20b/%C3%BC"),
    ],
)
def test_every_form_of_a_location_becomes_a_web_address(location: str, url: str) -> None:
    assert hrefs.parse_location(location) == hrefs.Location(url)


def test_credentials_are_split_off_and_decoded_and_never_shown() -> None:
    location = hrefs.parse_location("caldav://al%40ice:p%3Ass%20w@cloud.example:8443/dav/")
    assert location == hrefs.Location("https://cloud.example:8443/dav/", "al@ice", "p:ss w")
    assert "p:ss" not in repr(location)
    assert hrefs.parse_location("caldav://https://bob@cloud.example/") == hrefs.Location(
        "https://cloud.example/", "bob"
    )


@pytest.mark.parametrize(
    "location",
    [
        "",
        "cloud.example",
        "ftp://cloud.example",
        "caldav://ftp://cloud.example/",
        "caldav://",
        "https://:80/",
        "https://u:p@:0/",
        "https://h:99999/",
    ],
)
def test_what_is_no_location_is_refused_without_showing_it(location: str) -> None:
    with pytest.raises(InvalidLocation) as caught:
        hrefs.parse_location(location)
    assert "u:p" not in str(caught.value)


@pytest.mark.parametrize(
    "spelling",
    [
        "/cal/al%40ice/x%C3%BC.ics",
        "/cal/al@ice/x%c3%bc.ics",
        "/cal/al@ice/xü.ics",
        "https://other.example/cal/al%40ice/x%C3%BC.ics",
        "/%63al/al@ice/x%C3%bc.ics",
    ],
)
def test_all_spellings_of_an_href_have_one_normal_form(spelling: str) -> None:
    assert hrefs.normalise(spelling) == "/cal/al@ice/x%C3%BC.ics"


@pytest.mark.parametrize(("one", "other"), [("/a%2Fb", "/a/b"), ("/a%25b", "/a%b%"), ("/a+b", "/a b"), ("/A", "/a")])
def test_different_resources_have_different_normal_forms(one: str, other: str) -> None:
    assert hrefs.normalise(one) != hrefs.normalise(other)


def test_a_final_slash_does_not_make_another_resource() -> None:
    assert hrefs.same_resource("/cal/work/", "https://h/cal/work")
    assert not hrefs.same_resource("/cal/work/", "/cal/work2/")


@given(names)
def test_a_quoted_name_is_one_segment_and_decodes_to_itself(name: str) -> None:
    quoted = hrefs.quote_segment(name)
    assert "/" not in quoted
    assert hrefs.segments("/cal/" + quoted) == ["cal", name]


@given(names, st.sampled_from(["", "/", "@:", "!$&'()*+,;=~"]))
def test_normalising_is_idempotent_and_keeps_the_bytes(name: str, safe: str) -> None:
    href = "/cal/" + quote(name, safe=safe.replace("/", ""))
    normal = hrefs.normalise(href)
    assert hrefs.normalise(normal) == normal
    assert unquote_to_bytes(normal) == unquote_to_bytes(href)


@given(st.text("ab%2F4/?#: @ü.", max_size=20))
def test_any_text_in_an_answer_becomes_a_path_that_can_be_requested(href: str) -> None:
    path = hrefs.member("https://dav.example/cal/", href)
    assert path.startswith("/")
    assert path.isascii()
    assert not set(path) & set(" ?#")


@given(st.lists(st.sampled_from(["a", "b.ics", "%2F", "%E9", "x%20y", "", "?"])).map("/".join))
def test_the_leaf_is_the_last_segment(path: str) -> None:
    for href in (path, "/" + path, "https://cloud.example/" + path):
        assert hrefs.leaf(href) == (hrefs.segments(href) or [""])[-1]


def test_segments_that_are_not_utf8_survive() -> None:
    assert hrefs.segments("/cal/%E9.ics") == ["cal", "\udce9.ics"]
    assert hrefs.quote_segment("\udce9.ics") == "%E9.ics"
    assert hrefs.normalise("/cal/\udce9.ics") == "/cal/%E9.ics"


@pytest.mark.parametrize(
    ("href", "path"),
    [
        ("/cal/x.ics", "/cal/x.ics"),
        ("https://elsewhere/cal/x.ics", "/cal/x.ics"),
        ("x.ics", "/cal/x.ics"),
        ("./x.ics", "/cal/x.ics"),
        ("colon:x.ics", "/cal/colon:x.ics"),  # Xandikos 0.4
        ("/cal/a?b.ics", "/cal/a%3Fb.ics"),  # Cyrus 3.6
        ("/cal/a#b c.ics", "/cal/a%23b%20c.ics"),
        ("/cal/x%c3%bc%40.ics", "/cal/x%c3%bc%40.ics"),
        ("/cal/100%.ics", "/cal/100%25.ics"),
        ("//cal//x.ics", "//cal//x.ics"),
        ("//dav.example:8443/cal/x.ics", "/cal/x.ics"),
        (" /cal/x.ics\n", "/cal/x.ics"),
        ("/cal/../cal/x.ics", "/cal/x.ics"),
    ],
)
def test_hrefs_of_members_are_read_as_paths_below_the_collection(href: str, path: str) -> None:
    assert hrefs.member("https://dav.example:8443/cal", href) == path


@pytest.mark.parametrize(
    ("href", "url"),
    [
        ("/home/", "https://dav.example:8443/home/"),
        ("http://dav.example/home/", "https://dav.example:8443/home/"),
        ("https://p12-caldav.icloud.com:443/1/calendars/", "https://p12-caldav.icloud.com/1/calendars/"),
        ("https://u:p@other.example/x y", "https://other.example/x%20y"),
        ("https://other.example", "https://other.example/"),
    ],
)
def test_addresses_in_answers_keep_the_host_that_answered_unless_they_name_another(href: str, url: str) -> None:
    assert hrefs.resolve("https://dav.example:8443/", href) == url


def test_an_address_without_a_host_is_a_bad_answer() -> None:
    with pytest.raises(BadAnswer):
        hrefs.resolve("https://dav.example/", "http://:80/x")


@pytest.mark.parametrize(
    ("target", "url"),
    [
        ("/dav/", "https://h.example:8443/dav/"),
        ("dav/?a=1#f", "https://h.example:8443/.well-known/dav/?a=1"),
        ("http://h.example/dav", "https://h.example:8443/dav"),
        ("https://other.example/dav", "https://other.example/dav"),
        ("http://other.example/dav", "http://other.example/dav"),
        ("https://u:p@h.example:8443", "https://h.example:8443/"),
    ],
)
def test_redirections_keep_https_at_the_same_host(target: str, url: str) -> None:
    assert hrefs.redirected("https://h.example:8443/.well-known/caldav", target) == url


@pytest.mark.parametrize("target", ["mailto:a@b", "ftp://h/x", "http://"])
def test_a_redirection_to_no_web_address_is_refused(target: str) -> None:
    with pytest.raises(ValueError, match="no web address"):
        hrefs.redirected("https://h.example/", target)


@pytest.mark.parametrize(
    ("own", "other", "may"),
    [
        ("https://h.example/", "https://h.example/x", True),
        ("https://h.example/", "https://h.example:8443/x", True),
        ("http://h.example/", "https://h.example/x", True),
        ("http://h.example:80/", "http://h.example/x", True),
        ("http://h.example/", "http://h.example:8080/x", False),
        ("https://h.example/", "http://h.example/x", False),
        ("https://h.example/", "https://evil.example/x", False),
        ("https://h.example/", "https://h.example.evil.example/x", False),
        ("https://caldav.icloud.com/", "https://p1-caldav.icloud.com/x", True),
        ("https://caldav.icloud.com/", "http://p1-caldav.icloud.com/x", False),
        ("https://caldav.icloud.com/", "https://p1-caldav.icloud.com.evil.example/", False),
        ("https://h.example/", "https://p1-caldav.icloud.com/", False),
        ("http://caldav.icloud.com/", "https://p1-caldav.icloud.com/", False),
    ],
)
def test_credentials_stay_with_their_host(own: str, other: str, may: bool) -> None:
    assert hrefs.may_see_credentials(own, other) is may


@pytest.mark.parametrize(
    ("url", "is_loopback"),
    [
        ("http://127.0.0.1:5232/", True),
        ("http://[::1]/", True),
        ("http://localhost/", True),
        ("http://calendar.localhost/", True),
        ("http://ip6-localhost:5232/", True),
        ("http://192.168.1.2/", False),
        ("http://localhost.example/", False),
        ("file:///x", False),
    ],
)
def test_only_this_machine_is_loopback(url: str, is_loopback: bool) -> None:
    assert hrefs.is_loopback(url) is is_loopback


def test_an_origin_has_no_path_and_no_credentials() -> None:
    assert hrefs.origin_of("https://u:p@H.example:443/x?y") == "https://h.example"
    assert hrefs.path_of("https://h.example") == "/"
    assert hrefs.collection("/a") == hrefs.collection("/a/") == "/a/"
