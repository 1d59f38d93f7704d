from __future__ import annotations

import json
import ssl
import time
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.cli.conftest import Ended, Program
from tests.dav.certificates import DAY, Certificate
from tests.events import events
from tests.servers.scripted import Account, Answer, Asked, Rule, ScriptedServer, scripted
from tests.servers.scripted_xml import DAV

HTML = Answer(status=200, headers={"Content-Type": "text/html"}, body=b"<html>Log in</html>")


def account(count: int = 3) -> Account:
    alice = Account()
    alice.calendar("empty")
    alice.calendar("work", events(count))
    return alice


def ping(cli: Program, server: ScriptedServer, *words: str, url: str = "") -> Ended:
    options = ["username=alice", f"password={server.account.password}"]
    cli("source", "add", "me", url or server.url, *options)
    return cli("source", "ping", *(words or ("@me",)))


def table(ended: Ended) -> dict[str, str]:
    return {line[:10].strip(): line[10:].strip() for line in ended.out.splitlines()[1:]}


def test_a_server_tells_who_we_are_what_it_has_and_what_it_can_do(cli: Program) -> None:
    with scripted(account()) as server:
        ended = ping(cli, server)
        url = server.url
    assert (ended.code, ended.err) == (0, "")
    told = table(ended)
    assert told["address"] == f"{url} (not encrypted)"
    assert told["login"] == "/principals/alice/"
    assert told["calendars"] == "2 calendars in 1 home"
    path, size = f"/calendars/alice/work/{events(1)[0].name}", len(events(1)[0].content)
    assert told["one event"].startswith(f"{path}: {size} bytes in ")
    assert "ctag" in told["supports"]
    assert told["round trip"].endswith(" ms")


def test_a_destination_tells_where_it_may_be_written_to(cli: Program) -> None:
    read_only = {f"{DAV}current-user-privilege-set": "<d:privilege><d:read/></d:privilege>"}
    with scripted(account()) as server:
        server.account.calendar("holidays", properties=read_only)
        login = ["username=alice", f"password={server.account.password}"]
        cli("destination", "add", "spare", server.url, *login)
        assert table(cli("destination", "ping", "spare"))["writing"] == "allowed in 2 of 3 calendars"
        cli("destination", "set", "spare", "read_only=true")
        assert table(cli("destination", "ping", "spare"))["writing"] == "not allowed: read_only in the settings"
        assert cli("destination", "ping", "spare", "--json").document["result"]["writable"] is False


def test_a_name_may_lack_its_at_sign_and_programs_get_a_document(cli: Program) -> None:
    with scripted(account()) as server:
        result = ping(cli, server, "me", "--json").document["result"]
    assert (result["kind"], result["name"], result["calendars"], result["tls"]) == ("source", "me", 2, None)
    assert result["event"]["bytes"] == len(events(1)[0].content)
    assert result["event"]["error"] is None
    assert result["requests"] == len(server.asked)


def test_no_more_than_one_event_is_fetched(cli: Program) -> None:
    with scripted(account(100)) as server:
        assert ping(cli, server).code == 0
    assert [each.method for each in server.requests(part=".ics")] == ["GET"]


def test_an_account_without_events_is_fine(cli: Program) -> None:
    with scripted(account(0)) as server:
        ended = ping(cli, server)
    assert (ended.code, table(ended)["one event"]) == (0, "there is none to read")


def test_an_event_that_cannot_be_read_is_trouble(cli: Program) -> None:
    with scripted(account(), lambda asked: Answer(status=500) if asked.method == "GET" else None) as server:
        ended = ping(cli, server)
        document = cli("source", "ping", "me", "--json").document
    assert (ended.code, len(ended.err.splitlines())) == (3, 1)
    assert "500" in ended.err
    assert table(ended)["one event"] == "cannot be read"
    assert (document["exit"], "500" in document["result"]["event"]["error"]) == (3, True)


def test_a_calendar_that_cannot_be_listed_is_passed_over(cli: Program) -> None:
    def rule(asked: Asked) -> Answer | None:
        return Answer(status=403) if asked.path.endswith("/empty/") and asked.headers.get("depth") == "1" else None

    with scripted(account(), rule) as server:
        assert (ping(cli, server).code, len(server.requests("GET"))) == (0, 1)
    with scripted(account(0), rule) as server:
        ended = cli("source", "ping", server.url.replace("//", f"//alice:{quote(server.account.password)}@"))
    assert (ended.code, "/calendars/alice/empty/: " in ended.err and "403" in ended.err) == (3, True)
    assert "warning: the password in the URL" in ended.err


def test_a_server_without_options_and_reports_is_asked_otherwise(cli: Program) -> None:
    def rule(asked: Asked) -> Answer | None:
        refused = asked.method == "OPTIONS" or b"supported-report-set" in asked.body
        return Answer(status=405) if refused else None

    with scripted(account(), rule) as server:
        ended = ping(cli, server)
    assert (ended.code, table(ended)["supports"]) == (0, "ctag")


def everywhere(answer: Answer) -> Rule:
    return lambda _: answer


