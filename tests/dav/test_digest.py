"""RFC 7616's own examples, and what servers ask for besides."""

from __future__ import annotations

import hashlib
import re

import pytest

from caldav_backup.dav.challenges import Challenge, parse_challenges
from caldav_backup.dav.digest import Digest, best_digest

#: RFC 7616 §3.9.1: a GET of http://www.example.org/dir/index.html by Mufasa.
REALM = 'realm="http-auth@example.org", qop="auth, auth-int"'
NONCE = 'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
EXAMPLE = [f"Digest {REALM}, algorithm=SHA-256, {NONCE}", f"Digest {REALM}, algorithm=MD5, {NONCE}"]
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
URL = "http://www.example.org/dir/index.html"


def fields(header: str) -> dict[str, str]:
    (challenge,) = parse_challenges([header])
    return dict(challenge.parameters)


def digest(header: str, user: str = "Mufasa", password: str = "Circle of Life", cnonce: str = CNONCE) -> Digest:
    (challenge,) = parse_challenges([header])
    return Digest(challenge, user, password, new_cnonce=lambda: cnonce)


@pytest.mark.parametrize(
    ("header", "response"),
    [
        (EXAMPLE[0], "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        (EXAMPLE[1], "8ca523f5e9506fed4657c9700eebdbec"),
    ],
    ids=["SHA-256", "MD5"],
)
def test_the_examples_of_the_standard_come_out(header: str, response: str) -> None:
    signed = fields(digest(header).authorize("GET", URL))
    assert signed["response"] == response
    assert signed["uri"] == "/dir/index.html"
    assert (signed["nc"], signed["qop"], signed["cnonce"]) == ("00000001", "auth", CNONCE)
    assert signed["opaque"] == "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"


def test_an_older_server_without_qop_gets_the_older_form() -> None:
    """RFC 2617 §3.5's example, computed as RFC 2069 does."""
    header = 'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"'
    signed = fields(digest(header, "Mufasa", "CircleOfLife").authorize("GET", URL))
    assert signed["response"] == "1949323746fe6a43ef61f9606e7febea"
    assert not {"nc", "qop", "cnonce", "algorithm"} & signed.keys()


def test_a_session_hashes_the_nonces_into_the_login() -> None:
    header = EXAMPLE[1].replace("algorithm=MD5", "algorithm=MD5-sess")
    signed = fields(digest(header).authorize("GET", URL))

    def md5(text: str) -> str:
        return hashlib.md5(text.encode()).hexdigest()

    nonce = signed["nonce"]
    login = md5(f"{md5('Mufasa:http-auth@example.org:Circle of Life')}:{nonce}:{CNONCE}")
    assert signed["response"] == md5(f"{login}:{nonce}:00000001:{CNONCE}:auth:{md5('GET:/dir/index.html')}")
    assert signed["algorithm"] == "MD5-sess"


def test_a_session_of_an_older_server_is_told_its_nonce() -> None:
    signed = fields(digest('Digest realm="r", nonce="n", algorithm=MD5-sess').authorize("GET", URL))
    assert signed["cnonce"] == CNONCE
    assert not {"nc", "qop"} & signed.keys()


def test_each_use_of_a_nonce_is_counted() -> None:
    answers = digest(EXAMPLE[0])
    headers = [answers.authorize("PROPFIND", "https://h/") for _ in range(11)]
    assert [fields(header)["nc"] for header in headers] == [f"{number:08x}" for number in range(1, 12)]
    assert len({fields(header)["response"] for header in headers}) == 11


def test_the_query_is_part_of_what_is_signed_and_an_empty_path_is_the_root() -> None:
    assert fields(digest(EXAMPLE[0]).authorize("GET", "https://h/a%20b?c=d"))["uri"] == "/a%20b?c=d"
    assert fields(digest(EXAMPLE[0]).authorize("GET", "https://h"))["uri"] == "/"


def test_names_are_quoted_encoded_or_hashed_as_the_server_wants() -> None:
    assert r'username="do\"main\\alice"' in digest(EXAMPLE[0], r"do" + '"main\\alice').authorize("GET", URL)
    assert 'username="älice"' in digest(EXAMPLE[0], "älice").authorize("GET", URL)
    assert "username*=UTF-8''%C3%A4lice" in digest(f"{EXAMPLE[0]}, charset=UTF-8", "älice").authorize("GET", URL)
    hashed = digest(f"{EXAMPLE[0]}, userhash=true").authorize("GET", URL)
    assert hashlib.sha256(b"Mufasa:http-auth@example.org").hexdigest() in hashed
    assert "userhash=true" in hashed and "Mufasa" not in hashed


def test_the_password_is_in_no_header() -> None:
    assert not re.search("Circle", digest(EXAMPLE[0]).authorize("GET", URL))


def test_the_best_hash_is_taken_and_what_is_not_known_is_left() -> None:
    both = parse_challenges(reversed(EXAMPLE))
    best = best_digest(both)
    assert best is not None and best.parameters["algorithm"] == "SHA-256"
    for useless in (
        'Digest nonce="n", algorithm=SHA-512-256',
        'Digest nonce="n", qop="auth-int"',
        "Digest qop=auth",
        "Basic",
    ):
        assert best_digest(parse_challenges([useless])) is None
    assert best_digest([Challenge("digest", {"nonce": "n"})]) is not None
