"""An event that is there in another version: what becomes of it is the user's word, and the same every time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from caldav_backup import dav, ics
from caldav_backup.connectors.destination_caldav import CalDavDestination
from caldav_backup.restorer import (
    Action,
    OnConflict,
    RestoreOptions,
    RestorePlan,
    RestoreReport,
    Result,
    Uids,
    apply,
    plan_restore,
)
from tests.events import Event
from tests.ics.corpus import vevent
from tests.restorer.snapshots import Tree, snapshot_of
from tests.servers.server import members, seed

if TYPE_CHECKING:
    from tests.servers.server import Server

OLD = vevent("a", "SUMMARY:old", "SEQUENCE:1")
NEW = vevent("a", "SUMMARY:new", "SEQUENCE:2")


def tree(content: bytes, **attributes: bytes) -> Tree:
    return {"work": ({"displayname": b"Work", **attributes}, {"a.ics": content, "b.ics": vevent("b")})}


def restored(server: Server, stored: Tree, options: RestoreOptions) -> tuple[RestorePlan, RestoreReport]:
    async def run() -> tuple[RestorePlan, RestoreReport]:
        login = dav.BasicAuthentication(server.user, server.password) if server.user else None
        client = dav.Client(dav.Transport(server.url, login, retries=dav.Retries(attempts=1)))
        destination = CalDavDestination(client, server.home, origin=f"{server.user}@there")
        snapshot = snapshot_of(stored)
        try:
            plan = await plan_restore(snapshot, destination, options)
            return plan, await apply(plan, snapshot, destination)
        finally:
            await destination.close()

    return asyncio.run(run())


def there(server: Server, calendar: str) -> dict[str, list[bytes]]:
    """The calendar's objects by their titles."""
    found: dict[str, list[bytes]] = {}
    for href in members(server, calendar):
        body = server.expect("GET", href).body
        found.setdefault(ics.summary(body) or "", []).append(body)
    return found


def counts(report: RestoreReport) -> dict[str, int]:
    return {result.value: count for result, count in report.counts().items() if count}


def titles(server: Server) -> list[str]:
    return sorted(title for title in there(server, "work/") if title)


@pytest.mark.parametrize(
    ("stored", "is_there", "on_conflict", "result", "titles_after"),
    [
        (NEW, OLD, OnConflict.SKIP, {"skipped": 1, "created": 1}, ["old"]),
        (OLD, NEW, OnConflict.REPLACE, {"replaced": 1, "created": 1}, ["old"]),
        (NEW, OLD, OnConflict.NEWER, {"replaced": 1, "created": 1}, ["new"]),
        (OLD, NEW, OnConflict.NEWER, {"skipped": 1, "created": 1}, ["new"]),
        (OLD, NEW, OnConflict.DUPLICATE, {"created": 2}, ["new", "old"]),
    ],
)
def test_a_conflict_ends_as_the_user_says(
    radicale: Server,
    stored: bytes,
    is_there: bytes,
    on_conflict: OnConflict,
    result: dict[str, int],
    titles_after: list[str],
) -> None:
    seed(radicale, "work", [Event("a", "a.ics", is_there)], displayname="Work")
    _, report = restored(radicale, tree(stored), RestoreOptions(on_conflict=on_conflict))
    assert counts(report) == result
    assert titles(radicale) == titles_after
    _, again = restored(radicale, tree(stored), RestoreOptions(on_conflict=on_conflict))
    assert again.counts()[Result.CREATED] == again.counts()[Result.REPLACED] == 0
    assert titles(radicale) == titles_after


def test_versions_of_which_none_is_newer_are_left_alone_and_that_is_said(radicale: Server) -> None:
    seed(radicale, "work", [Event("a", "a.ics", vevent("a", "SUMMARY:one"))], displayname="Work")
    plan, _ = restored(radicale, tree(vevent("a", "SUMMARY:two")), RestoreOptions(on_conflict=OnConflict.NEWER))
    conflict = next(one for one in plan.calendars[0].records if one.name == "a.ics")
    assert (conflict.action, "cannot be told" in conflict.reason) == (Action.CONFLICT, True)


