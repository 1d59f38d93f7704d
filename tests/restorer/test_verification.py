"""A snapshot beside what is there: same, rewritten, changed, missing, extra, each said of the right record."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

import pytest

from caldav_backup import dav
from caldav_backup.connectors.base import CollectionUnreadable, Failed, Listing
from caldav_backup.connectors.caldav import CalDavSource
from caldav_backup.connectors.destination_caldav import CalDavDestination
from caldav_backup.connectors.destination_directory import DirectoryDestination
from caldav_backup.connectors.directory import DirectorySource
from caldav_backup.progress import LookedAt
from caldav_backup.restorer import Findings, OnlyThere, RestoreOptions, Standing, apply, plan_restore, verify
from tests.events import Event, event, events
from tests.ics.corpus import vevent
from tests.restorer.snapshots import Tree, snapshot_of
from tests.servers.server import seed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from caldav_backup.connectors.base import Collection, Record, Source, Version
    from caldav_backup.connectors.destination import Destination
    from caldav_backup.progress import Event as Told
    from tests.servers.server import Server

EVERYTHING = RestoreOptions()
WORK = {f"{number}.ics": one.content for number, one in enumerate(events(4))}
NAMES = list(WORK)
ALARM = vevent("alarm", "BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:x", "TRIGGER:-PT15M", "END:VALARM")


def verified(
    tree: Tree, source: Source, options: RestoreOptions = EVERYTHING, *, origin: str = "elsewhere"
) -> Findings:
    async def run() -> Findings:
        found = await verify(snapshot_of(tree, origin=origin), source, options)
        await source.close()
        return found

    return asyncio.run(run())


def vdir(root: Path, calendars: Mapping[str, Mapping[str, bytes]]) -> Path:
    for calendar, contents in calendars.items():
        (root / calendar).mkdir(parents=True)
        for name, content in contents.items():
            (root / calendar / name).write_bytes(content)
    return root


def beside(root: Path, stored: Mapping[str, bytes], there: Mapping[str, bytes]) -> Findings:
    """One calendar, as it is stored and as it is there."""
    return verified({"work": ({}, dict(stored))}, DirectorySource(vdir(root, {"work": there})))


def counts(found: Findings) -> dict[str, int]:
    return {standing.value: count for standing, count in found.counts().items() if count}


def standings(found: Findings) -> list[tuple[str, Standing]]:
    return [(each.face.name, each.standing) for calendar in found.calendars for each in calendar.findings]


def test_what_is_there_as_it_was_is_no_difference(tmp_path: Path) -> None:
    found = beside(tmp_path, WORK, WORK)
    assert counts(found) == {"same": 4}
    assert (found.is_different, found.is_partial) == (False, False)


def test_what_is_only_written_otherwise_is_rewritten_and_no_difference(tmp_path: Path) -> None:
    there = {name: content.replace(b"DTSTAMP:2", b"DTSTAMP:1") for name, content in WORK.items()}
    found = beside(tmp_path, WORK, there)
    assert (counts(found), found.is_different) == ({"rewritten": 4}, False)
    assert found.calendars[0].rewriting == ("DTSTAMP",)


def test_changed_missing_and_extra_records_are_named(tmp_path: Path) -> None:
    changed = event(1, summary="newer", sequence=9).content
    there = {
        NAMES[0]: WORK[NAMES[0]],
        NAMES[1]: changed,
        NAMES[3]: WORK[NAMES[3]],
        "new.ics": vevent("new", "SUMMARY:New"),
    }
    found = beside(tmp_path, WORK, there)
    assert counts(found) == {"same": 2, "changed": 1, "missing": 1, "extra": 1}
    assert found.is_different
    one, two, three = found.calendars[0].findings
    assert (one.face.name, one.newer_there) == (NAMES[1], True)
    assert "changed VEVENT SUMMARY" in one.differs
    assert (two.face.name, two.face.uid) == (NAMES[2], event(2).uid)
    assert two.face.title and two.face.start
    assert (three.face.name, three.face.uid, three.face.title) == ("new.ics", "new", "New")


def test_records_belong_together_by_uid_and_not_by_name(tmp_path: Path) -> None:
    first, second, *_ = WORK.values()
    found = beside(tmp_path, {"a.ics": first, "b.ics": second}, {"b.ics": first, "x.ics": second})
    assert counts(found) == {"same": 2}


def test_a_uid_that_is_spelled_in_another_way_is_the_same(tmp_path: Path) -> None:
    found = beside(tmp_path, {"a.ics": vevent("a;b")}, {"0f.ics": vevent("a\\;b")})
    assert counts(found) == {"rewritten": 1}


def test_of_several_with_one_uid_those_belong_together_that_say_the_same(tmp_path: Path) -> None:
    one, other, third = (vevent("u", f"SUMMARY:{text}") for text in ("one", "other", "third"))
    found = beside(tmp_path / "1", {"a.ics": one}, {"1.ics": other, "2.ics": one})
    assert standings(found) == [("1.ics", Standing.EXTRA)]
    found = beside(tmp_path / "2", {"a.ics": one, "b.ics": other}, {"1.ics": third, "2.ics": other})
    assert standings(found) == [("a.ics", Standing.CHANGED)]
    assert counts(beside(tmp_path / "3", {"a.ics": one, "b.ics": one}, {"a.ics": one, "b.ics": one})) == {"same": 2}
    assert counts(beside(tmp_path / "4", {"a.ics": one, "b.ics": one}, {"a.ics": one})) == {"same": 1, "missing": 1}


TWO = vevent("a").replace(b"END:VCALENDAR\r\n", b"") + b"BEGIN:VEVENT" + vevent("b").partition(b"BEGIN:VEVENT")[2]


def test_a_record_that_was_restored_in_pieces_is_there(tmp_path: Path) -> None:
    pieces = {"a.ics": vevent("a"), "b.ics": vevent("b")}
    assert counts(beside(tmp_path / "1", {"two.ics": TWO}, pieces)) == {"rewritten": 1}
    assert counts(beside(tmp_path / "2", {"two.ics": TWO}, {"two.ics": TWO})) == {"same": 1}
    found = beside(tmp_path / "3", {"two.ics": TWO}, {"a.ics": vevent("a")})
    assert found.calendars[0].findings[0].differs == ("lost one of 2 parts",)
    assert counts(beside(tmp_path / "4", {"two.ics": TWO}, {})) == {"missing": 1}


def test_a_calendar_that_is_not_there_is_missing_with_all_its_records(tmp_path: Path) -> None:
    tree: Tree = {"work": ({}, WORK), "empty": ({"displayname": b"Empty"}, {})}
    found = verified(tree, DirectorySource(vdir(tmp_path, {"other": {}})))
    assert counts(found) == {"missing": 4}
    assert [calendar.reason != "" for calendar in found.calendars] == [True, True]
    assert (found.is_different, found.is_partial) == (True, False)


def test_of_the_same_account_calendars_are_told_that_only_it_has(tmp_path: Path) -> None:
    root = vdir(tmp_path, {"work": WORK, "new": {}})
    tree: Tree = {"work": ({}, WORK)}
    found = verified(tree, DirectorySource(root), origin=str(root))
    assert found.only_there == [OnlyThere("new", "new")]
    assert found.is_different
    assert verified(tree, DirectorySource(root)).only_there == ()
    assert verified(tree, DirectorySource(root), RestoreOptions(path="/work"), origin=str(root)).only_there == ()


def test_one_event_is_compared_alone(tmp_path: Path) -> None:
    class Counting(DirectorySource):
        fetched = 0

        async def fetch(self, collection: Collection, versions: Sequence[Version]) -> list[Record]:
            self.fetched += len(versions)
            return await super().fetch(collection, versions)

    source = Counting(vdir(tmp_path, {"work": {**WORK, "extra.ics": vevent("extra")}}))
    found = verified({"work": ({}, WORK)}, source, RestoreOptions(path=f"/work/{NAMES[1]}"))
    assert (counts(found), source.fetched) == ({"same": 1}, 1)
    (tmp_path / "work" / NAMES[1]).rename(tmp_path / "work" / "renamed.ics")
    assert counts(verified({"work": ({}, WORK)}, source, RestoreOptions(path=f"/work/{NAMES[1]}"))) == {"same": 1}


def test_several_calendars_in_one_are_compared_together(tmp_path: Path) -> None:
    home = {one.name: one.content for one in events(3, first=10)}
    tree: Tree = {"home": ({}, home), "work": ({}, WORK)}
    root = vdir(tmp_path, {"all": {**home, **WORK, "new.ics": vevent("new")}})
    found = verified(tree, DirectorySource(root), RestoreOptions(into="all"))
    assert counts(found) == {"same": 7, "extra": 1}
    mapped = verified({"work": ({}, WORK)}, DirectorySource(root), RestoreOptions(mapping=[("work", "all")]))
    assert counts(mapped) == {"same": 4, "extra": 4}


class Troubled(DirectorySource):
    """A directory with a calendar that cannot be listed, and a file that cannot be read."""

    async def list_versions(self, collection: Collection) -> Listing:
        if collection.hint == "home":
            raise CollectionUnreadable("it went away")
        return await super().list_versions(collection)

    async def fetch(self, collection: Collection, versions: Sequence[Version]) -> list[Record]:
        records = await super().fetch(collection, versions)
        return [Failed(each.version, "500") if each.version.leaf in (NAMES[0], "x.ics") else each for each in records]


def test_what_cannot_be_read_is_neither_there_nor_missing(tmp_path: Path) -> None:
    tree: Tree = {"work": ({}, WORK), "home": ({"displayname": b"home"}, {})}
    found = verified(tree, Troubled(vdir(tmp_path, {"work": {**WORK, "x.ics": b""}, "home": {}})))
    assert counts(found) == {"same": 3, "unreadable": 2}
    assert [(each.face.name, each.reason) for each in found.calendars[1].findings] == [
        (NAMES[0], "500"),
        ("x.ics", "500"),
    ]
    assert found.calendars[0].reason == "it went away"
    assert (found.is_different, found.is_partial) == (False, True)
    with pytest.raises(CollectionUnreadable, match="it went away"):
        verified({"home": ({"displayname": b"home"}, {})}, Troubled(tmp_path))


def test_what_was_restored_under_other_names_is_there(tmp_path: Path) -> None:
    odd = {"a? name.ics": WORK[NAMES[0]], "CON.ics": vevent("nothing", "GEO:1.0;2.0")}
    tree: Tree = {"work": ({"displayname": "Büro".encode()}, odd)}
    restored(tree, DirectoryDestination(tmp_path))
    assert counts(verified(tree, DirectorySource(tmp_path))) == {"same": 2}


def restored(tree: Tree, destination: Destination) -> None:
    async def run() -> None:
        snapshot = snapshot_of(tree)
        await apply(await plan_restore(snapshot, destination, EVERYTHING), snapshot, destination)
        await destination.close()

    asyncio.run(run())


@pytest.mark.full
def test_every_server_has_what_was_restored_to_it(each_server: Server) -> None:
    contents = {one.name: one.content for one in events(12)} | {"alarm.ics": ALARM, "two.ics": TWO}
    tree: Tree = {"work": ({"displayname": "Büro".encode()}, contents)}
    client = dav.Client(dav.Transport(each_server.url, login(each_server)))
    restored(tree, CalDavDestination(client, each_server.home, origin=f"{each_server.user}@here"))
    found = verified(tree, account(each_server))
    assert (found.is_different, found.is_partial) == (False, False), found.calendars


def login(server: Server) -> dav.BasicAuthentication | None:
    return dav.BasicAuthentication(server.user, server.password) if server.user else None


def account(server: Server, url: str = "") -> CalDavSource:
    client = dav.Client(dav.Transport(server.url, login(server)))
    return CalDavSource(client, url or server.home, origin=f"{server.user}@here/path")


@pytest.mark.full
def test_a_server_is_asked_little(radicale: Server) -> None:
    url = seed(radicale, "work", events(120), displayname="Büro")
    stored = {one.name: one.content for one in events(120)}
    source = account(radicale)
    told: list[Told] = []

    async def run() -> Findings:
        snapshot = snapshot_of({"work": ({"displayname": "Büro".encode()}, stored)})
        found = await verify(snapshot, source, EVERYTHING, progress=told.append)
        await source.close()
        return found

    assert counts(asyncio.run(run())) == {"rewritten": 120}
    discovery = 6
    assert source.requests <= discovery + 1 + math.ceil(120 / 100)
    assert told[0] == LookedAt("events of Büro", 0, 120)
    assert told[-1] == LookedAt("events of Büro", 120, 120)
    one_calendar = account(radicale, url)
    assert counts(verified({"else": ({"displayname": b"Other"}, stored)}, one_calendar)) == {"rewritten": 120}


def test_an_event_that_was_deleted_and_one_that_was_changed_are_found_on_a_server(radicale: Server) -> None:
    stored: list[Event] = events(4)
    seed(radicale, "work", [stored[0], event(1, summary="newer", sequence=2), stored[3]])
    tree: Tree = {"work": ({"href": b"/nowhere/"}, {one.name: one.content for one in stored})}
    found = verified(tree, account(radicale), origin=f"{radicale.user}@here")
    assert counts(found) == {"rewritten": 2, "changed": 1, "missing": 1}
