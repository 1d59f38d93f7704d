from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caldav_backup import dav
from caldav_backup.dav.refusals import readable, refusal, retry_after

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def error(inside: str) -> bytes:
    return f'<d:error xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">{inside}</d:error>'.encode()


@pytest.mark.parametrize(
    ("status", "body", "kind", "condition"),
    [
        (400, b"", dav.Refused, ""),
        (401, b"", dav.Unauthorized, ""),
        (403, b"", dav.Forbidden, ""),
        (403, error("<d:need-privileges/>"), dav.Forbidden, "need-privileges"),
        (403, error("<c:no-uid-conflict><d:href>/x</d:href></c:no-uid-conflict>"), dav.Refused, "no-uid-conflict"),
        (403, b'{"error": {"errors": [{"reason": "rateLimitExceeded"}], "code": 403}}', dav.TooManyRequests, ""),
        (403, b'{"error": {"errors": [{"reason": "userRateLimitExceeded"}]}}', dav.TooManyRequests, ""),
        (
            403,
            b"<errors><error><internalReason>dailyLimitExceeded</internalReason></error></errors>",
            dav.TooManyRequests,
            "",
        ),
        (403, b'{"error": {"errors": [{"reason": "quotaExceeded"}]}}', dav.TooManyRequests, ""),
        (403, b'{"error": {"errors": [{"reason": "forbiddenForNonOrganizer"}]}}', dav.Forbidden, ""),
        (403, error("<d:quota-not-exceeded/>"), dav.Refused, "quota-not-exceeded"),  # RFC 4331 §6: a full disk
        (407, b"", dav.Refused, ""),
        (404, b"", dav.NotFound, ""),
        (410, b"", dav.NotFound, ""),
        (405, b"", dav.Refused, ""),
        (408, b"", dav.Unavailable, ""),
        (409, error("<!-- x --><c:no-uid-conflict/>"), dav.Refused, "no-uid-conflict"),
        (412, b"", dav.PreconditionFailed, ""),
        (412, error("<c:no-uid-conflict/>"), dav.Refused, "no-uid-conflict"),  # Xandikos 0.4
        (412, error("<if-none-match/>text"), dav.PreconditionFailed, "if-none-match"),  # DAViCal 1.1
        (429, b"", dav.TooManyRequests, ""),
        (500, b"", dav.Refused, ""),
        (502, b"", dav.Unavailable, ""),
        (503, b"", dav.Unavailable, ""),
        (504, b"", dav.Unavailable, ""),
        (507, b"", dav.Refused, ""),
        (418, b"", dav.Refused, ""),
    ],
)
def test_each_status_has_its_error(status: int, body: bytes, kind: type[dav.DavError], condition: str) -> None:
    found = refusal("PUT", "/cal/x.ics", status, {}, body)
    assert type(found) is kind
    assert (found.method, found.href, found.status, found.condition) == ("PUT", "/cal/x.ics", status, condition)
    assert str(found).startswith(f"PUT /cal/x.ics: {status} ")


def test_sabre_exceptions_are_no_preconditions_and_their_message_is_shown() -> None:
    body = error(
        '<s:exception xmlns:s="http://sabredav.org/ns">Sabre\\DAV\\Exception\\BadRequest</s:exception>'
        '<s:message xmlns:s="http://sabredav.org/ns">Calendar object with uid already exists</s:message>'
    )
    found = refusal("PUT", "/x", 400, {}, body)
    assert found.condition == ""
    assert found.excerpt == "Calendar object with uid already exists"


def test_the_servers_own_words_are_shown() -> None:
    body = error("<c:valid-calendar-data/><d:responsedescription>No  UID</d:responsedescription>")
    assert str(refusal("PUT", "/x", 403, {}, body)) == (
        "PUT /x: 403 the server forbids it; valid-calendar-data; No UID"
    )


def test_the_href_of_what_has_the_uid_is_read_from_the_precondition() -> None:
    """As Cyrus 3.6 and Nextcloud's later versions say it."""
    body = error(
        '<s:exception xmlns:s="http://sabredav.org/ns">UidConflict</s:exception>'
        "<c:unique-scheduling-object-resource>\n  <d:href> /cal/with%20blank/a.ics\n</d:href>"
        "</c:unique-scheduling-object-resource><d:responsedescription>taken</d:responsedescription>"
    )
    found = refusal("PUT", "/x", 403, {}, body)
    assert (found.condition, found.condition_href) == ("unique-scheduling-object-resource", "/cal/with%20blank/a.ics")
    assert found.excerpt == "taken"


@pytest.mark.parametrize("href", ["", "/" + "x" * 2000, "/a\nb", "/a\u200bb"])
def test_no_href_is_read_from_what_can_be_none(href: str) -> None:
    body = error(f"<c:no-uid-conflict><d:href>{href}</d:href></c:no-uid-conflict>")
    assert refusal("PUT", "/x", 409, {}, body).condition_href == ""


def test_an_error_page_becomes_one_short_line() -> None:
    page = "<html><head><title>t</title></head><style>x</style><h1>Not &amp; here</h1>\n<p>" + "word " * 100
    assert readable(page).startswith("Not & here word word")
    assert len(readable(page)) == 200
    assert readable("a\x1b[31mred<unfinished") == "a?[31mred"


@given(st.binary(max_size=300))
def test_any_body_gives_an_error_with_one_short_line(body: bytes) -> None:
    found = refusal("GET", "/x", 500, {}, body)
    assert len(found.excerpt) <= 200
    assert found.excerpt.isprintable()


def test_an_error_document_with_entities_is_not_resolved() -> None:
    body = b'<!DOCTYPE e [<!ENTITY x SYSTEM "file:///etc/hostname">]><error xmlns="DAV:">&x;</error>'
    assert refusal("GET", "/x", 403, {}, body).condition == ""


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("17", 17.0),
        (" 0 ", 0.0),
        ("Fri, 01 May 2026 12:01:30 GMT", 90.0),
        ("Fri, 01 May 2026 12:01:30 -0000", 90.0),
        ("Fri, 01 May 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("1" * 400, float("inf")),
        ("Fri, 01 May 12026 12:00:00 GMT", None),
        ("Fri, 01 May 9999 12:00:00 GMT", (datetime(9999, 5, 1, 12, tzinfo=UTC) - NOW).total_seconds()),
        ("Friday, 01-May-26 12:01:30 GMT", 90.0),  # RFC 850, obsolete and allowed
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert retry_after(value, NOW) == seconds


def test_a_refusal_carries_the_servers_wish() -> None:
    soon = datetime.now(UTC) + timedelta(seconds=60)
    found = refusal("GET", "/x", 503, {"retry-after": soon.strftime("%a, %d %b %Y %H:%M:%S GMT")}, b"")
    assert found.retry_after is not None
    assert 50 < found.retry_after <= 60
