"""What the DNS says of a domain, asked of a real DNS server on the loopback interface."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import httpx
import pytest

from caldav_backup import dav
from caldav_backup.dav import service
from tests.dav.accounts import HOME_SET, HTML, WORK, home, urls
from tests.dav.fakes import FakeServer, answer, client, failure, kind, reply, response, run

dns_message = pytest.importorskip("dns.message", reason="dnspython is not installed (extra `dns`)")

Zone = Mapping[tuple[str, str], list[str]]
DOMAIN = "firm.org"
SECURE, PLAIN = f"_caldavs._tcp.{DOMAIN}.", f"_caldav._tcp.{DOMAIN}."


@contextmanager
def serving(zone: Zone) -> Iterator[service.DnsResolver]:
    """A DNS server that knows `zone`, and a resolver that asks it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=_serve, args=(listening, zone), daemon=True)
        thread.start()
        try:
            yield service.DnsResolver("127.0.0.1", listening.getsockname()[1], timeout=5)
        finally:
            listening.sendto(b"", listening.getsockname())
            thread.join(5)


def _serve(listening: socket.socket, zone: Zone) -> None:
    import dns.message
    import dns.rcode
    import dns.rdatatype
    import dns.rrset

    while True:
        query, asker = listening.recvfrom(4096)
        if not query:
            return
        question = dns.message.from_wire(query)
        said = dns.message.make_response(question)
        name, kind_of_record = question.question[0].name.to_text(), dns.rdatatype.to_text(question.question[0].rdtype)
        records = zone.get((name, kind_of_record), [])
        if records == ["broken"]:
            said.set_rcode(dns.rcode.SERVFAIL)
        elif records:
            said.answer.append(dns.rrset.from_text(name, 60, "IN", kind_of_record, *records))
        elif not any(each == name for each, _ in zone):
            said.set_rcode(dns.rcode.NXDOMAIN)
        listening.sendto(said.to_wire(), asker)


def found(zone: Zone) -> list[str]:
    with serving(zone) as resolver:
        return run(service.find_servers(resolver, DOMAIN))


@pytest.mark.parametrize(
    ("zone", "servers"),
    [
        ({}, []),
        ({(SECURE, "SRV"): ["0 1 443 dav.firm.org."]}, ["https://dav.firm.org/.well-known/caldav"]),
        (
            {(SECURE, "SRV"): ["0 1 8443 DAV.firm.org."], (SECURE, "TXT"): ['"v=1"', '"path=/ca" "l/"']},
            ["https://dav.firm.org:8443/cal/"],
        ),
        (
            {(SECURE, "SRV"): ["20 9 443 c.firm.org.", "10 1 443 b.firm.org.", "10 5 443 firm.org."]},
            [f"https://{host}/.well-known/caldav" for host in ("firm.org", "b.firm.org", "c.firm.org")],
        ),
        (
            {(PLAIN, "SRV"): ["0 1 80 dav.firm.org."], (PLAIN, "TXT"): ['"path=/cal"']},
            ["http://dav.firm.org/cal"],
        ),
        (
            {(PLAIN, "SRV"): ["0 1 80 a.firm.org."], (SECURE, "SRV"): ["0 1 443 b.firm.org."]},
            ["https://b.firm.org/.well-known/caldav"],
        ),
        (
            {(SECURE, "SRV"): ["0 1 443 dav.elsewhere.org.", "9 1 443 dav.firm.org."]},
            ["https://dav.firm.org/.well-known/caldav"],
        ),
    ],
    ids=["none", "one", "port and path", "priorities", "plain", "secure first", "inside only"],
)
def test_the_servers_that_a_domain_names(zone: Zone, servers: list[str]) -> None:
    assert found(zone) == servers


@pytest.mark.parametrize("target", ["dav.elsewhere.org.", "firm.org.evil.org.", "evilfirm.org."])
def test_a_server_in_another_domain_is_for_a_person_to_choose(target: str) -> None:
    with pytest.raises(dav.NotCalDAV) as caught:
        found({(SECURE, "SRV"): [f"0 1 443 {target}"]})
    assert f"make https://{target.removesuffix('.')} the location" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("record", ["0 0 0 .", "0 0 443 .", "0 0 0 dav.firm.org."])
