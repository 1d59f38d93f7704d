"""A restore of some events: by UID, words, kind and time, and never half a series."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from caldav_backup.connectors.destination_directory import DirectoryDestination
from caldav_backup.restorer import NoSuchEvent, NotWhole, RestoreOptions, Uids, apply, plan_restore
from tests.ics.corpus import vevent
from tests.restorer.snapshots import Tree, snapshot_of

OVERRIDE = vevent("series", "RECURRENCE-ID:20260515T100000Z", "SUMMARY:Moved to the pub")
TREE: Tree = {
    "home": (
        {},
        {
            "dentist.ics": vevent("dentist", "SUMMARY:Dentist", "LOCATION:Zürich"),
            "series-1.ics": OVERRIDE,
            "series.ics": vevent("series", "SUMMARY:Rehearsal", "RRULE:FREQ=WEEKLY;COUNT=30"),
            "task.ics": vevent("task", "SUMMARY:Call the dentist").replace(b"VEVENT", b"VTODO"),
        },
    ),
    "work": ({}, {"lunch.ics": vevent("lunch", "SUMMARY:Lunch")}),
}


def chosen(tmp_path: Path, options: RestoreOptions) -> set[str]:
    """The names of the files that a restore with these options writes."""

    async def run() -> None:
        snapshot, destination = snapshot_of(TREE), DirectoryDestination(tmp_path)
        await apply(await plan_restore(snapshot, destination, options), snapshot, destination)

    asyncio.run(run())
    return {path.name for path in tmp_path.rglob("*.ics")}


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (RestoreOptions(events=["lunch"]), {"lunch.ics"}),
        (RestoreOptions(texts=["dentist"]), {"dentist.ics", "task.ics"}),
        (RestoreOptions(texts=["zürich", "lunch"]), {"dentist.ics", "lunch.ics"}),
        (RestoreOptions(texts=["dentist"], kinds=["VTODO"]), {"task.ics"}),
        (RestoreOptions(texts=["the pub"]), {"series.ics", "series-1.ics"}),
        (
            RestoreOptions(since=datetime(2026, 9, 1, tzinfo=UTC), until=datetime(2026, 9, 8, tzinfo=UTC)),
            {"series.ics", "series-1.ics"},
        ),
    ],
)
def test_what_is_asked_for_is_restored_and_nothing_else(
    tmp_path: Path, options: RestoreOptions, names: set[str]
) -> None:
    assert chosen(tmp_path, options) == names


def test_a_calendar_that_holds_nothing_of_it_is_not_made(tmp_path: Path) -> None:
    chosen(tmp_path, RestoreOptions(texts=["lunch"]))
    assert [path.name for path in tmp_path.iterdir()] == ["work"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (RestoreOptions(events=["nothing"]), "has the UID nothing"),
        (RestoreOptions(texts=["nothing"], kinds=["VEVENT"]), "is of the kind event and says 'nothing'"),
        (RestoreOptions(since=datetime(2036, 1, 1, tzinfo=UTC)), "takes place in that time"),
    ],
)
def test_what_nothing_matches_is_named(tmp_path: Path, options: RestoreOptions, words: str) -> None:
    with pytest.raises(NoSuchEvent, match=words):
        chosen(tmp_path, options)


def test_what_is_extra_is_removed_only_from_whole_calendars(tmp_path: Path) -> None:
    for options in (
        RestoreOptions(delete_extra=True, events=["lunch"]),
        RestoreOptions(delete_extra=True, path="/work/lunch.ics"),
    ):
        with pytest.raises(NotWhole, match="whole calendars"):
            chosen(tmp_path, options)


def test_new_uids_do_not_make_everything_that_is_there_extra(tmp_path: Path) -> None:
    with pytest.raises(NotWhole, match="--uid new"):
        chosen(tmp_path, RestoreOptions(delete_extra=True, uids=Uids.NEW))