@pytest.mark.parametrize(
    ("answer", "path", "code", "words"),
    [
        (Answer(status=401), "", 77, "user name and password"),
        (Answer(status=401), "remote.php/dav/", 77, "app password: Settings, Security, Devices & sessions"),
        (Answer(status=403), "", 77, "403 the server forbids it"),
        (Answer(status=404), "wrong/", 66, "the server's address alone leads to all its calendars"),
        (Answer(status=404), "", 66, "/remote.php/dav/"),
        (HTML, "", 66, "a web page came where CalDAV was asked for"),
        (Answer(status=429, headers={"Retry-After": "3600"}), "", 75, "429 the server asks for fewer requests"),
    ],
    ids=["401", "Nextcloud", "403", "wrong path", "404", "login page", "busy"],
)
def test_a_failure_is_one_line_that_helps(cli: Program, answer: Answer, path: str, code: int, words: str) -> None:
    with scripted(Account(), everywhere(answer)) as server:
        ended = ping(cli, server, url=server.url + path)
    assert (ended.code, ended.out, len(ended.err.splitlines())) == (code, "", 1)
    assert ended.err.startswith("caldav-backup: @me: ") and words in ended.err


@pytest.mark.full
def test_a_server_that_is_silent_is_given_up_in_time(cli: Program) -> None:
    with scripted(Account(), everywhere(Answer(delay=3))) as server:
        cli("source", "add", "slow", server.url, "timeout=0.2")
        began = time.monotonic()
        ended = cli("source", "ping", "slow")
    assert (ended.code, "no answer within" in ended.err, len(ended.err.splitlines())) == (69, True, 1)
    assert time.monotonic() - began < 30


@pytest.mark.full
@pytest.mark.parametrize(
    ("url", "words"),
    [("http://127.0.0.1:1/", "refused"), ("https://nobody.invalid/", "name is not found")],
)
def test_a_server_that_is_not_there(cli: Program, url: str, words: str) -> None:
    ended = cli("source", "ping", url)
    assert (ended.code, words in ended.err, len(ended.err.splitlines())) == (69, True, 1)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://outlook.office365.com/", "Microsoft has no CalDAV; a gateway such as DavMail"),
        ("caldav+http://cloud.example.org/", "insecure=true"),
        ("ftp://cloud.example.org/", "scheme"),
        ("@nobody", "no source @nobody"),
        ("nobody", "no source @nobody"),
    ],
)
def test_what_needs_no_request_to_be_wrong(cli: Program, url: str, words: str) -> None:
    ended = cli("source", "ping", url)
    assert (ended.code in {66, 78}, len(ended.err.splitlines())) == (True, 1)
    assert words in ended.err


def certified(tmp_path: Path, certificate: Certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.write(tmp_path / "server.pem"))
    return context


@pytest.mark.full
def test_encryption_and_the_end_of_the_certificate_are_told(cli: Program, tmp_path: Path) -> None:
    authority = Certificate("authority")
    certificate = Certificate("127.0.0.1", authority)
    context = certified(tmp_path, certificate)
    trusted = authority.write(tmp_path / "ca.pem", with_key=False)
    with scripted(account(), tls=context) as server:
        ended, url = ping(cli, server), server.url
        assert (ended.code, "its certificate is not trusted" in ended.err) == (69, True)
        pinned = f"tls_fingerprint={certificate.fingerprint}"
        cli("source", "add", "pinned", server.url, "username=alice", f"password={server.account.password}", pinned)
        assert table(cli("source", "ping", "pinned"))["address"] == f"{url} (TLSv1.3)"
        cli("source", "set", "me", f"tls_ca={trusted}")
        told = table(cli("source", "ping", "me"))
        tls = cli("source", "ping", "me", "--json").document["result"]["tls"]
    assert told["address"].startswith(f"{url} (TLSv1.3, certificate valid until 20")
    assert tls["valid_until"].startswith("20") and tls["valid_until"].endswith("Z")


@pytest.mark.full
def test_an_expired_certificate_is_called_so(cli: Program, tmp_path: Path) -> None:
    authority = Certificate("authority")
    context = certified(tmp_path, Certificate("127.0.0.1", authority, age=10 * DAY, lasts=5 * DAY))
    trusted = authority.write(tmp_path / "ca.pem", with_key=False)
    with scripted(account(), tls=context) as server:
        cli("source", "add", "old", server.url, f"tls_ca={trusted}")
        ended = cli("source", "ping", "old")
    assert (ended.code, "expired" in ended.err, len(ended.err.splitlines())) == (69, True, 1)


def test_directories_are_looked_into(cli: Program, tmp_path: Path) -> None:
    root = tmp_path / "calendars" / "work"
    root.mkdir(parents=True)
    for each in events(2):
        (root / each.name).write_bytes(each.content)
    for kind in ("source", "destination"):
        told = table(cli(kind, "ping", str(root.parent)))
        assert (told["calendars"], "bytes" in told["one event"]) == ("1 calendar", True)
    document = cli("destination", "ping", str(tmp_path / "new"), "--json").document
    assert (document["exit"], document["result"]["writable"], document["result"]["event"]) == (0, True, None)
    (root / events(1)[0].name).write_bytes(b"no calendar")
    (root / events(2)[1].name).unlink()
    assert table(cli("source", "ping", str(root)))["one event"] == "there is none to read"
    missing = cli("source", "ping", str(tmp_path / "missing"))
    assert (missing.code, len(missing.err.splitlines())) == (66, 1)


def test_a_destination_that_cannot_be_written_to_says_so(cli: Program, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    ended = cli("destination", "ping", str(tmp_path / "file" / "below"))
    assert (ended.code, "cannot be written to" in ended.err) == (73, True)


def test_the_password_is_in_nothing_that_is_printed(cli: Program) -> None:
    with scripted(account(), lambda asked: Answer(status=401) if asked.method == "GET" else None) as server:
        ended = ping(cli, server, "me", "-vv")
        as_json = cli("source", "ping", "me", "--json")
    for text in (ended.out, ended.err, json.dumps(as_json.document)):
        assert server.account.password not in text
