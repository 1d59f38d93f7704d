"""What vanished and when, told by names of many snapshots, of which each piece is read once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caldav_backup.connectors.base import LeftOut
from caldav_backup.inspection.vanished import Missing, Walk
from caldav_backup.inspection.vanished_events import Contents, newest_versions, stored, without
from caldav_backup.inspection.vanished_listings import Listings
from caldav_backup.inspection.vanished_present import AS_OF_THE_LAST_BACKUP, Look, Present
from caldav_backup.kloset import Damaged, Repository, SnapshotBuilder
from caldav_backup.kloset.configuration import ChunkSizes
from caldav_backup.kloset.contents import get_object
from caldav_backup.kloset.directory_writer import File
from caldav_backup.kloset.envelope import HEADER_SIZE
from caldav_backup.kloset.header import Header, Importer
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.storage import Kind
from caldav_backup.marks import BEFORE_RESTORE, INCOMPLETE, PARTIAL, SUSPICIOUS
from tests.archiver.account import Account
from tests.kloset.stores import SMALL_CHUNKS, WatchedStorage, damage, make_repository
from tests.restorer.snapshots import prefixed

LARGER_CHUNKS = ChunkSizes(1024, 4096, 16384)
DAY = 86_400 * 10**9
OURS = Importer("caldav-backup", "alice@example.org/", "/")

Calendars = Mapping[str, Sequence[str]]


def body(uid: str, summary: str = "") -> bytes:
    lines = [
        "BEGIN:VCALENDAR",
        "BEGIN:VEVENT",
        f"UID:{uid}",
        f"SUMMARY:{summary or uid}",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return "".join(f"{line}\r\n" for line in lines).encode()


def event_of(name: str) -> bytes:
    return body(name.partition(".")[0])


class History:
    """Snapshots of one source, one a day, as a test tells what is in them."""

    def __init__(self, chunking: ChunkSizes = SMALL_CHUNKS) -> None:
        self.storage = WatchedStorage()
        self.repository: Repository = make_repository(storage=self.storage, chunking=chunking)[1]
        self.headers: list[Header] = []

    def add(
        self,
        calendars: Calendars,
        *,
        tags: Sequence[str] = (),
        perimeter: str = "",
        failed: Sequence[str] = (),
        contents: Callable[[str], bytes] = event_of,
        importer: Importer = OURS,
    ) -> Header:
        """The next day's snapshot; calendars are known by `/alice/NAME/` and called by their names in capitals."""
        when = (len(self.headers) + 1) * DAY
        builder = SnapshotBuilder(
            self.repository, importer=importer, job="work", perimeter=perimeter, tags=tags, timestamp_ns=when
        )
        for calendar, names in sorted(calendars.items()):
            directory = builder.open_directory(f"/{calendar}")
            directory.add([File(name, contents(name), 0) for name in sorted(names)])
            attributes = {"href": f"/alice/{calendar}/".encode(), "displayname": calendar.upper().encode()}
            directory.close(prefixed(attributes) if importer is OURS else {})
        for path in failed:
            builder.fail(path, "500")
        self.headers.insert(0, builder.finish())
        return self.headers[0]

    def walk(self, present: Present, **options: object) -> Walk:
        return Walk(self.repository, self.headers, present, **options)  # type: ignore[arg-type]

    def missing(self, present: Present, **options: object) -> dict[str, tuple[int, int | None]]:
        """By path: the day of the newest snapshot that has it, and that of the one in which it is gone."""
        return told(self.walk(present, **options).missing())

    def contents(self, present: Present, is_wanted: Callable[[bytes, str | None], bool] = lambda *_: True) -> Contents:
        return newest_versions(self.repository, self.walk(present).missing(), is_wanted)


