"""What the pairs of servers are tried with: every kind of thing that people have, each record for itself."""

from __future__ import annotations

from collections import Counter

from caldav_backup import ics
from tests.compatibility.corpus import corpus
from tests.compatibility.packaged import packaged_records
from tests.compatibility.people import OUTSIDE, Person, people_of
from tests.compatibility.records import Kind
from tests.servers.server import Server

PERSON = Person("alice@example.org", "bob@example.org")
FOLDERS = corpus([PERSON], huge=False)
#: The same in two calendars and in two objects of one on purpose: no UID, or one that servers have to refuse or keep.
_SHARED = {"in-two-calendars", ics.uid(next(r for f in FOLDERS for r in f.records if r.name == "crlf.ics").content)}


def test_every_kind_is_there_and_no_two_records_of_a_calendar_have_one_name() -> None:
    assert {record.kind for folder in FOLDERS for record in folder.records} == set(Kind)
    for folder in FOLDERS:
        names = [record.name for record in folder.records]
        assert len(names) == len(set(names)), folder.segment


def test_uids_are_distinct_but_for_those_that_try_what_happens_when_they_are_not() -> None:
    counted = Counter(uid for folder in FOLDERS for record in folder.records for uid in ics.uids(record.content))
    assert {uid for uid, count in counted.items() if count > 1} == _SHARED


def test_the_icalendar_package_brings_its_calendars() -> None:
    assert len(packaged_records()) > 120
    assert all(ics.is_calendar(record.content) for record in packaged_records())


def test_one_event_has_ten_megabytes_unless_that_takes_too_long() -> None:
    assert max(len(record.content) for folder in FOLDERS for record in folder.records) < 200_000
    sizes = [len(record.content) for folder in corpus([PERSON]) for record in folder.records]
    assert 9_500_000 < max(sizes) < 10_000_000


def test_those_who_own_an_account_meet_its_other_user_and_somebody_outside() -> None:
    server = Server("x", "http://localhost/", "http://localhost/alice/", "alice", "", other_user="bob")
    assert PERSON in people_of([server])
    (folder,) = (folder for folder in FOLDERS if folder.segment == "meetings")
    for record in folder.records:
        assert {PERSON.address, PERSON.other} <= set(ics.guests(record.content)), record.name
    assert sum(OUTSIDE in ics.guests(record.content) for record in folder.records) == len(folder.records)