def test_new_uids_put_everything_beside_what_is_there_and_only_once(radicale: Server) -> None:
    seed(radicale, "work", [Event("a", "a.ics", NEW)], displayname="Work")
    series = vevent("s", "RRULE:FREQ=WEEKLY;COUNT=3").replace(
        b"END:VCALENDAR", vevent("s", "RECURRENCE-ID:20260508T100000Z").partition(b"\r\n")[2].partition(b"BEGIN:VEV")[2]
        .join([b"BEGIN:VEV", b""]).partition(b"END:VCALENDAR")[0] + b"END:VCALENDAR"
    )  # fmt: skip
    stored: Tree = {"work": ({"displayname": b"Work"}, {"a.ics": NEW, "s.ics": series})}
    options = RestoreOptions(uids=Uids.NEW)
    _, report = restored(radicale, stored, options)
    assert counts(report) == {"created": 2}
    bodies = [body for found in there(radicale, "work/").values() for body in found]
    uids = [ics.uids(body) for body in bodies]
    assert len(uids) == 3 and all(len(each) == 1 for each in uids) and len(set(uids)) == 3
    _, again = restored(radicale, stored, options)
    assert counts(again) == {"identical": 2}


def test_a_private_event_that_a_share_showed_as_busy_replaces_nothing(radicale: Server) -> None:
    whole = vevent("a", "CLASS:PRIVATE", "SUMMARY:Doctor", "LOCATION:Clinic", "DESCRIPTION:bring the papers")
    veiled = vevent("a", "CLASS:PRIVATE", "SUMMARY:Busy")
    seed(radicale, "work", [Event("a", "a.ics", whole)], displayname="Work")
    options = RestoreOptions(on_conflict=OnConflict.REPLACE)
    _, report = restored(radicale, tree(veiled), options)
    assert report.calendars[0].records[0].result is Result.SKIPPED
    assert "seen through a share" in report.calendars[0].records[0].reason
    assert titles(radicale) == ["Doctor"]
    own = tree(veiled, owner=b"/alice/", principal=b"https://cloud.example.org/alice/")
    _, report = restored(radicale, own, options)
    assert report.calendars[0].records[0].result is Result.REPLACED


@pytest.mark.full
def test_an_account_that_takes_each_uid_once_keeps_it_where_it_is(cyrus: Server) -> None:
    seed(cyrus, "other", [Event("a", "a.ics", NEW)], displayname="Other")
    _, skipped = restored(cyrus, tree(OLD), RestoreOptions())
    assert counts(skipped) == {"created": 1, "skipped": 1}
    assert "'Other'" in skipped.calendars[0].records[0].reason
    _, replaced = restored(cyrus, tree(OLD), RestoreOptions(on_conflict=OnConflict.REPLACE))
    assert counts(replaced) == {"identical": 1, "replaced": 1}
    assert "old" in there(cyrus, "other/")
    _, again = restored(cyrus, tree(OLD), RestoreOptions(on_conflict=OnConflict.REPLACE))
    assert counts(again) == {"identical": 2}
    _, beside = restored(cyrus, tree(NEW), RestoreOptions(on_conflict=OnConflict.DUPLICATE))
    assert counts(beside) == {"created": 1, "identical": 1}


@pytest.mark.full
@pytest.mark.parametrize(
    ("on_conflict", "result"), [(OnConflict.SKIP, {"skipped": 1}), (OnConflict.REPLACE, {"replaced": 1})]
)
def test_an_event_without_a_uid_is_known_by_the_one_that_it_was_given(
    sabredav: Server, on_conflict: OnConflict, result: dict[str, int]
) -> None:
    content = vevent("x", "SUMMARY:old").replace(b"UID:x\r\n", b"")
    stored: Tree = {"work": ({"displayname": b"Work"}, {"a.ics": content})}
    _, report = restored(sabredav, stored, RestoreOptions())
    assert counts(report) == {"created": 1}
    (href,) = members(sabredav, report.calendars[0].key)
    changed = sabredav.expect("GET", href).body.replace(b"SUMMARY:old", b"SUMMARY:new")
    sabredav.expect("PUT", href, changed, {"Content-Type": "text/calendar"})
    _, report = restored(sabredav, stored, RestoreOptions(on_conflict=on_conflict))
    assert counts(report) == result
    assert titles(sabredav) == ["new" if on_conflict is OnConflict.SKIP else "old"]


def test_an_object_that_was_cut_off_between_its_pieces_becomes_whole(radicale: Server) -> None:
    two = vevent("a").replace(b"END:VCALENDAR\r\n", b"BEGIN:VEVENT" + vevent("b").partition(b"BEGIN:VEVENT")[2])
    stored: Tree = {"work": ({"displayname": b"Work"}, {"two.ics": two})}
    seed(radicale, "work", [Event("a", "two.ics", vevent("a"))], displayname="Work")
    _, report = restored(radicale, stored, RestoreOptions())
    assert counts(report) == {"created": 1}
    bodies = [body for found in there(radicale, "work/").values() for body in found]
    assert sorted(ics.uids(body) for body in bodies) == [("a",), ("b",)]
    _, again = restored(radicale, stored, RestoreOptions())
    assert counts(again) == {"identical": 1}


