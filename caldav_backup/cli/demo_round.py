"""What `demo` does: one round of backups and restores on a server of its own, each step looked at from outside.

Owns the story and its claims. Every claim is checked where it matters: on the server by plain requests, in the
directory by counting files. Does not own what the words on the screen look like.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin, urlsplit

from caldav_backup.cli.embedded_radicale import start_radicale
from caldav_backup.cli.invented_events import invented_event
from caldav_backup.cli.plain_dav import PlainClient
from caldav_backup.cli.running import run_async

if TYPE_CHECKING:
    from caldav_backup.archiver import Outcome
    from caldav_backup.cli.loopback import LoopbackServer
    from caldav_backup.connectors.destination import Destination
    from caldav_backup.dav import Client
    from caldav_backup.kloset.repository import Repository
    from caldav_backup.kloset.snapshot import Snapshot
    from caldav_backup.restorer import RestoreReport

USER = "alice"


class DemoFailed(Exception):
    """A step did not do what it claims; the message says what was expected and what was found."""


class Calendar(NamedTuple):
    name: str
    displayname: str
    color: str
    numbers: range


CALENDARS = (
    Calendar("personal", "Personal", "#2b7de9ff", range(120)),
    Calendar("work", "Work", "#d9480fff", range(1000, 1110)),
    Calendar("family", "Family & friends", "#2f9e44ff", range(2000, 2070)),
)
LOST = invented_event(7)  # the one that is deleted and comes back, of the first calendar
DELETED = (LOST, invented_event(8), invented_event(9))
CHANGED = tuple(
    invented_event(number, summary=f"Moved to next week ({number})", sequence=1) for number in range(20, 25)
)
TOTAL = sum(len(calendar.numbers) for calendar in CALENDARS)


class Round:
    """One round below `directory`, which the caller makes and removes. `stop` ends the server."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._server: LoopbackServer | None = None
        self._program = PlainClient("")
        self._store: Repository | None = None
        self._backups: list[Outcome] = []

    @property
    def steps(self) -> Sequence[tuple[str, Callable[[], str]]]:
        """Titles and deeds in order; a deed returns what it did, in words."""
        return (
            ("A calendar server", self.start_server),
            ("An encrypted store", self.make_store),
            ("First backup", self.back_up_everything),
            ("Life goes on", self.change_events),
            ("Second backup", self.back_up_changes),
            ("Snapshots", self.list_snapshots),
            ("One event back", self.restore_lost_event),
            ("Everything into a directory", self.restore_everything),
            ("Is the store sound?", self.check_store),
        )

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()

    # Steps

    def start_server(self) -> str:
        password = secrets.token_urlsafe(12)
        self._server = start_radicale(self._directory, {USER: password})
        self._program = PlainClient(urljoin(self._server.url, f"{USER}/"), USER, password)
        for calendar in CALENDARS:
            self._program.make_calendar(calendar.name)
            self._program.put_whole(calendar.name, [invented_event(number) for number in calendar.numbers])
            self._program.set_properties(calendar.name, displayname=calendar.displayname, color=calendar.color)
        names = ", ".join(calendar.displayname for calendar in CALENDARS)
        return f"Radicale answers at {self._server.url} with {TOTAL} events in {len(CALENDARS)} calendars ({names})"

    def make_store(self) -> str:
        from caldav_backup.kloset.configuration import Configuration
        from caldav_backup.kloset.repository import Repository
        from caldav_backup.kloset.storage import open_storage

        storage = open_storage(str(self._directory / "store"))
        passphrase = secrets.token_urlsafe(24).encode()
        self._store = Repository.create(storage, Configuration.new(encrypted=True), passphrase=passphrase)
        return "made in a temporary directory, with a passphrase that nobody will remember; its key is slow on purpose"

    def back_up_everything(self) -> str:
        done = self._back_up()
        _expect("events fetched", TOTAL, done.fetched)
        return f"fetched and stored {done.fetched} events of {done.calendars} calendars, {_in_kib(done.size)}"

    def change_events(self) -> str:
        calendar = CALENDARS[0]
        for event in DELETED:
            self._program.delete(f"{calendar.name}/{event.name}")
        for event in CHANGED:
            self._program.put(calendar.name, event)
        _expect("events left on the server", TOTAL - len(DELETED), self._events_on_server())
        return (
            f"{len(DELETED)} events of {calendar.displayname} were deleted on the server, {len(CHANGED)} were changed"
        )

    def back_up_changes(self) -> str:
        done = self._back_up()
        _expect("events fetched", len(CHANGED), done.fetched)
        _expect("events found deleted", len(DELETED), done.deleted)
        _expect("events in the snapshot", TOTAL - len(DELETED), done.records)
        return f"fetched only the {done.fetched} changed ones, kept {done.unchanged}, noticed {done.deleted} deletions"

    def list_snapshots(self) -> str:
        headers = self._repository.snapshots()
        _expect("snapshots", [backup.snapshot for backup in self._backups], [one.identifier.hex() for one in headers])
        return ", then ".join(
            f"{header.identifier.hex()[:8]} with {header.summary.below.files} events" for header in headers
        )

    def restore_lost_event(self) -> str:
        from caldav_backup.connectors.destination_caldav import CalDavDestination

        account = CalDavDestination(self._client(), self._program.home, origin=self._origin)
        _expect("events created", 1, self._restore(f"/{CALENDARS[0].name}/{LOST.name}", account))
        found = self._program.expect("GET", f"{CALENDARS[0].name}/{LOST.name}").body
        _expect("UID of the event on the server", LOST.uid, _property("UID", found))
        return f"“{_property('SUMMARY', found)}” is on the server again, out of the first snapshot"

    def restore_everything(self) -> str:
        from caldav_backup.connectors.destination_directory import DirectoryDestination

        target = self._directory / "restored"
        _expect("events created", TOTAL, self._restore("/", DirectoryDestination(target)))
        files = [path.read_bytes() for path in target.glob("*/*.ics")]
        _expect("files in the directory", TOTAL, len(files))
        _expect("UIDs in the files", _uids(), {_property("UID", content) for content in files})
        return f"{TOTAL} .ics files in {len(CALENDARS)} directories, with the calendars' names and colours beside them"

    def check_store(self) -> str:
        from caldav_backup.kloset.check import check

        findings = [str(finding) for finding in check(self._repository, read_data=True)]
        _expect("what the check found", [], findings)
        return "every state, packfile, tree and event was read again, and nothing is damaged"

    # Parts of steps

    @property
    def _repository(self) -> Repository:
        assert self._store is not None
        return self._store

    def _first_snapshot(self) -> Snapshot:
        return self._repository.snapshot(bytes.fromhex(self._backups[0].snapshot or ""))

    def _events_on_server(self) -> int:
        return sum(len(self._program.members(f"{calendar.name}/")) for calendar in CALENDARS)

    def _back_up(self) -> Outcome:
        done = run_async(self._backed_up())
        _expect("failures", [], list(done.failures))
        self._backups.append(done)
        return done

    async def _backed_up(self) -> Outcome:
        from caldav_backup.archiver import BackupOptions, back_up
        from caldav_backup.connectors.caldav import CalDavSource

        async with CalDavSource(self._client(), self._program.home, origin=self._origin) as source:
            return await back_up(source, self._repository, BackupOptions(job="demo"))

    def _restore(self, path: str, destination: Destination) -> int:
        """Restores from the first snapshot; returns how many events were not there before."""
        from caldav_backup.restorer import Result

        report = run_async(self._restored(self._first_snapshot(), path, destination))
        return report.counts()[Result.CREATED]

    async def _restored(self, snapshot: Snapshot, path: str, destination: Destination) -> RestoreReport:
        from caldav_backup.restorer import RestoreOptions, apply, plan_restore

        try:
            plan = await plan_restore(snapshot, destination, RestoreOptions(path=path))
            return await apply(plan, snapshot, destination)
        finally:
            await destination.close()

    def _client(self) -> Client:
        from caldav_backup.dav import BasicAuthentication, Client, Transport

        home, user, password = self._program
        return Client(Transport(home, BasicAuthentication(user, password)))

    @property
    def _origin(self) -> str:
        address = urlsplit(self._program.home)
        return f"{USER}@{address.netloc}{address.path}"


def _expect(what: str, expected: object, found: object) -> None:
    if expected != found:
        raise DemoFailed(f"{what}: expected {expected}, found {found}")


def _uids() -> set[str]:
    return {invented_event(number).uid for calendar in CALENDARS for number in calendar.numbers}


def _property(name: str, content: bytes) -> str:
    """The first value of a property that is on one line."""
    found = re.search(rb"^%s:(.*?)\r?$" % name.encode(), content, re.MULTILINE)
    return found.group(1).decode() if found else ""


def _in_kib(size: int) -> str:
    return f"{size / 1024:.0f} KiB"
