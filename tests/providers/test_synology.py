"""Synology Calendar: a certificate that nobody signed, on a port of its own.

Sources: https://kb.synology.com/en-global/DSM/help/Calendar/calendar_desc (CalDAV at `/caldav/USER/`),
https://github.com/alainm23/planify/issues/1306 (self-signed certificates),
https://github.com/thunderbird/appointment/issues/1046 (`https://NAS:5001/caldav/`).
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Ended, Program, cli
from tests.dav.certificates import Certificate
from tests.events import events
from tests.servers.scripted import Account, ScriptedServer, scripted

__all__ = ["cli"]

pytestmark = pytest.mark.full


@pytest.fixture
def certificate() -> Certificate:
    return Certificate("127.0.0.1")


@pytest.fixture
def server(certificate: Certificate, tmp_path: Path) -> Iterator[ScriptedServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.write(tmp_path / "server.pem"))
    account = Account(root="/caldav/", principal="/caldav/alice/", home="/caldav/alice/home/")
    account.calendar("work", events(4))
    with scripted(account, tls=context) as server:
        yield server


def backup(cli: Program, server: ScriptedServer, *options: str) -> Ended:
    if not (cli.home / "store").exists():
        assert cli("init", "--plaintext").code == 0
    verb = "set" if "@nas" in cli("source", "ls").out else "add"
    address = f"caldav://127.0.0.1:{server.port}/caldav/"
    login = ["username=alice", "password_env=THE_PASSWORD", *options]
    assert cli("source", verb, "nas", f"location={address}" if verb == "set" else address, *login).code == 0
    return cli("backup", "@nas", THE_PASSWORD=server.account.password)


def test_a_certificate_that_nobody_signed_is_refused_in_one_line_and_sees_no_password(
    cli: Program, server: ScriptedServer
) -> None:
    ended = backup(cli, server)
    assert (ended.code, ended.out, len(ended.err.splitlines())) == (69, "", 1)
    assert "certificate" in ended.err and "tls_" in ended.err
    assert server.asked == []


@pytest.mark.parametrize("way", ["tls_ca", "tls_fingerprint"])
def test_it_is_trusted_when_somebody_says_so(
    cli: Program, server: ScriptedServer, certificate: Certificate, tmp_path: Path, way: str
) -> None:
    public = certificate.write(tmp_path / "public.pem", with_key=False)
    value = str(public) if way == "tls_ca" else certificate.fingerprint
    for fetched in (4, 0):
        ended = backup(cli, server, f"{way}={value}")
        assert ended.code == 0, ended
        newest = cli("ls", "--json").document["result"]["snapshots"][-1]
        assert (newest["files"], fetched) in {(4, 4), (4, 0)}


def test_another_certificate_than_the_pinned_one_is_refused(cli: Program, server: ScriptedServer) -> None:
    ended = backup(cli, server, f"tls_fingerprint={Certificate('127.0.0.1').fingerprint}")
    assert (ended.code, len(ended.err.splitlines())) == (69, 1)
    assert server.asked == []
