"""What was written is read back: same, rewritten, changed, missing, each named."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from caldav_backup.connectors.base import CollectionUnreadable, Failed, Version
from caldav_backup.connectors.destination import Scheduling
from caldav_backup.connectors.destination_directory import DirectoryDestination
from caldav_backup.restorer import Invites, ReadBack, RecordResult, Result
from caldav_backup.restorer.copies import Copies, Form
from caldav_backup.restorer.selection import select_calendars
from caldav_backup.restorer.verifying import NOT_READABLE, NOT_THERE, Sent, Verifier, digest_of
from tests.events import events
from tests.ics.corpus import vevent
from tests.restorer.snapshots import snapshot_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from caldav_backup.connectors.base import Collection, Record

AS_STORED = Copies(Invites.SUPPRESS, Scheduling.NONE)
EVENTS = {one.name: one.content for one in events(3)}
FIRST, SECOND, THIRD = EVENTS


def verified(
    directory: Path,
    stored: Mapping[str, bytes],
    there: Mapping[str, bytes],
    *,
    destination: type[DirectoryDestination] = DirectoryDestination,
    copies: Copies = AS_STORED,
    forms: Mapping[str, Sequence[Form]] | None = None,
) -> dict[str, RecordResult]:
    """The results of `stored`, all of it sent, in a calendar that has become `there`."""
    snapshot = snapshot_of({"work": ({}, dict(stored))})
    (calendar,) = select_calendars(snapshot, "/", ())
    (directory / "work").mkdir(parents=True)
    for name, content in there.items():
        (directory / "work" / name).write_bytes(content)
    names = sorted(stored)
    results = [RecordResult(name, Result.CREATED) for name in names]
    sent = []
    for place, name in enumerate(names):
        for form in (forms or {}).get(name, [Form()]):
            leaf = name if form.piece is None else f"{form.piece}-{name}"
            content = copies.in_form(stored[name], form)
            sent.append(Sent.of(place, Version(leaf, leaf, "", 0, -1), content, form))

    async def run() -> None:
        target = destination(directory)
        (collection,) = (await target.catalogue()).collections
        await Verifier(snapshot, target, calendar, copies).verify(collection, sent[::-1], results)
        await target.close()

    asyncio.run(run())
    return dict(zip(names, results, strict=True))


def test_what_is_there_byte_for_byte_is_the_same_whatever_its_line_ends(tmp_path: Path) -> None:
    there = {**EVENTS, SECOND: EVENTS[SECOND].replace(b"\r\n", b"\n")}
    found = verified(tmp_path, EVENTS, there)
    assert {result.read_back for result in found.values()} == {ReadBack.SAME}
    assert {result.result for result in found.values()} == {Result.CREATED}


def test_what_only_looks_otherwise_is_rewritten(tmp_path: Path) -> None:
    there = {**EVENTS, SECOND: EVENTS[SECOND].replace(b"DTSTAMP:2", b"DTSTAMP:1")}
    found = verified(tmp_path, EVENTS, there)
    assert [found[name].read_back for name in EVENTS] == [ReadBack.SAME, ReadBack.REWRITTEN, ReadBack.SAME]
    assert found[SECOND].differs == ()


def test_what_was_lost_added_or_changed_is_named(tmp_path: Path) -> None:
    stored = vevent("a", "GEO:1.0;2.0", "LOCATION:here")
    there = vevent("a", "LOCATION:there", "PRIORITY:1")
    found = verified(tmp_path, {"a.ics": stored}, {"a.ics": there})["a.ics"]
    assert (found.result, found.read_back) == (Result.CREATED, ReadBack.CHANGED)
    assert found.differs == ("lost VEVENT GEO", "changed VEVENT LOCATION", "added VEVENT PRIORITY")


def test_what_is_gone_has_failed(tmp_path: Path) -> None:
    found = verified(tmp_path, EVENTS, {FIRST: EVENTS[FIRST], THIRD: EVENTS[THIRD]})
    assert found[SECOND] == RecordResult(SECOND, Result.FAILED, NOT_THERE, ReadBack.MISSING)
    assert found[FIRST].read_back is found[THIRD].read_back is ReadBack.SAME


def test_a_copy_is_compared_with_what_was_sent_and_not_with_what_is_stored(tmp_path: Path) -> None:
    meeting = vevent("m", "ORGANIZER:mailto:ann@example.org", "ATTENDEE:mailto:bob@example.org", "GEO:1.0;2.0")
    stripping = Copies(Invites.STRIP, Scheduling.NONE)
    sent = stripping.of(meeting).content
    assert verified(tmp_path / "1", {"m.ics": meeting}, {"m.ics": sent}, copies=stripping)["m.ics"] == RecordResult(
        "m.ics", Result.CREATED, "", ReadBack.SAME
    )
    without = sent.replace(b"GEO:1.0;2.0\r\n", b"")
    found = verified(tmp_path / "2", {"m.ics": meeting}, {"m.ics": without}, copies=stripping)["m.ics"]
    assert found.differs == ("lost VEVENT GEO",)


class Unlistable(DirectoryDestination):
    """A directory that is not there any more when it is read back."""

    async def fetch(self, collection: Collection, versions: Sequence[Version]) -> list[Record]:
        raise CollectionUnreadable(f"{len(versions)} records of {collection.hint} went away")


class Unreadable(DirectoryDestination):
    """A directory of which one file cannot be read back."""

    async def fetch(self, collection: Collection, versions: Sequence[Version]) -> list[Record]:
        records = await super().fetch(collection, versions)
        return [Failed(each.version, "500") if each.version.leaf == SECOND else each for each in records]


@pytest.mark.parametrize(("destination", "unread"), [(Unlistable, list(EVENTS)), (Unreadable, [SECOND])])
def test_what_cannot_be_read_back_is_told(
    tmp_path: Path, destination: type[DirectoryDestination], unread: list[str]
) -> None:
    found = verified(tmp_path, EVENTS, EVENTS, destination=destination)
    for name, result in found.items():
        assert (result.result, NOT_READABLE in result.reason) == (Result.CREATED, name in unread)
        assert result.read_back is (ReadBack.NOT_READ if name in unread else ReadBack.SAME)


def test_a_digest_does_not_depend_on_line_ends() -> None:
    assert digest_of(b"\xef\xbb\xbfa\r\nb\rc\n") == digest_of(b"a\nb\nc\n")
    assert digest_of(b"a\nb") != digest_of(b"a\nc")


TWO = vevent("a").replace(b"END:VCALENDAR\r\n", b"") + b"BEGIN:VEVENT" + vevent("b").partition(b"BEGIN:VEVENT")[2]


def test_a_record_that_was_sent_in_pieces_is_as_its_worst_piece(tmp_path: Path) -> None:
    forms = {"two.ics": [Form(piece=0), Form(piece=1)]}
    pieces = [AS_STORED.in_form(TWO, form) for form in forms["two.ics"]]
    there = {f"{number}-two.ics": content for number, content in enumerate(pieces)}
    assert verified(tmp_path / "1", {"two.ics": TWO}, there, forms=forms)["two.ics"].read_back is ReadBack.SAME
    changed = there | {"1-two.ics": pieces[1].replace(b"END:VEVENT", b"PRIORITY:1\r\nEND:VEVENT")}
    found = verified(tmp_path / "2", {"two.ics": TWO}, changed, forms=forms)["two.ics"]
    assert (found.read_back, found.differs) == (ReadBack.CHANGED, ("added VEVENT PRIORITY",))
    del there["0-two.ics"]
    found = verified(tmp_path / "3", {"two.ics": TWO}, there, forms=forms)["two.ics"]
    assert (found.result, found.read_back) == (Result.FAILED, ReadBack.MISSING)


def test_what_xml_cannot_hold_has_a_length_so_that_it_is_fetched_by_itself() -> None:
    def length(content: bytes) -> int:
        return Sent.of(0, Version("a", "a", "", 0, -1), content, Form()).version.length

    assert length(vevent("a", "SUMMARY:\t\u00e4\U0001f600")) == -1
    for odd in ("\x01", "\x0b", "\x1f", "\uffff"):
        content = vevent("a", f"SUMMARY:{odd}")
        assert length(content) == len(content)
