"""Whom we talk to, over real TLS on the loopback interface."""

from __future__ import annotations

import ssl
from datetime import timedelta
from pathlib import Path

import pytest

from caldav_backup import dav
from caldav_backup.dav import requests
from caldav_backup.dav.answer import Answer
from caldav_backup.dav.tls import why_failed
from tests.dav.certificates import DAY, Certificate, refusing, serving
from tests.dav.fakes import Waits, run

LOGIN = dav.PasswordAuthentication("alice", "s3cret-pass")


async def read(answer: Answer) -> bytes:
    return await answer.read(100)


def ask(
    tmp_path: Path, certificate: Certificate, tls: dav.Tls, clients: Path | None = None
) -> tuple[bytes | dav.DavError, list[bytes]]:
    """What comes of one request, and what the server saw of it."""
    waits = Waits()

    async def story() -> tuple[bytes | dav.DavError, list[bytes]]:
        async with serving(certificate.write(tmp_path / "server.pem"), clients=clients) as server:
            retries = dav.Retries(sleep=waits, clock=waits.clock)
            async with dav.Transport(server.url, LOGIN, tls=tls, retries=retries) as network:
                try:
                    return await network.exchange(requests.get(server.url), read), server.heads
                except dav.DavError as error:
                    return error, server.heads

    result, heads = run(story())
    assert "\n" not in str(result)
    if isinstance(result, dav.UntrustedServer):
        assert waits == []
    return result, heads


def refused(tmp_path: Path, certificate: Certificate, tls: dav.Tls) -> str:
    error, heads = ask(tmp_path, certificate, tls)
    assert isinstance(error, dav.UntrustedServer)
    # Not a byte of a request, and so no credentials, came out of the handshake.
    assert heads == []
    return str(error)


@pytest.fixture(scope="module")
def authority() -> Certificate:
    return Certificate("an authority")


@pytest.fixture
def ca(authority: Certificate, tmp_path: Path) -> Path:
    return authority.write(tmp_path / "ca.pem", with_key=False)


def test_an_authority_of_ones_own_is_trusted(tmp_path: Path, authority: Certificate, ca: Path) -> None:
    result, heads = ask(tmp_path, Certificate("127.0.0.1", authority), dav.Tls(ca=ca))
    assert result == b"ok"
    assert b"authorization: Basic" in heads[0]


@pytest.mark.parametrize(
    ("name", "age", "lasts", "words"),
    [
        ("127.0.0.1", 9 * DAY, 2 * DAY, "its certificate has expired; its owner must renew it"),
        ("127.0.0.1", -DAY, 9 * DAY, "not valid yet; see whether the clock of this machine is right"),
        ("cloud.example.org", DAY, 9 * DAY, "its certificate is for another host; use the name that it is for"),
    ],
    ids=["expired", "not yet", "other host"],
)
def test_a_certificate_that_does_not_fit_says_why(
    tmp_path: Path, authority: Certificate, ca: Path, name: str, age: timedelta, lasts: timedelta, words: str
) -> None:
    assert words in refused(tmp_path, Certificate(name, authority, age=age, lasts=lasts), dav.Tls(ca=ca))


def test_who_signs_himself_is_not_trusted(tmp_path: Path) -> None:
    said = refused(tmp_path, Certificate("127.0.0.1"), dav.Tls())
    assert "(self-signed)" in said
    assert "tls_ca names an authority to trust, tls_fingerprint this one certificate" in said


def test_an_authority_that_nobody_knows_is_not_trusted(tmp_path: Path, authority: Certificate) -> None:
    said = refused(tmp_path, Certificate("127.0.0.1", authority), dav.Tls())
    assert "tls_ca names an authority to trust" in said


def test_with_an_authority_of_ones_own_no_other_is_trusted(tmp_path: Path, authority: Certificate) -> None:
    other = Certificate("another authority").write(tmp_path / "other.pem", with_key=False)
    assert "not trusted" in refused(tmp_path, Certificate("127.0.0.1", authority), dav.Tls(ca=other))


@pytest.mark.parametrize("is_signed", [True, False])
def test_a_pinned_certificate_is_accepted_whoever_signed_it(
    tmp_path: Path, authority: Certificate, is_signed: bool
) -> None:
    certificate = Certificate("other.example", authority if is_signed else None, age=9 * DAY, lasts=DAY)
    assert ask(tmp_path, certificate, dav.Tls(fingerprint=certificate.fingerprint.upper()))[0] == b"ok"


