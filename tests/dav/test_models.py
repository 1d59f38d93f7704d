from __future__ import annotations

import pytest

from caldav_backup import dav


@pytest.mark.parametrize(
    ("etag", "comparable"),
    [
        ('"abc"', '"abc"'),
        ('W/"abc"', '"abc"'),
        ('"abc-gzip"', '"abc"'),
        ('W/"abc--gzip"', '"abc"'),
        ('"abc;gzip"', '"abc"'),
        ('"abc-br"', '"abc"'),
        ("abc-gzip", "abc"),
        ('"gzip-abc"', '"gzip-abc"'),
        ('"W/abc"', '"W/abc"'),
        (' "abc" ', '"abc"'),
        ("", ""),
    ],
)
def test_what_proxies_add_to_an_etag_makes_no_other_version(etag: str, comparable: str) -> None:
    assert dav.comparable_etag(etag) == comparable


def test_addresses_of_private_feeds_are_not_shown() -> None:
    secret = "https://feeds.example/private-0123/basic.ics"
    assert secret not in repr(dav.Calendar("/c/", "https://h/c/", source=secret))
    assert secret not in repr(dav.LeftOut("/c/", "c", "subscribed", secret))