def told(missing: Iterator[Missing]) -> dict[str, tuple[int, int | None]]:
    return {
        each.entry.path: (each.header.timestamp_ns // DAY, None if each.gone_ns is None else each.gone_ns // DAY)
        for each in missing
    }


def present(calendars: Calendars, **options: object) -> Present:
    names = {f"/alice/{name}/": frozenset(each.encode() for each in held) for name, held in calendars.items()}
    return Present(names, **{"is_complete": True, **options})  # type: ignore[arg-type]


def test_the_newest_snapshot_that_holds_it_and_the_next_one_say_when_it_vanished() -> None:
    history = History()
    history.add({"work": ["a.ics", "b.ics", "c.ics"]})
    history.add({"work": ["a.ics", "b.ics", "c.ics"]})
    history.add({"work": ["a.ics", "c.ics"]})
    history.add({"work": ["a.ics", "c.ics"]})
    found = history.missing(present({"work": ["a.ics"]}))
    assert found == {"/work/c.ics": (4, None), "/work/b.ics": (2, 3)}
    assert next(history.walk(present({"work": ["a.ics"]})).missing()).calendar.displayname == "WORK"


def test_what_came_and_went_several_times_is_missed_once() -> None:
    history = History()
    for names in (["a.ics"], [], ["a.ics"], [], ["b.ics"]):
        history.add({"work": names})
    assert history.missing(present({"work": ["b.ics"]})) == {"/work/a.ics": (3, 4)}


@pytest.mark.full
@settings(max_examples=40)
@given(st.lists(st.sets(st.integers(0, 20)), min_size=1, max_size=5), st.sets(st.integers(0, 20)))
def test_pieces_that_are_read_once_tell_the_same_as_whole_listings(days: list[set[int]], now: set[int]) -> None:
    history = History()
    for numbers in days:
        history.add({"work": [f"{'event' * (number % 4)}-{number}.ics" for number in numbers]})
    expected = {}
    for number in set().union(*days) - now:
        last = max(day for day, numbers in enumerate(days, 1) if number in numbers)
        expected[f"/work/{'event' * (number % 4)}-{number}.ics"] = (last, last + 1 if last < len(days) else None)
    there = [f"{'event' * (number % 4)}-{number}.ics" for number in now]
    assert history.missing(present({"work": there})) == expected


def test_a_calendar_that_could_not_be_read_tells_of_nothing_that_is_gone() -> None:
    history = History()
    history.add({"home": ["h.ics"], "work": ["a.ics", "b.ics"]})
    history.add({"home": []}, tags=[PARTIAL], failed=["/work"])
    history.add({"home": [], "work": ["b.ics"]}, tags=[PARTIAL], failed=["/work"])
    history.add({"home": [], "work": ["b.ics"]}, tags=[PARTIAL], failed=["/work/x.ics"])
    found = history.missing(present({"home": [], "work": ["b.ics"]}))
    assert found == {"/home/h.ics": (1, 2), "/work/a.ics": (1, 4)}


def test_a_backup_of_some_calendars_tells_nothing_of_the_others() -> None:
    history = History()
    history.add({"home": ["h.ics"], "work": ["a.ics"]})
    history.add({"home": []}, perimeter="calendar=home")
    history.add({"home": []})
    assert history.missing(present({"home": []})) == {"/home/h.ics": (1, 2), "/work/a.ics": (1, 3)}


def test_suspicious_snapshots_count_and_incomplete_ones_do_not() -> None:
    history = History()
    history.add({"work": ["a.ics", "b.ics"]})
    history.add({"work": ["new.ics"]}, tags=[SUSPICIOUS])
    history.add({"work": ["half.ics"]}, tags=[INCOMPLETE])
    assert history.missing(present({"work": []})) == {
        "/work/new.ics": (2, None),
        "/work/a.ics": (1, 2),
        "/work/b.ics": (1, 2),
    }


def test_what_a_restore_was_about_to_remove_is_found_in_the_snapshot_before_it() -> None:
    history = History()
    history.add({"home": ["h.ics"], "work": ["a.ics"]})
    history.add({"work": ["a.ics", "extra.ics"]}, tags=[BEFORE_RESTORE], perimeter="key=/alice/work/")
    now = present({"home": ["h.ics"], "work": ["a.ics"]})
    assert history.missing(now) == {"/work/extra.ics": (2, None)}
    assert history.missing(AS_OF_THE_LAST_BACKUP) == {}, "it is no backup that others could be compared with"


def test_all_of_a_calendar_that_is_gone_is_missing_unless_it_merely_cannot_be_listed() -> None:
    history = History()
    history.add({"home": ["h.ics"], "work": ["a.ics", "b.ics"]})
    history.add({"home": ["h.ics"], "work": ["b.ics"]})
    gone = {"/work/b.ics": (2, None), "/work/a.ics": (1, 2)}
    assert history.missing(present({"home": ["h.ics"]})) == gone
    for unknown in (
        present({"home": ["h.ics"]}, unread={"/alice/work/": "500"}),
        present({"home": ["h.ics"]}, left_out=frozenset({"/alice/work/"})),
        present({"home": ["h.ics"]}, is_complete=False),
        AS_OF_THE_LAST_BACKUP,
    ):
        assert history.missing(unknown) == {"/work/a.ics": (1, 2)}


def test_of_the_address_of_one_calendar_nothing_is_asked_about_the_others() -> None:
    history = History()
    history.add({"home": ["h.ics"], "work": ["a.ics", "b.ics"]})
    history.add({"work": ["b.ics"]})
    now = present({"work": []}, is_complete=False, is_of_one=True)
    assert history.missing(now) == {"/work/b.ics": (2, None), "/work/a.ics": (1, 2)}


def test_where_the_last_backup_is_the_measure_a_calendar_that_it_has_not_is_gone() -> None:
    history = History()
    history.add({"home": ["h.ics"], "work": ["a.ics"]})
    history.add({"home": ["h.ics"]})
    assert history.missing(AS_OF_THE_LAST_BACKUP) == {"/work/a.ics": (1, 2)}


def test_snapshots_of_other_programs_are_known_by_their_directories() -> None:
    history = History()
    files = Importer("fs", "host", "/srv")
    history.add({"srv/cal": ["a.ics", "b.ics", "notes.txt"]}, importer=files)
    history.add({"srv/cal": ["b.ics"]}, importer=files)
    assert history.missing(AS_OF_THE_LAST_BACKUP) == {"/srv/cal/a.ics": (1, 2)}


@pytest.mark.full
def test_what_vanished_before_is_left_out_and_not_read() -> None:
    history = History()
    for day in range(1, 31):
        history.add({"work": [f"{number:02}.ics" for number in range(day, 32)]})
    now = present({"work": ["31.ics"]})
    history.storage.reads.clear()
    whole = history.missing(now)
    of_all = len(history.storage.reads)
    history.storage.reads.clear()
    recent = history.missing(now, since_ns=28 * DAY)
    assert recent == {path: days for path, days in whole.items() if days[1] is None or days[1] >= 28}
    assert len(recent) == 4
    assert len(history.storage.reads) < of_all / 4


def test_a_snapshot_in_which_nothing_changed_costs_nothing() -> None:
    history = History(LARGER_CHUNKS)
    names = [f"{number:04}.ics" for number in range(100)]
    reads = []
    for _ in range(5):
        history.add({"work": names})
        history.storage.reads.clear()
        assert history.missing(present({"work": names})) == {}
        reads.append(len(history.storage.reads))
    assert reads == [reads[0]] * 5


@pytest.mark.full
def test_one_change_costs_one_or_two_pieces_of_a_listing() -> None:
    history = History(LARGER_CHUNKS)
    names = [f"{number:04}.ics" for number in range(300)]
    history.add({"work": names})
    for number in range(20):
        del names[(number * 389) % len(names)]
        history.add({"work": names})
    now = present({"work": names})
    history.storage.reads.clear()
    assert len(history.missing(now)) == 20
    assert sum(length for _, length in history.storage.reads) < 300 * 230 * 21 / 4, "of 21 listings"


def test_a_damaged_snapshot_is_told_and_hides_nothing_that_others_hold() -> None:
    history = History()
    names = [f"{number:03}.ics" for number in range(50)]
    history.add({"work": names})
    # Gone at many places, so that some chunk is its own wherever the random key of the store cuts.
    middle = history.add({"work": names[:10] + names[10:40:2] + names[40:]})
    history.add({"work": names[:40]})
    whole = history.missing(present({"work": []}))
    spoil(history, ResourceType.CHUNK, own_chunks(history, middle)[-1])
    with pytest.raises(Damaged):
        history.missing(present({"work": []}))
    damaged: list[Header] = []
    found = history.missing(present({"work": []}), unreadable=lambda header, _: damaged.append(header))
    assert damaged == [middle]
    assert found.keys() == whole.keys()
    assert (whole["/work/045.ics"], found["/work/045.ics"]) == ((2, 3), (1, 3))


def own_chunks(history: History, header: Header) -> list[bytes]:
    """Those chunks of the listing of `/work` that no other snapshot's has."""

    def chunks(each: Header) -> list[bytes]:
        listing = Listings(history.repository).directories(each)["/work"]
        return [chunk.mac for chunk in get_object(history.repository, listing).chunks]

    others = {mac for each in history.headers if each != header for mac in chunks(each)}
    return [mac for mac in chunks(header) if mac not in others]


def spoil(history: History, kind: ResourceType, mac: bytes) -> None:
    place = history.repository.index.find_location(kind, mac)
    assert place is not None
    damage(history.storage, Kind.PACKFILE, place.packfile, HEADER_SIZE + place.offset + place.length // 2)


def test_the_newest_version_of_each_uid_is_found_by_what_any_version_says() -> None:
    history = History()
    history.add({"home": ["moved.ics"], "work": ["other.ics"]}, contents=lambda name: body(name[:5], "old words"))
    history.add({"work": ["elsewhere.ics"]}, contents=lambda _: body("moved", "new words"))
    history.add({"work": []})
    everything = history.contents(present({"home": [], "work": []}))
    assert [(each.uid, each.title, each.path) for each in everything.events] == [
        ("moved", "new words", "/work/elsewhere.ics"),
        ("other", "old words", "/work/other.ics"),
    ]
    found = history.contents(present({"home": [], "work": []}), lambda content, _: b"old" in content)
    assert [each.title for each in found.events] == ["new words", "old words"]
    assert without(found.events, {"moved", "unknown"}) == [found.events[1]]


def test_records_without_a_uid_are_different_events() -> None:
    history = History()
    history.add({"home": ["a.ics", "b.ics"], "work": ["a.ics"]}, contents=lambda _: b"BEGIN:VCALENDAR\r\n")
    found = history.contents(present({}))
    assert [(each.path, each.uid) for each in found.events] == [
        ("/home/a.ics", None),
        ("/home/b.ics", None),
        ("/work/a.ics", None),
    ]


def test_an_event_that_lies_in_two_files_is_one() -> None:
    history = History()
    history.add({"work": ["a.ics", "b.ics", "c.ics"]}, contents=lambda name: body("c" if name == "c.ics" else "ab"))
    found = history.contents(present({"work": []})).events
    assert [(each.path, each.is_split) for each in found] == [("/work/a.ics", True), ("/work/c.ics", False)]


def test_a_damaged_event_costs_itself_only() -> None:
    history = History()
    header = history.add({"work": ["a.ics", "b.ics", "c.ics"]})
    snapshot = history.repository.snapshot(header.identifier)
    spoil(history, ResourceType.OBJECT, snapshot.entry("/work/b.ics").object)
    found = history.contents(present({"work": []}))
    assert [each.path for each in found.events] == ["/work/a.ics", "/work/c.ics"]
    assert [each.missing.entry.path for each in found.unread] == ["/work/b.ics"]


def test_what_is_stored_and_still_there_is_known_by_its_uid() -> None:
    history = History()
    history.add({"home": ["h.ics"], "work": ["a.ics", "b.ics", "c.ics"]})
    history.add({"home": ["h.ics"], "work": ["a.ics", "b.ics"]})
    for now, uids in ((present({"home": ["h.ics"], "work": ["a.ics"]}), "ah"), (AS_OF_THE_LAST_BACKUP, "abh")):
        walk = history.walk(now)
        list(walk.missing())
        held = stored(history.repository, walk.newest, now)
        assert held.uids == set(uids)
        assert held.names["/alice/work/"] == {f"{uid}.ics".encode() for uid in uids if uid != "h"}


def test_a_look_at_the_source_tells_names_as_snapshots_have_them() -> None:
    there = Account({"home": {"a.ics": body("a"), "no extension": body("b")}, "work": {}, "bad": {}})
    there.unreadable["bad"] = "500"
    there.left_out = [LeftOut("/alice/inbox/", "inbox", "an inbox")]
    found = asyncio.run(Look(there).present())
    assert found.names["/alice/home/"] == {b"a.ics", b"no extension", b"no extension.ics"}
    assert [found.names_of(f"/alice/{name}/") for name in ("work", "gone")] == [frozenset(), frozenset()]
    assert [found.names_of(f"/alice/{name}/") for name in ("bad", "inbox")] == [None, None]
    assert found.unread == {"/alice/bad/": "500"}
    there.unlisted = [LeftOut("/bob/", "bob", "500")]
    assert asyncio.run(Look(there).present()).names_of("/alice/gone/") is None


def test_only_what_is_new_is_fetched_for_its_uid() -> None:
    there = Account({"home": {"a.ics": body("a"), "b.ics": body("b")}, "new": {"c.ics": body("c")}})
    look = Look(there)
    asyncio.run(look.present())
    assert asyncio.run(look.uids_of_new({"/alice/home/": frozenset({b"a.ics"})})) == {"b", "c"}
    assert sorted(there.fetched) == ["b.ics", "c.ics"]