def test_a_domain_that_says_it_has_no_calendars_is_believed(record: str) -> None:
    with pytest.raises(dav.NotCalDAV, match="says that it has no CalDAV"):
        found({(SECURE, "SRV"): [record]})


def test_a_dns_server_that_fails_is_told_of() -> None:
    with pytest.raises(dav.ServerUnreachable, match=r"the DNS cannot tell about _caldavs\._tcp\.firm\.org"):
        found({(SECURE, "SRV"): ["broken"]})


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("https://firm.org/", "firm.org"),
        ("https://cloud.firm.org", "cloud.firm.org"),
        ("https://firm.org/dav/", ""),
        ("https://firm.org:8443/", ""),
        ("https://192.0.2.1/", ""),
        ("https://[2001:db8::1]/", ""),
        ("https://localhost/", ""),
        ("https://nas/", ""),
        ("https://nas.local/", ""),
        ("https://dav.example/", ""),
    ],
)
def test_only_a_bare_name_can_be_a_domain(url: str, domain: str) -> None:
    assert service.domain_of(url) == domain


def website(server: FakeServer) -> FakeServer:
    """A domain whose website knows nothing of calendars."""
    server.on("PROPFIND", f"https://{DOMAIN}/", HTML)
    return server


def at(server: FakeServer, resolver: service.Resolver, *, hint: str = "") -> dav.Discovery:
    async def story() -> dav.Discovery:
        async with client(server, base=f"https://{DOMAIN}/") as account:
            return await dav.discover(account, hint=hint, resolver=resolver)

    return run(story())


def test_a_domain_leads_over_its_dns_to_the_calendars_with_the_password() -> None:
    host = "https://dav.firm.org:8443"
    server = website(FakeServer())
    server.on("PROPFIND", host + "/cal/", answer(response("/cal/", kind("d:x") + HOME_SET)))
    server.on("PROPFIND", host + "/home/alice/", home(response("/home/alice/", kind("d:x")), WORK))
    zone = {(SECURE, "SRV"): ["0 1 8443 dav.firm.org."], (SECURE, "TXT"): ['"path=/cal/"']}
    with serving(zone) as resolver:
        assert urls(at(server, resolver)) == [host + "/home/alice/work/"]
    assert all("authorization" in each.headers for each in server.seen)


@pytest.mark.parametrize(("is_there", "requests"), [(True, 2), (False, 12)])
def test_what_the_dns_named_once_is_remembered(is_there: bool, requests: int) -> None:
    host = "https://dav.firm.org"
    ourselves = "<d:current-user-principal><d:href>/me/</d:href></d:current-user-principal>"
    server = website(FakeServer())
    server.on("PROPFIND", host + "/cal/", answer(response("/cal/", kind("d:x") + ourselves)))
    server.on("PROPFIND", host + "/me/", answer(response("/me/", kind("d:principal") + ourselves + HOME_SET)))
    server.on("PROPFIND", host + "/home/alice/", home(response("/home/alice/", kind("d:x")), WORK))
    hint = host + ("/me/" if is_there else "/gone/")
    with serving({(SECURE, "SRV"): ["0 1 443 dav.firm.org."], (SECURE, "TXT"): ['"path=/cal/"']}) as resolver:
        found = at(server, resolver, hint=hint)
    assert (urls(found), found.hint) == ([host + "/home/alice/work/"], host + "/me/")
    assert len(server.seen) == requests
    assert all("authorization" in each.headers for each in server.seen)


@pytest.mark.parametrize(
    "hint", ["https://evilfirm.org/me/", "http://dav.firm.org/me/", "https://firm.org.evil.org/me/"]
)
def test_no_hint_leads_out_of_the_domain(hint: str) -> None:
    server = website(FakeServer())
    with serving({}) as resolver, pytest.raises(dav.NotCalDAV):
        at(server, resolver, hint=hint)
    assert {each.url.host for each in server.seen} == {DOMAIN}