MASTER = vevent("s", "SUMMARY:every day", "RRULE:FREQ=DAILY;COUNT=3")
MOVED = vevent("s", "SUMMARY:but one", "RECURRENCE-ID:20260302T090000Z")


@pytest.mark.parametrize("names", [("a.ics", "b.ics"), ("b.ics", "a.ics")])
def test_two_records_of_one_uid_never_take_each_others_place(radicale: Server, names: tuple[str, str]) -> None:
    stored: Tree = {"work": ({"displayname": b"Work"}, dict(zip(names, (MASTER, MOVED), strict=True)))}
    seed(radicale, "work", [Event("s", "a.ics", MASTER)], displayname="Work")
    _, report = restored(radicale, stored, RestoreOptions(on_conflict=OnConflict.REPLACE))
    assert counts(report) == {"identical": 1, "skipped": 1}
    assert titles(radicale) == ["every day"]


def test_two_calendars_that_become_one_do_not_replace_each_others_events(radicale: Server) -> None:
    stored: Tree = {name: ({}, {"a.ics": content}) for name, content in (("home", OLD), ("office", NEW))}
    options = RestoreOptions(into="Work", on_conflict=OnConflict.REPLACE)
    seed(radicale, "work", [Event("a", "a.ics", NEW)], displayname="Work")
    for _ in range(2):
        _, report = restored(radicale, stored, options)
        assert (counts(report), titles(radicale)) == ({"identical": 1, "skipped": 1}, ["new"])
    (href,) = members(radicale, "work/")
    radicale.expect("PUT", href, vevent("a", "SUMMARY:a third one"), {"Content-Type": "text/calendar"})
    _, report = restored(radicale, stored, options)
    assert (counts(report), titles(radicale)) == ({"replaced": 1, "skipped": 1}, ["old"])


@pytest.mark.full
@pytest.mark.parametrize("on_conflict", [OnConflict.SKIP, OnConflict.REPLACE])
def test_an_event_goes_back_to_the_calendar_that_it_was_moved_out_of(cyrus: Server, on_conflict: OnConflict) -> None:
    stored: Tree = {
        "work": ({"displayname": b"Work"}, {"a.ics": OLD}),
        "other": ({"displayname": b"Other"}, {"b.ics": vevent("b")}),
    }
    seed(cyrus, "work", [], displayname="Work")
    seed(cyrus, "other", [Event("a", "a.ics", OLD), Event("b", "b.ics", vevent("b"))], displayname="Other")
    options = RestoreOptions(delete_extra=True, on_conflict=on_conflict)
    _, report = restored(cyrus, stored, options)
    assert counts(report) == {"created": 1, "identical": 1}
    assert (len(members(cyrus, "work/")), len(members(cyrus, "other/"))) == (1, 1)
    _, again = restored(cyrus, stored, options)
    assert counts(again) == {"identical": 2}
    assert (len(members(cyrus, "work/")), len(members(cyrus, "other/"))) == (1, 1)


@pytest.mark.full
def test_an_account_that_takes_each_uid_once_keeps_the_event_of_the_first_calendar(cyrus: Server) -> None:
    stored: Tree = {
        "home": ({"displayname": b"Home"}, {"a.ics": NEW}),
        "work": ({"displayname": b"Work"}, {"a.ics": OLD}),
    }
    seed(cyrus, "home", [Event("a", "a.ics", NEW)], displayname="Home")
    seed(cyrus, "work", [], displayname="Work")
    _, report = restored(cyrus, stored, RestoreOptions(on_conflict=OnConflict.REPLACE))
    assert counts(report) == {"identical": 1, "skipped": 1}
    assert "new" in there(cyrus, "home/")


@pytest.mark.full
def test_a_uid_that_the_server_spells_in_another_way_is_the_same(each_server: Server) -> None:
    odd = {"a.ics": vevent("a;b"), "b.ics": vevent("<t>&amp;")}
    stored: Tree = {"work": ({"displayname": b"Work"}, odd)}
    restored(each_server, stored, RestoreOptions())
    plan, again = restored(each_server, stored, RestoreOptions(delete_extra=True))
    assert (counts(again), plan.to_delete) == ({"identical": 2}, 0)