def test_any_other_certificate_than_the_pinned_one_is_refused_also_when_it_is_trusted(
    tmp_path: Path, authority: Certificate, ca: Path
) -> None:
    certificate = Certificate("127.0.0.1", authority)
    said = refused(tmp_path, certificate, dav.Tls(ca=ca, fingerprint="0" * 64))
    assert "not the one in tls_fingerprint" in said
    assert certificate.fingerprint.upper() in said.replace(":", "")


def test_a_pin_and_plain_http_contradict_each_other() -> None:
    async def story() -> None:
        url = "http://127.0.0.1:9/"
        async with dav.Transport(url, LOGIN, tls=dav.Tls(fingerprint="0" * 64)) as network:
            await network.exchange(requests.get(url), read)

    with pytest.raises(dav.InvalidLocation, match="tls_fingerprint"):
        run(story())


def test_a_client_certificate_is_shown_to_a_server_that_wants_one(
    tmp_path: Path, authority: Certificate, ca: Path
) -> None:
    client = Certificate("alice", authority).write(tmp_path / "alice.pem")
    server = Certificate("127.0.0.1", authority)
    assert ask(tmp_path, server, dav.Tls(ca=ca, client_certificate=client), clients=ca)[0] == b"ok"
    pinned = dav.Tls(fingerprint=server.fingerprint, client_certificate=client)
    assert ask(tmp_path, server, pinned, clients=ca)[0] == b"ok"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("shows", ["none", "another authority's"])
def test_without_the_right_client_certificate_the_message_says_what_is_missing(
    tmp_path: Path, authority: Certificate, ca: Path, version: ssl.TLSVersion, shows: str
) -> None:
    stranger = Certificate("mallory").write(tmp_path / "mallory.pem") if shows != "none" else None
    server = Certificate("127.0.0.1", authority).write(tmp_path / "server.pem")
    waits = Waits()

    async def story(url: str) -> None:
        retries = dav.Retries(sleep=waits, clock=waits.clock)
        tls = dav.Tls(ca=ca, client_certificate=stranger)
        async with dav.Transport(url, LOGIN, tls=tls, retries=retries) as network:
            await network.exchange(requests.get(url), read)

    with refusing(server, ca, version) as url, pytest.raises(dav.UntrustedServer, match="client_cert supplies it"):
        run(story(url))
    assert waits == []


def test_other_failures_of_tls_are_explained_where_they_can_be() -> None:
    def error(reason: str) -> ssl.SSLError:
        found = ssl.SSLError(1, reason)
        found.reason = reason
        return found

    assert "not safe any more" in (why_failed(error("UNSUPPORTED_PROTOCOL")) or "")
    assert "there is no TLS" in (why_failed(error("WRONG_VERSION_NUMBER")) or "")
    assert why_failed(error("UNEXPECTED_EOF_WHILE_READING")) is None


def unusable(tls: dav.Tls) -> str:
    with pytest.raises(dav.InvalidLocation) as caught:
        tls.context()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.full
def test_files_that_cannot_be_used_are_named_with_their_option(tmp_path: Path, authority: Certificate) -> None:
    missing, garbage = tmp_path / "missing.pem", tmp_path / "garbage.pem"
    garbage.write_text("no certificate")
    bare = authority.write(tmp_path / "bare.pem", with_key=False)
    locked = authority.write(tmp_path / "locked.pem", passphrase=b"pass")
    other = Certificate("other")
    foreign = tmp_path / "foreign.pem"
    foreign.write_bytes(
        other.write(tmp_path / "other.pem").read_bytes().partition(b"-----BEGIN CERT")[0] + bare.read_bytes()
    )
    for file in (missing, garbage, tmp_path / "nowhere" / "x"):
        assert unusable(dav.Tls(ca=file)).startswith(f"tls_ca: no certificates can be read from {file} (")
    for file in (missing, garbage, bare, locked, foreign, tmp_path):
        said = unusable(dav.Tls(client_certificate=file))
        assert said.startswith("client_cert: no certificate with its key")
        assert str(file) in said
    assert "no such file" in unusable(dav.Tls(ca=missing)).lower()


def test_a_directory_of_authorities_serves_as_well(tmp_path: Path) -> None:
    dav.Tls(ca=tmp_path).context()
