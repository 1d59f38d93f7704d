"""Cyrus IMAP's httpd (Debian's cyrus-imapd and cyrus-caldav; Fastmail runs it)."""

from __future__ import annotations

import imaplib
from contextlib import suppress
from pathlib import Path

from caldav_backup.cli.loopback import HOST
from tests.servers.mailbox import Mailbox
from tests.servers.processes import Processes, free_port, packages, program
from tests.servers.server import PASSWORD, Server, answers

_ADMINISTRATOR = "cyrus"
_MASTER = Path("/usr/lib/cyrus/bin/master")
_HTTPD = Path("/usr/lib/cyrus/bin/httpd")


class Cyrus:
    """Rewrites what it stores, and mails invitations into a directory. Every test is another user.

    A home has the collections Inbox and Outbox at first, which are no calendars. Invitations of one user to another are
    delivered once the other has a calendar `Default`; with virtual domains Cyrus 3.6.1 takes the guest for a stranger
    to the guest's own calendar (SCHEDULE-STATUS 5.1).
    """

    @staticmethod
    def lacks() -> str:
        installed = _MASTER.exists() and _HTTPD.exists() and program("saslpasswd2")
        return "" if installed else packages("cyrus-imapd cyrus-caldav sasl2-bin libsasl2-modules")

    def __init__(self, directory: Path) -> None:
        self._users = 0
        self._processes = Processes("cyrus", _ADMINISTRATOR)
        self._mailbox = Mailbox(directory / "mail")
        try:
            self._launch()
        except BaseException:
            self.stop()
            raise

    def _launch(self) -> None:
        port, self._imap_port = free_port(), free_port()
        self._url = f"http://{HOST}:{port}/"
        for name in "conf/db conf/socket conf/msg conf/log conf/user conf/quota spool proc lock socket sieve".split():
            self._processes.make(name)
        self._imapd = self._processes.write("imapd.conf", self._settings())
        services = self._processes.write("cyrus.conf", self._services(port))
        self._passwords = self._processes.directory / "sasldb2"
        self._add_login(_ADMINISTRATOR)
        pid_file = self._processes.directory / "master.pid"
        self._processes.start([_MASTER, "-C", self._imapd, "-M", services, "-p", pid_file, "-D"])
        self._processes.wait_until(lambda: answers(f"{self._url}dav/", 401, 207), "Cyrus httpd")
        self._processes.wait_until(self._imap_answers, "Cyrus imapd")

    def fresh_home(self) -> Server:
        self._users += 1
        user, other = f"user{self._users}", f"other{self._users}"
        imap = imaplib.IMAP4(HOST, self._imap_port)
        try:
            imap.login(_ADMINISTRATOR, PASSWORD)
            for name in (user, other):
                self._add_login(name)
                imap.create(f"user/{name}")
        finally:
            imap.logout()
        for name in (user, other):  # its first request makes the collections of a home
            Server("cyrus", self._url, self._home(name), name, PASSWORD).expect("PROPFIND", "", headers={"Depth": "0"})
        self._mailbox.empty()
        return Server(
            "cyrus",
            self._url,
            self._home(user),
            user,
            PASSWORD,
            other_user=other,
            mail_directory=self._mailbox.directory,
            built_in=frozenset({"Inbox", "Outbox"}),
        )

    def stop(self) -> None:
        self._processes.stop()
        self._mailbox.close()

    def _home(self, user: str) -> str:
        return f"{self._url}dav/calendars/user/{user}/"

    def _add_login(self, name: str) -> None:
        saslpasswd2 = program("saslpasswd2")
        assert saslpasswd2
        self._processes.run([saslpasswd2, "-p", "-c", "-f", self._passwords, "-u", "localhost", name], typed=PASSWORD)

    def _imap_answers(self) -> bool:
        with suppress(OSError, imaplib.IMAP4.error):
            imaplib.IMAP4(HOST, self._imap_port).logout()
            return True
        return False

    def _settings(self) -> str:
        here = self._processes.directory
        return f"""\
configdirectory: {here}/conf
proc_path: {here}/proc
mboxname_lockpath: {here}/lock
defaultpartition: default
partition-default: {here}/spool
sievedir: {here}/sieve
lmtpsocket: {here}/socket/lmtp
idlesocket: {here}/socket/idle
notifysocket: {here}/socket/notify
servername: localhost
cyrus_user: {self._processes.account.pw_name}
admins: {_ADMINISTRATOR}
allowplaintext: yes
unixhierarchysep: yes
altnamespace: yes
virtdomains: off
calendar_user_address_set: example.org
httpmodules: caldav
caldav_create_default: no
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: {here}/sasldb2
sasl_mech_list: PLAIN LOGIN
maxmessagesize: 0
sync_log: no
smtp_backend: host
smtp_host: {HOST}:{self._mailbox.port}
"""

    def _services(self, port: int) -> str:
        here = self._processes.directory
        recover = Path("/usr/lib/cyrus/bin/ctl_cyrusdb")
        return f"""\
START {{
  recover cmd="{recover} -C {here}/imapd.conf -r"
}}
SERVICES {{
  imap cmd="imapd -C {here}/imapd.conf" listen="{HOST}:{self._imap_port}" proto="tcp4" prefork=1 maxchild=5
  http cmd="httpd -C {here}/imapd.conf -U 100000" listen="{HOST}:{port}" proto="tcp4" prefork=2 maxchild=40
  lmtpunix cmd="lmtpd -C {here}/imapd.conf" listen="{here}/socket/lmtp" prefork=0 maxchild=5
  notify cmd="notifyd -C {here}/imapd.conf" listen="{here}/socket/notify" proto="udp" prefork=1
}}
EVENTS {{
}}
"""
