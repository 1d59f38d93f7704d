from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest

from caldav_backup.archiver import BackupOptions, NoSuchCalendar, Outcome, Selection, back_up
from caldav_backup.connectors.base import CollectionUnreadable, LeftOut
from caldav_backup.kloset import Repository
from caldav_backup.kloset.chunking import Chunker
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.storage import Kind
from caldav_backup.kloset.storage.memory import MemoryStorage
from caldav_backup.progress import CalendarsFound, Event, RecordFailed, Warned
from tests.archiver.account import Account, expected
from tests.archiver.backups import newest, stored
from tests.events import event

Backup = Callable[..., Outcome]


@pytest.fixture
def backup(repository: Repository) -> Backup:
    def run(account: Account, **options: object) -> Outcome:
        return asyncio.run(back_up(account, repository, BackupOptions(**{"job": "home", **options})))  # type: ignore[arg-type]

    return run


def events(count: int, first: int = 0) -> dict[str, bytes]:
    return {f"{number:04}.ics": event(number).content for number in range(first, first + count)}


def files(repository: Repository) -> list[bytes]:
    assert isinstance(repository.storage, MemoryStorage)
    return list(repository.storage.files.values())


def test_a_snapshot_holds_every_event_byte_for_byte(repository: Repository, backup: Backup) -> None:
    account = Account({"work": events(250), "home": events(3, 900), "empty": {}})
    outcome = backup(account)
    assert stored(repository) == expected(account)
    assert outcome.records == outcome.fetched == 253 and outcome.calendars == 3
    assert [entry.path for entry in newest(repository).list_directory("/")] == ["/empty", "/home", "/work"]
    assert list(repository.check(read_data=True)) == []


def test_calendar_properties_are_attributes_of_its_directory(repository: Repository, backup: Backup) -> None:
    backup(Account({"work": events(2)}, attributes={"work": {"color": b"#ff0000ff"}}))
    attributes = newest(repository).extended_attributes("/work")
    assert attributes["user.caldav.displayname"] == b"Work"
    assert attributes["user.caldav.color"] == b"#ff0000ff"
    assert attributes["user.caldav.href"] == b"/alice/work/"
    assert len(attributes["user.caldav.resources"]) == 1 + 2 * 9


def test_a_second_run_asks_only_for_what_changed(repository: Repository, backup: Backup) -> None:
    account = Account({"work": events(300), "home": events(50, 900)})
    backup(account)
    account.fetched.clear()
    account.calendars["work"]["0123.ics"] = event(5000).content
    account.calendars["work"]["9999.ics"] = event(9999).content
    del account.calendars["work"]["0007.ics"]
    outcome = backup(account)
    assert sorted(account.fetched) == ["0123.ics", "9999.ics"]
    assert (outcome.fetched, outcome.unchanged, outcome.deleted) == (2, 348, 1)
    assert stored(repository) == expected(account)
    assert list(repository.check(read_data=True)) == []


def test_nothing_changed_costs_next_to_nothing(repository: Repository, backup: Backup) -> None:
    account = Account({"work": events(2_000)})
    backup(account)
    account.fetched.clear()
    before = sum(map(len, files(repository)))
    backup(account)
    assert account.fetched == []
    assert sum(map(len, files(repository))) - before <= 12 * 1024
    assert stored(repository) == expected(account)


def test_a_changed_property_alone_is_a_new_snapshot_and_no_fetch(repository: Repository, backup: Backup) -> None:
    account = Account({"work": events(20), "home": events(5)})
    backup(account)
    account.fetched.clear()
    account.attributes["work"] = {"color": b"#00ff00"}
    backup(account)
    assert account.fetched == []
    assert newest(repository).extended_attributes("/work")["user.caldav.color"] == b"#00ff00"
    assert stored(repository) == expected(account)
    backup(account)
    assert account.fetched == []
    assert list(repository.check(read_data=True)) == []


def test_a_run_of_one_calendar_does_not_make_the_next_read_the_others_again(
    repository: Repository, backup: Backup
) -> None:
    account = Account({"work": events(30), "home": events(5)})
    backup(account)
    only = backup(account, selection=Selection(calendars=["wor*"]))
    assert only.calendars == 1 and repository.snapshots()[-1].perimeter == "calendar=wor*"
    account.fetched.clear()
    backup(account)
    assert account.fetched == []
    assert stored(repository) == expected(account)


def test_one_unreadable_event_is_recorded_and_the_rest_is_stored(repository: Repository, backup: Backup) -> None:
    account = Account({"work": events(150)}, failing={"0042.ics": "500 Internal Server Error"})
    outcome = backup(account)
    assert outcome.is_partial and outcome.failures == (("/work/0042.ics", "500 Internal Server Error"),)
    assert "partial" in repository.snapshots()[-1].tags
    assert list(newest(repository).errors()) == [("/work/0042.ics", "500 Internal Server Error")]
    assert len(stored(repository)) == 149
    account.failing.clear()
    account.fetched.clear()
    assert not backup(account).is_partial
    assert account.fetched == ["0042.ics"]
    assert stored(repository) == expected(account)


