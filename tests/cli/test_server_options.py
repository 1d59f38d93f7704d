"""What a location's options do to the requests of a run: tokens, certificates, rates."""

from __future__ import annotations

import http.server
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import Program
from tests.dav.certificates import Certificate

TOKEN = "access-t0ken"


class Served:
    """What a server saw: the `Authorization` headers."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.accepts = ""
        self.challenge = 'Bearer error="invalid_token"'


@contextmanager
def serving(certificate: Path | None = None) -> Iterator[tuple[str, Served]]:
    """A server that lets in who shows `accepts`, and is none of CalDAV's."""
    served = Served()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_PROPFIND(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            served.seen.append(self.headers.get("Authorization", ""))
            self.send_response(404 if served.accepts in {"", served.seen[-1]} else 401)
            self.send_header("WWW-Authenticate", served.challenge)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
            """Nobody reads it."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
            server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients that turn away
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http{'s' if certificate else ''}://127.0.0.1:{server.server_port}/", served
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.full
def test_a_token_command_is_used_and_run_again_once(cli: Program, tmp_path: Path) -> None:
    command, runs = tmp_path / "token", tmp_path / "runs"
    command.write_text(f"echo >> {runs}\necho {TOKEN}-$(wc -l < {runs} | tr -d ' ')\n")
    with serving() as (url, served):
        cli("source", "add", "me", url, "username=alice", f"token_command=sh {command}")
        served.accepts = f"Bearer {TOKEN}-2"
        ended = cli("discover", "@me", "-vv")
        assert ended.code == 66
        assert served.seen[:2] == [f"Bearer {TOKEN}-1", f"Bearer {TOKEN}-2"]
        served.accepts = "Bearer other"
        served.seen.clear()
        ended = cli("discover", "@me", "-vv")
    assert ended.code == 77
    assert len(served.seen) == 2
    assert "does not accept the access token" in ended.err
    assert TOKEN not in ended.out + ended.err


@pytest.mark.parametrize(("command", "says"), [("echo no login >&2; false", "status 1: no login"), ("echo a b", "no")])
def test_a_token_command_that_gives_none_ends_the_run_and_nothing_else_is_tried(
    cli: Program, command: str, says: str
) -> None:
    with serving() as (url, served):
        cli("source", "add", "me", url, f"token_command={command}")
        ended = cli("discover", "@me")
    assert ended.code == 78
    assert "token_command of source @me: " in ended.err and says in ended.err
    assert served.seen == []


def test_a_token_and_a_password_are_not_given_both(cli: Program) -> None:
    ended = cli("source", "add", "me", "https://h.example/", "password_command=false", "token_command=false")
    assert ended.code == 78
    assert "both password_command and token_command" in ended.err


def test_a_token_is_used_where_the_address_has_a_password_too(cli: Program) -> None:
    with serving() as (url, served):
        cli("source", "add", "me", url, f"token_command=echo {TOKEN}")
        file = cli.home / "config" / "sources.yml"
        file.write_text(file.read_text().replace("http://", "http://alice:pw@"))
        ended = cli("discover", "@me")
    assert ended.code == 66, ended.err
    assert set(served.seen) == {f"Bearer {TOKEN}"}


@pytest.mark.full
def test_a_certificate_is_accepted_by_fingerprint_or_authority_alone(cli: Program, tmp_path: Path) -> None:
    certificate = Certificate("127.0.0.1")
    pinned = ":".join(certificate.fingerprint[at : at + 2] for at in range(0, 64, 2)).upper()
    ca = certificate.write(tmp_path / "ca.pem", with_key=False)
    with serving(certificate.write(tmp_path / "server.pem")) as (url, served):
        cli("source", "add", "me", url, "username=alice", "password=pw")
        ended = cli("discover", "@me")
        assert (ended.code, served.seen) == (69, [])
        assert "tls_fingerprint" in ended.err
        cli("source", "set", "me", f"tls_fingerprint={pinned}")
        assert cli("discover", "@me").code == 66
        cli("source", "set", "me", f"tls_fingerprint={'00' * 32}")
        before = len(served.seen)
        ended = cli("discover", "@me")
        assert (ended.code, len(served.seen)) == (69, before)
        assert pinned in ended.err
        cli("source", "unset", "me", "tls_fingerprint")
        cli("source", "set", "me", f"tls_ca={ca}")
        assert cli("discover", "@me").code == 66


@pytest.mark.parametrize("option", ["tls_ca", "client_cert"])
def test_a_file_that_is_missing_is_one_line(cli: Program, option: str, tmp_path: Path) -> None:
    cli("source", "add", "me", "https://127.0.0.1:9/", f"{option}={tmp_path / 'missing.pem'}")
    ended = cli("discover", "@me")
    assert ended.code == 78
    assert option in ended.err and "missing.pem" in ended.err and ended.err.count("\n") == 1


def test_a_rate_is_kept_to(cli: Program) -> None:
    with serving() as (url, served):
        cli("source", "add", "me", url, "rate=1000")
        assert cli("discover", "@me").code == 66
    assert served.seen
