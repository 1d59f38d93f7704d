"""What is not asked of a server because its CTag and sync-token have not moved, and when they are not believed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping

import pytest

from caldav_backup.archiver import BackupOptions, Outcome, back_up
from caldav_backup.archiver.last_listing import BELIEVED_FOR, LastListing
from caldav_backup.archiver.survey import SYNC_FROM
from caldav_backup.connectors.base import Changes, Collection, Version
from caldav_backup.kloset import Repository
from tests.archiver.account import Account, expected
from tests.archiver.backups import newest, stored
from tests.events import event

Backup = Callable[..., Outcome]
NOW = 1_800_000_000.0
LATER_NS = int(NOW) * 1_000_000_000


@pytest.fixture
def backup(repository: Repository) -> Backup:
    def run(account: Account, *, now: float = NOW, **options: object) -> Outcome:
        chosen = BackupOptions(job="home", clock=lambda: now, **options)  # type: ignore[arg-type]
        return asyncio.run(back_up(account, repository, chosen))

    return run


def account(count: int = 30) -> Account:
    """Two calendars with tokens, on a server whose clock says that nothing changed lately."""
    tokens: dict[str, Mapping[str, bytes]] = {name: {"ctag": b"7", "sync-token": b"urn:7"} for name in ("home", "work")}
    events = {f"{number:05}.ics": event(number).content for number in range(count)}
    return Account({"home": events, "work": dict(events)}, attributes=tokens, now_ns=LATER_NS)


def test_calendars_whose_tokens_stay_are_not_asked_again(repository: Repository, backup: Backup) -> None:
    there = account()
    backup(there)
    there.listed.clear()
    there.fetched.clear()
    outcome = backup(there)
    assert there.listed == there.fetched == []
    assert (outcome.unmoved, outcome.listed, outcome.unchanged, outcome.records) == (2, 0, 60, 60)
    assert stored(repository) == expected(there)
    assert list(repository.check(read_data=True)) == []


@pytest.mark.parametrize("token", ["ctag", "sync-token"])
def test_one_token_that_moves_is_enough_for_a_listing(repository: Repository, backup: Backup, token: str) -> None:
    there = account()
    backup(there)
    there.listed.clear()
    there.calendars["work"]["new.ics"] = event(900).content
    there.attributes["work"] = {**there.attributes["work"], token: b"8"}
    outcome = backup(there)
    assert there.listed == ["work"]
    assert (outcome.unmoved, outcome.listed, outcome.fetched) == (1, 1, 1)
    assert stored(repository) == expected(there)


def test_a_server_without_tokens_is_listed_every_time(backup: Backup) -> None:
    there = account()
    there.attributes.clear()
    backup(there)
    there.listed.clear()
    assert backup(there).unmoved == 0
    assert sorted(there.listed) == ["home", "work"]


def test_every_calendar_is_listed_within_a_week_all_the_same(repository: Repository, backup: Backup) -> None:
    there = account()
    backup(there)
    there.calendars["work"]["unseen.ics"] = event(901).content  # as if it had been made anew, up to the same token
    assert backup(there, now=NOW + BELIEVED_FOR - 1).unmoved == 2
    outcome = backup(there, now=NOW + BELIEVED_FOR)
    assert (outcome.unmoved, outcome.listed, outcome.due, outcome.fetched) == (0, 2, 2, 1)
    assert stored(repository) == expected(there)
    assert backup(there, now=NOW + BELIEVED_FOR + 1).unmoved == 2


def test_a_clock_that_went_back_does_not_put_listings_off(backup: Backup) -> None:
    there = account()
    backup(there)
    assert backup(there, now=NOW - 1).listed == 2


def test_tokens_of_a_calendar_that_just_changed_are_not_believed(backup: Backup) -> None:
    there = account()
    there.now_ns = 1_700_000_001_000_000_000  # one second after the events were changed
    backup(there)
    assert backup(there).unmoved == 0
    there.now_ns = LATER_NS
    assert backup(there).unmoved == 0
    assert backup(there).unmoved == 2


def test_a_token_that_is_the_present_second_is_not_believed(backup: Backup) -> None:
    there = account()
    there.attributes["work"] = {"ctag": str(int(NOW)).encode()}
    backup(there)
    assert backup(there).unmoved == 1


def test_without_the_servers_clock_no_token_is_believed(backup: Backup) -> None:
    there = account()
    there.now_ns = 0
    backup(there)
    assert backup(there).unmoved == 0


def test_full_asks_for_everything(backup: Backup) -> None:
    there = account()
    backup(there)
    outcome = backup(there, full=True)
    assert (outcome.unmoved, outcome.listed, outcome.fetched) == (0, 2, 60)


def test_what_failed_is_tried_again_although_no_token_moved(repository: Repository, backup: Backup) -> None:
    there = account()
    there.failing["00003.ics"] = "500"
    assert backup(there).is_partial
    there.failing.clear()
    outcome = backup(there)
    assert (outcome.listed, outcome.fetched) == (2, 2) and not outcome.is_partial
    assert stored(repository) == expected(there)
    assert backup(there).unmoved == 2


def test_a_property_that_changes_beside_its_tokens_is_kept(repository: Repository, backup: Backup) -> None:
    there = account()
    backup(there)
    there.attributes["work"] = {**there.attributes["work"], "color": b"#00ff00"}
    outcome = backup(there)
    assert outcome.unmoved == 2
    assert newest(repository).extended_attribute("/work", "user.caldav.color") == b"#00ff00"
    assert stored(repository) == expected(there)


def test_another_server_under_the_same_name_is_read_in_full(repository: Repository, backup: Backup) -> None:
    there = account()
    backup(there)
    other = account()
    other.origin = "alice@example.net/"
    other.calendars["work"]["00001.ics"] = event(5000).content
    outcome = backup(other)
    assert (outcome.unmoved, outcome.fetched) == (0, 60)
    assert stored(repository) == expected(other)


# Changes since a token


def large() -> Account:
    there = account(SYNC_FROM)
    del there.calendars["home"]
    return there


def version(there: Account, leaf: str) -> Version:
    return there._version(Collection("/alice/work/", "work"), leaf)


def moved(there: Account) -> None:
    there.attributes["work"] = {"ctag": b"8", "sync-token": b"urn:8"}
    there.listed.clear()
    there.fetched.clear()


@pytest.mark.full
def test_a_large_calendar_tells_what_changed(repository: Repository, backup: Backup) -> None:
    there = large()
    backup(there)
    moved(there)
    gone = version(there, "00007.ics")
    del there.calendars["work"]["00007.ics"]
    there.calendars["work"]["00009.ics"] = event(9999).content
    there.calendars["work"]["new.ics"] = event(9998).content
    changed = [version(there, leaf) for leaf in ("00009.ics", "new.ics", "00010.ics")]
    there.changes["work"] = Changes(changed, [gone, gone._replace(key="/alice/work/x.ics", leaf="x.ics")], LATER_NS)
    outcome = backup(there)
    assert there.listed == [] and sorted(there.fetched) == ["00009.ics", "new.ics"]
    assert there.synced == [("work", b"urn:7")]
    assert (outcome.fetched, outcome.deleted, outcome.records) == (2, 1, SYNC_FROM)
    assert stored(repository) == expected(there)
    assert backup(there).unmoved == 1
    last = LastListing.from_bytes(newest(repository).extended_attribute("/work", "user.caldav.listed") or b"")
    assert last == LastListing(int(NOW), True)
    assert list(repository.check(read_data=True)) == []


@pytest.mark.full
def test_changes_do_not_put_the_weekly_listing_off(backup: Backup) -> None:
    there = large()
    backup(there)
    moved(there)
    there.changes["work"] = Changes([version(there, "00001.ics")], [], LATER_NS)
    assert backup(there, now=NOW + BELIEVED_FOR / 2).listed == 0
    assert backup(there, now=NOW + BELIEVED_FOR).due == 1


@pytest.mark.parametrize("answer", ["refused", "empty", "everything"])
@pytest.mark.full
def test_an_answer_that_is_not_to_be_relied_on_ends_in_a_listing(
    repository: Repository, backup: Backup, answer: str
) -> None:
    there = large()
    backup(there)
    moved(there)
    del there.calendars["work"]["00007.ics"]
    everything = [version(there, leaf) for leaf in there.calendars["work"]]
    there.changes["work"] = {"refused": None, "empty": Changes([], []), "everything": Changes(everything, [])}[answer]
    outcome = backup(there)
    assert there.listed == ["work"]
    assert (outcome.deleted, outcome.fetched) == (1, 0)
    assert stored(repository) == expected(there)


def test_a_smaller_calendar_is_listed_at_once(backup: Backup) -> None:
    there = account()
    backup(there)
    moved(there)
    backup(there)
    assert there.synced == [] and there.listed == ["work"]


# Where the calendars were found


def test_the_next_run_is_told_where_the_calendars_were_found(backup: Backup) -> None:
    there = account()
    for name in there.attributes:
        there.attributes[name] = {**there.attributes[name], "principal": b"https://example.org/principals/alice/"}
    backup(there, now=time.time())
    assert there.hint == ""
    backup(there, now=time.time() + 7 * 86_400)
    assert there.hint == ""
    backup(there, now=time.time())
    assert there.hint == "https://example.org/principals/alice/"
    other = account()
    other.origin = "alice@example.org/other/"
    backup(other, now=time.time())
    assert other.hint == ""