def test_an_account_of_which_nothing_can_be_listed_makes_no_snapshot(repository: Repository, backup: Backup) -> None:
    account = Account({"work": events(2), "home": events(2, 900)})
    backup(account)
    account.unreadable = dict.fromkeys(account.calendars, "the connection ended")
    before = files(repository)
    for options in ({}, {"dry_run": True}):
        with pytest.raises(CollectionUnreadable, match=r"none of the calendars .* the connection ended"):
            backup(account, **options)
    assert files(repository) == before


def test_an_unreadable_calendar_does_not_stop_the_others(repository: Repository, backup: Backup) -> None:
    account = Account({"work": events(5), "home": events(5, 900)}, unreadable={"home": "403 Forbidden"})
    outcome = backup(account)
    assert outcome.failures == (("/home", "403 Forbidden"),)
    assert set(stored(repository)) == {f"/work/{leaf}" for leaf in account.calendars["work"]}
    assert list(repository.check(read_data=True)) == []


def test_a_calendar_that_goes_away_while_it_is_read_does_not_stop_the_others(
    repository: Repository, backup: Backup
) -> None:
    account = Account({"a": events(1_000), "b": events(5, 2_000)}, lost_after={"a": 100})
    outcome = backup(account)
    held = stored(repository)
    assert {path for path in held if path.startswith("/b/")} == {f"/b/{leaf}" for leaf in account.calendars["b"]}
    assert len(outcome.failures) + len(held) == 1_006 and len(outcome.failures) > 1
    assert outcome.failures[-1] == ("/a", "410 Gone")  # the calendar as a whole: such a snapshot is no good one
    assert {reason for _, reason in outcome.failures} == {"410 Gone"}
    assert "partial" in repository.snapshots()[-1].tags
    assert list(repository.check(read_data=True)) == []


def test_a_place_that_cannot_be_looked_into_makes_the_snapshot_partial(repository: Repository, backup: Backup) -> None:
    account = Account({"work": events(2)}, unlisted=[LeftOut("/bob/", "bob", "403 Forbidden")])
    outcome = backup(account)
    assert outcome.is_partial and outcome.failures == (("/bob", "403 Forbidden"),)
    assert list(newest(repository).errors()) == [("/bob", "403 Forbidden")]
    assert "partial" in repository.snapshots()[-1].tags
    assert backup(account, dry_run=True).is_partial


def test_a_failure_is_forgotten_with_the_event_that_was_its_cause(repository: Repository, backup: Backup) -> None:
    account = Account({"work": events(5)}, failing={"0003.ics": "500 Internal Server Error"})
    backup(account)
    del account.calendars["work"]["0003.ics"]
    account.fetched.clear()
    assert not backup(account).is_partial
    assert list(newest(repository).errors()) == []
    assert account.fetched == []
    assert stored(repository) == expected(account)
    assert list(repository.check(read_data=True)) == []


def test_an_event_deleted_while_the_run_goes_on_is_no_error(repository: Repository, backup: Backup) -> None:
    account = Account({"work": events(5)}, vanishing={"0003.ics"})
    outcome = backup(account)
    assert not outcome.failures and not outcome.warnings
    assert stored(repository) == expected(account)


def test_an_event_that_is_listed_for_ever_and_never_there_is_a_warning(repository: Repository, backup: Backup) -> None:
    outcome = backup(Account({"work": events(5)}, gone={"0003.ics"}))
    assert not outcome.is_partial
    assert [path for path, _ in outcome.warnings] == ["/work/0003.ics"]
    assert [path for path, _ in newest(repository).errors()] == ["/work/0003.ics"]
    assert "partial" not in repository.snapshots()[-1].tags


@pytest.mark.parametrize("there", [0, 1])
def test_a_calendar_of_which_nothing_is_there_is_no_success(repository: Repository, backup: Backup, there: int) -> None:
    account = Account({"work": {event(each).name: event(each).content for each in range(12)}})
    account.gone = set(list(account.calendars["work"])[there:])
    outcome = backup(account)
    assert (len(outcome.warnings), outcome.fetched) == (12 - there, there)
    assert outcome.is_partial == (there == 0)
    reason = "not one of its events is there, says the server that lists them"
    assert list(outcome.failures) == ([] if there else [("/work", reason)])
    assert (("/work", reason) in list(newest(repository).errors())) == (there == 0)


def test_whether_an_event_was_deleted_is_no_guess(repository: Repository, backup: Backup) -> None:
    account = Account({"work": events(5)}, vanishing={"0003.ics"}, listings={"work": 1})
    outcome = backup(account)
    assert [path for path, _ in outcome.failures] == ["/work/0003.ics"]
    assert "cannot be told" in outcome.failures[0][1] and outcome.warnings == ()
    assert len(stored(repository)) == 4


def test_a_dry_run_reads_and_stores_nothing(repository: Repository, backup: Backup) -> None:
    account = Account({"work": events(5)})
    outcome = backup(account, dry_run=True)
    assert outcome.snapshot is None and outcome.fetched == 5
    assert account.fetched == [] and repository.snapshots() == []


