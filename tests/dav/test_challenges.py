from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caldav_backup.dav.challenges import Challenge, parse_challenges, schemes


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ([], []),
        ([""], []),
        (["Basic"], [Challenge("basic")]),
        (['basic realm="SOGo"'], [Challenge("basic", {"realm": "SOGo"})]),  # SOGo 5.8
        (['Basic realm="a, b=c", charset=UTF-8'], [Challenge("basic", {"realm": "a, b=c", "charset": "UTF-8"})]),
        # RFC 9110 §11.6.1
        (
            ['Basic realm="simple", Newauth realm="apps", type=1, title="Login to \\"apps\\""'],
            [
                Challenge("basic", {"realm": "simple"}),
                Challenge("newauth", {"realm": "apps", "type": "1", "title": 'Login to "apps"'}),
            ],
        ),
        (["Negotiate, NTLM", "Basic"], [Challenge("negotiate"), Challenge("ntlm"), Challenge("basic")]),
        (["Negotiate YII+/abc==, Basic realm=x"], [Challenge("negotiate"), Challenge("basic", {"realm": "x"})]),
        (['X-MobileMe-AuthToken realm="MMCS"'], [Challenge("x-mobileme-authtoken", {"realm": "MMCS"})]),
        (
            ['Bearer realm="x",error = "invalid_token" , error_description="gone"'],
            [Challenge("bearer", {"realm": "x", "error": "invalid_token", "error_description": "gone"})],
        ),
        (["realm=lost, Basic"], [Challenge("basic")]),
        (["Basic realm=, charset=UTF-8"], [Challenge("basic", {"charset": "UTF-8"})]),
        (['Basic realm="no end'], [Challenge("basic", {"realm": ""}), Challenge("no")]),
        (['Digest nonce="", qop="auth,auth-int"'], [Challenge("digest", {"nonce": "", "qop": "auth,auth-int"})]),
        ([",, Basic ,, realm=x"], [Challenge("basic", {"realm": "x"})]),
    ],
)
def test_challenges_are_read_from_one_header_or_several(headers: list[str], found: list[Challenge]) -> None:
    assert parse_challenges(headers) == found


@given(st.lists(st.text(max_size=60), max_size=3))
def test_any_header_can_be_read(headers: list[str]) -> None:
    assert all(scheme == scheme.lower() for scheme in schemes(parse_challenges(headers)))


@pytest.mark.full
def test_a_long_header_is_read_in_time() -> None:
    for header in (
        '"' * 100_000,
        "a=" * 50_000,
        'x="' + "\\" * 100_000,
        "a " * 50_000,
        " " * 100_000,
        "a" * 100_000 + "=",
    ):
        parse_challenges([header])
