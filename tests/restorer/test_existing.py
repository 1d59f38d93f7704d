"""What a destination holds is known by UID, read in few requests that are small enough to be held in memory."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from caldav_backup import dav, ics
from caldav_backup.connectors.base import Collection, Failed, Gone, Record, Resource, Version
from caldav_backup.connectors.destination_caldav import CalDavDestination
from caldav_backup.connectors.destination_directory import DirectoryDestination
from caldav_backup.restorer.existing import BATCH, BATCH_BYTES, Existing, There, fetch_all, read_existing
from tests.events import event, events
from tests.servers.server import seed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.events import Event
    from tests.servers.server import Server


class Counting(DirectoryDestination):
    """Notes how much it is asked for at once."""

    def __init__(self) -> None:
        super().__init__(Path("nowhere"))
        self.asked: list[int] = []

    async def fetch(self, collection: Collection, versions: Sequence[Version]) -> list[Record]:
        del collection
        self.asked.append(len(versions))
        return [Failed(version, "") for version in versions]


def asked(lengths: Sequence[int]) -> list[int]:
    versions = [Version(f"{number}.ics", f"{number}.ics", "1", 0, length) for number, length in enumerate(lengths)]
    destination = Counting()

    async def story() -> list[Version]:
        return [record.version async for record in fetch_all(destination, Collection("cal", "cal"), versions)]

    assert asyncio.run(story()) == versions
    return destination.asked


def test_small_records_are_asked_for_by_the_hundred() -> None:
    assert asked([-1] * (4 * BATCH + 1)) == [BATCH] * 4 + [1]
    assert asked([]) == []


def test_large_records_are_asked_for_few_at_a_time() -> None:
    half = BATCH_BYTES // 2
    assert asked([half, half, half, 3 * half, 1, 1]) == [2, 1, 1, 2]


GUESTS = b"ATTENDEE:mailto:a@example.org\r\nATTENDEE:mailto:b@example.org\r\nORGANIZER:mailto:c@example.org\r\n"
MEETING = event(900)._replace(content=event(900).content.replace(b"SEQUENCE:0\r\n", GUESTS))
#: Two objects in one, which Xandikos, DAViCal and SOGo take.
PAIR = event(901)._replace(
    content=event(901).content.replace(b"END:VCALENDAR\r\n", event(902).content.split(b"\r\n", 3)[3])
)
NAMELESS = event(903)._replace(content=event(903).content.replace(b"UID:", b"X-UID:"))


class Holding(DirectoryDestination):
    """Holds these records, of which some cannot be read, and tells the UIDs of some."""

    def __init__(
        self, records: Sequence[Event], told: Mapping[str, str] | None = None, broken: frozenset[str] = frozenset()
    ) -> None:
        super().__init__(Path("nowhere"))
        self.records = {record.name: record for record in records}
        self.told = told
        self.broken = broken
        self.fetched: list[str] = []
        self.asked_for_uids = 0

    async def list_versions(self, collection: Collection) -> list[Version]:
        del collection
        return [Version(name, name, "1", 0, len(record.content)) for name, record in self.records.items()]

    async def list_uids(self, collection: Collection) -> Mapping[str, str] | None:
        del collection
        self.asked_for_uids += 1
        return self.told

    async def fetch(self, collection: Collection, versions: Sequence[Version]) -> list[Record]:
        del collection
        self.fetched += [version.key for version in versions]
        return [self._record(version) for version in versions]

    def _record(self, version: Version) -> Record:
        if version.key in self.broken:
            return Gone(version)
        return Resource(version, self.records[version.key].content)


def existing(destination: Holding, wanted: frozenset[str] | None = None) -> Existing:
    return asyncio.run(read_existing(destination, Collection("cal", "cal"), wanted))


def versions(there: Sequence[There]) -> list[str]:
    return [one.version.key for one in there if one.version is not None]


def uids_of(records: Sequence[Event]) -> dict[str, str]:
    return {record.name: record.uid for record in records}


MANY = events(BATCH + 50)


def test_few_records_are_simply_read() -> None:
    destination = Holding(MANY[:BATCH], uids_of(MANY))
    existing(destination, frozenset())
    assert destination.asked_for_uids == 0
    assert len(destination.fetched) == BATCH


def test_all_records_are_read_when_all_are_wanted() -> None:
    destination = Holding(MANY, uids_of(MANY))
    found = existing(destination)
    assert destination.asked_for_uids == 0
    (one,) = found.find(MANY[7].uid, "other.ics")
    assert one.is_read
    assert one.meaning == ics.meaning_of(MANY[7].content)
    assert one.title == "Dentist (7)"
    assert found.count == len(MANY)


def test_of_many_records_only_the_wanted_are_read_and_those_that_the_server_does_not_tell() -> None:
    untold = {MANY[3].name, MANY[200].name}
    told = {name: uid for name, uid in uids_of(MANY).items() if name not in untold}
    destination = Holding(MANY, told)
    found = existing(destination, frozenset({MANY[5].uid, "not there"}))
    assert destination.asked_for_uids == 1
    assert set(destination.fetched) == {MANY[5].name, *untold}
    assert found.find(MANY[5].uid, "")[0].is_read
    assert found.find(MANY[3].uid, "")[0].is_read
    assert found.find("not there", "") == ()
    assert found.count == len(MANY)
    assert all(found.is_taken(record.name.upper()) for record in MANY)


def test_a_server_that_tells_no_uids_is_read_in_full() -> None:
    destination = Holding(MANY)
    assert existing(destination, frozenset({MANY[5].uid})).count == len(destination.fetched) == len(MANY)


def test_a_record_that_is_only_told_is_found_and_like_no_other() -> None:
    found = existing(Holding(MANY, uids_of(MANY)), frozenset())
    (one,) = found.find(MANY[5].uid, "")
    assert versions([one]) == [MANY[5].name]
    assert not one.is_read
    assert not one.matches(ics.meaning_of(b""))
    assert not one.matches(ics.meaning_of(MANY[5].content))


def test_a_record_that_cannot_be_read_keeps_its_name_and_the_uid_that_was_told() -> None:
    told = uids_of(MANY)
    del told[MANY[1].name]
    destination = Holding(MANY, told, frozenset({MANY[0].name, MANY[1].name}))
    found = existing(destination, frozenset({MANY[0].uid, MANY[1].uid}))
    assert [version.key for version in found.unreadable] == [MANY[1].name]
    assert not found.find(MANY[0].uid, "")[0].is_read
    assert found.find(MANY[1].uid, MANY[1].name) == ()
    assert found.is_taken(MANY[1].name)
    assert found.count == len(MANY)


def test_an_object_of_two_is_found_by_either() -> None:
    found = existing(Holding([PAIR, event(1)]))
    assert versions(found.find(event(901).uid, "")) == versions(found.find(event(902).uid, "")) == [PAIR.name]


def test_two_records_of_one_uid_are_both_found_beside_what_is_going_to_be_there() -> None:
    again = event(1)._replace(name="again.ics")
    found = existing(Holding([event(1), again]))
    found.add(event(1).uid, "new.ics", There(ics.meaning_of(b""), None))
    assert versions(found.find(event(1).uid, "")) == [event(1).name, "again.ics"]
    assert len(found.find(event(1).uid, "")) == 3
    assert found.is_taken("NEW.ics")
    assert found.count == 2


def test_a_record_without_a_uid_is_found_by_its_name() -> None:
    found = existing(Holding([NAMELESS]))
    assert versions(found.find(None, NAMELESS.name)) == [NAMELESS.name]
    assert found.find(None, "other.ics") == ()


def test_extras_are_what_none_of_the_uids_stands_for() -> None:
    records = [event(1), MEETING, PAIR, NAMELESS, event(2)]
    found = existing(Holding(records, broken=frozenset({event(2).name})))
    found.add("new", "new.ics", There(ics.meaning_of(b""), None))
    extras = {extra.version.key: extra for extra in found.extras({event(1).uid})}
    assert set(extras) == {MEETING.name, PAIR.name, NAMELESS.name}
    assert (extras[MEETING.name].there.title, extras[MEETING.name].there.guests) == ("Choir practice (900)", 3)
    assert (extras[PAIR.name].uid, extras[NAMELESS.name].uid) == (event(901).uid, "")
    assert PAIR.name not in {extra.version.key for extra in found.extras({event(902).uid})}


@pytest.mark.full
def test_one_event_is_found_among_hundreds_in_three_requests(radicale: Server) -> None:
    url = seed(radicale, "work", MANY)
    transport = dav.Transport(radicale.url, dav.BasicAuthentication(radicale.user, radicale.password))
    destination = CalDavDestination(dav.Client(transport), url, origin="")

    async def story() -> tuple[Existing, int]:
        (collection,) = (await destination.catalogue()).collections
        before = transport.requests
        found = await read_existing(destination, collection, frozenset({MANY[5].uid}))
        asked = transport.requests - before
        await destination.close()
        return found, asked

    found, asked = asyncio.run(story())
    assert asked == 3  # the listing, the UIDs, the event
    assert found.find(MANY[5].uid, "")[0].is_read
    assert found.count == len(MANY)