def test_the_next_server_is_tried_when_one_is_away() -> None:
    server = website(FakeServer())
    second = "https://b.firm.org"
    server.on("PROPFIND", "https://a.firm.org/", HTML)
    server.on("PROPFIND", second + "/.well-known/caldav", reply(301, headers={"location": "/dav/"}))
    server.on("PROPFIND", second + "/dav/", answer(response("/dav/", kind("d:x") + HOME_SET)))
    server.on("PROPFIND", second + "/home/alice/", home(response("/home/alice/", kind("d:x")), WORK))
    with serving({(SECURE, "SRV"): ["0 1 443 a.firm.org.", "1 1 443 b.firm.org."]}) as resolver:
        assert urls(at(server, resolver)) == [second + "/home/alice/work/"]


def test_a_host_that_speaks_caldav_is_believed_before_its_dns() -> None:
    server = FakeServer()
    server.on("PROPFIND", f"https://{DOMAIN}/", answer(response("/", kind("d:x") + HOME_SET)))
    server.on("PROPFIND", f"https://{DOMAIN}/home/alice/", home(response("/home/alice/", kind("d:x")), WORK))
    assert urls(at(server, service.NoResolver())) == [f"https://{DOMAIN}/home/alice/work/"]


@pytest.mark.parametrize(
    ("zone", "reason"),
    [
        ({}, "its DNS names no CalDAV server"),
        ({(SECURE, "SRV"): ["broken"]}, "the DNS cannot tell"),
        ({(SECURE, "SRV"): ["0 1 443 evil.org."]}, "make https://evil.org the location"),
        ({(SECURE, "SRV"): ["0 1 443 dav.firm.org."]}, "no CalDAV at https://dav.firm.org"),
    ],
    ids=["no records", "no answer", "elsewhere", "nothing there"],
)
def test_a_domain_without_calendars_says_what_was_asked(zone: Zone, reason: str) -> None:
    server = website(FakeServer())
    with serving(zone) as resolver, pytest.raises(dav.NotCalDAV) as caught:
        at(server, resolver)
    assert reason in str(caught.value) and "\n" not in str(caught.value)
    assert all(each.url.host.endswith(DOMAIN) for each in server.seen)


def gone() -> httpx.ConnectError:
    error = httpx.ConnectError("no such host")
    error.__cause__ = socket.gaierror(-2, "Name or service not known")
    return error


@pytest.mark.parametrize(
    ("error", "is_told"), [(httpx.ConnectError("refused"), False), (gone(), True)], ids=["away", "unknown"]
)
def test_of_a_host_that_is_merely_away_nothing_is_said_about_its_dns(error: httpx.ConnectError, is_told: bool) -> None:
    server = FakeServer()
    server.on("PROPFIND", f"https://{DOMAIN}/", failure(error))
    with serving({}) as answering:
        for resolver in (answering, service.NoResolver()):
            with pytest.raises(dav.ServerUnreachable) as caught:
                at(server, resolver)
            assert ("DNS" in str(caught.value)) is is_told


def test_a_domain_without_a_host_leads_over_its_dns() -> None:
    server = FakeServer()
    server.on("PROPFIND", f"https://{DOMAIN}/", failure(gone()))
    server.on("PROPFIND", "https://dav.firm.org/.well-known/caldav", answer(response("/", kind("d:x") + HOME_SET)))
    server.on("PROPFIND", "https://dav.firm.org/home/alice/", home(response("/home/alice/", kind("d:x")), WORK))
    with serving({(SECURE, "SRV"): ["0 1 443 dav.firm.org."]}) as resolver:
        assert urls(at(server, resolver)) == ["https://dav.firm.org/home/alice/work/"]


def test_without_dnspython_it_is_said_what_to_install() -> None:
    with pytest.raises(dav.NotCalDAV, match=r"install 'caldav-backup\[dns\]'"):
        at(website(FakeServer()), service.NoResolver())
    assert run(service.NoResolver().texts(SECURE)) == []


def test_dnspython_is_used_where_it_is_installed() -> None:
    assert isinstance(service.system_resolver(), service.DnsResolver)