def test_skip_if_unchanged_makes_a_snapshot_only_when_there_is_something_to_say(
    repository: Repository, backup: Backup
) -> None:
    account = Account({"work": events(5), "home": events(2)})
    assert backup(account, skip_if_unchanged=True).snapshot is not None
    assert backup(account, skip_if_unchanged=True).snapshot is None
    del account.calendars["home"]
    assert backup(account, skip_if_unchanged=True).snapshot is not None
    account.calendars["work"]["0001.ics"] = event(77).content
    assert backup(account, skip_if_unchanged=True).snapshot is not None
    assert len(repository.snapshots()) == 3


def test_full_fetches_everything_and_stores_nothing_twice(repository: Repository, backup: Backup) -> None:
    account = Account({"work": events(250)})
    backup(account)
    account.fetched.clear()
    backup(account, full=True)
    assert len(account.fetched) == 250
    assert stored(repository) == expected(account)


def test_an_emptied_calendar_is_empty_also_in_a_full_run(repository: Repository, backup: Backup) -> None:
    account = Account({"work": events(5)})
    backup(account)
    account.calendars["work"] = {}
    backup(account, full=True)
    assert stored(repository) == {}


def test_another_job_never_builds_on_this_ones_snapshots(repository: Repository, backup: Backup) -> None:
    account = Account({"work": events(5)})
    backup(account)
    account.fetched.clear()
    backup(account, job="other")
    assert len(account.fetched) == 5


def test_a_glob_without_a_match_says_what_is_there(backup: Backup) -> None:
    with pytest.raises(NoSuchCalendar, match=r"holidays.*there are: work"):
        backup(Account({"work": events(1)}), selection=Selection(calendars=["holidays"]))


def test_batches_run_ahead_but_not_without_bound(backup: Backup) -> None:
    account = Account({"work": events(1_500)})
    backup(account)
    assert 2 <= account.most_in_flight <= 4


def test_what_is_left_out_is_said_with_its_reason(repository: Repository) -> None:
    seen: list[Event] = []
    account = Account({"work": events(1)}, left_out=[LeftOut("/alice/inbox/", "inbox", "a scheduling inbox")])
    outcome = asyncio.run(back_up(account, repository, BackupOptions(), progress=seen.append))
    assert outcome.left_out == (("inbox", "a scheduling inbox"),)
    assert CalendarsFound(1, 1, outcome.left_out) in seen
    assert not any(isinstance(each, RecordFailed) for each in seen)


def test_an_account_without_calendars_is_a_snapshot_without_calendars(repository: Repository, backup: Backup) -> None:
    outcome = backup(Account({}))
    assert outcome.calendars == 0 and outcome.snapshot is not None
    assert list(newest(repository).list_directory("/")) == []


def test_an_interrupted_run_leaves_the_previous_snapshot_and_nothing_else(
    repository: Repository, backup: Backup
) -> None:
    account = Account({"work": events(300)})
    backup(account)
    before = expected(account)
    account.calendars["work"].update(events(400, 1_000))

    async def interrupted() -> None:
        task = asyncio.ensure_future(back_up(account, repository, BackupOptions(job="home")))
        while len(account.fetched) < 500:  # noqa: ASYNC110 - the account has no event to wait for
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(interrupted())
    assert len(repository.snapshots()) == 1
    assert stored(repository) == before
    assert list(repository.check(read_data=True)) == []
    backup(account)
    assert stored(repository) == expected(account)


def spoil(repository: Repository, resource_type: ResourceType, mac: bytes) -> None:
    """Flip a bit in the stored bytes of a blob."""
    assert isinstance(repository.storage, MemoryStorage)
    place = repository.index.find_location(resource_type, mac)
    assert place is not None
    stored = bytearray(repository.storage.files[Kind.PACKFILE, place.packfile])
    stored[16 + place.offset + place.length // 2] ^= 0x10
    repository.storage.files[Kind.PACKFILE, place.packfile] = bytes(stored)


def test_a_damaged_listing_is_made_anew_from_the_server(repository: Repository, backup: Backup) -> None:
    account = Account({"work": events(200), "home": events(3, 900)})
    backup(account)
    snapshot = newest(repository)
    listing = b"".join(frame.to_bytes() for frame in snapshot.directory_frames("/work"))
    chunk = next(cut(listing, repository))
    spoil(repository, ResourceType.CHUNK, repository.keyed.mac(chunk))

    seen: list[Event] = []
    reopened = Repository.open(repository.storage)
    account.fetched.clear()
    outcome = asyncio.run(back_up(account, reopened, BackupOptions(job="home"), progress=seen.append))
    assert len(account.fetched) == 200 and not outcome.failures
    assert any(isinstance(each, Warned) and "/work" in each.message for each in seen)
    assert stored(Repository.open(repository.storage)) == expected(account)


def cut(listing: bytes, repository: Repository) -> Iterator[bytes]:
    chunker = Chunker(repository.configuration.chunking)
    yield from chunker.feed(listing)
    yield from chunker.finish()
