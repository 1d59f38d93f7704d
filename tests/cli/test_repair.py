"""What `repair` says and does, and how a damaged store becomes whole again by it and the next backup."""

from __future__ import annotations

from pathlib import Path

import pytest

from caldav_backup.kloset import Configuration, Repository, open_storage
from caldav_backup.kloset.locks import exclusive_lock
from caldav_backup.kloset.resources import ResourceType
from tests.cli.conftest import Program

pytestmark = pytest.mark.full

EVENTS = 5


def event(number: int, summary: str) -> bytes:
    lines = ("BEGIN:VCALENDAR", "VERSION:2.0", "BEGIN:VEVENT", f"UID:{number}@example.org", f"SUMMARY:{summary}")
    return "".join(f"{line}\r\n" for line in (*lines, "END:VEVENT", "END:VCALENDAR")).encode()


@pytest.fixture
def place(cli: Program, tmp_path: Path) -> Path:
    """A store with two snapshots of a calendar; in the second one event has changed."""
    store = tmp_path / "store"
    Repository.create(open_storage(str(store)), Configuration.new(encrypted=False))
    (tmp_path / "calendars" / "work").mkdir(parents=True)
    for number in range(EVENTS):
        write_event(tmp_path, number, f"First of {number}")
    cli("backup", str(tmp_path / "calendars"))
    write_event(tmp_path, 1, "Second of one")
    cli("backup", str(tmp_path / "calendars"))
    return tmp_path


def write_event(place: Path, number: int, summary: str) -> None:
    (place / "calendars" / "work" / f"{number}.ics").write_bytes(event(number, summary))


def files(place: Path, kind: str) -> list[Path]:
    return sorted(path for path in (place / "store" / kind).rglob("*") if path.is_file())


def flip(place: Path, content: bytes) -> None:
    """Change one byte of a content in a packfile of a store without compression worth speaking of."""
    (path, whole) = next(
        (each, each.read_bytes()) for each in files(place, "packfiles") if content in each.read_bytes()
    )
    found = whole.index(content)
    path.write_bytes(whole[:found] + b"?" + whole[found + 1 :])


def snapshots(cli: Program) -> list[str]:
    return [each["id"] for each in cli("ls", "--json").document["result"]["snapshots"]]


def test_a_whole_store_has_nothing_to_repair(cli: Program, place: Path) -> None:
    for arguments in (("repair",), ("repair", "--apply")):
        ended = cli(*arguments)
        assert (ended.code, ended.out, ended.err) == (0, "nothing to repair\n", "")
    result = cli("repair", "--json").document["result"]
    assert result["dry_run"]
    assert result["damaged"] == 0


def test_a_lost_state_comes_back_by_a_plan_that_changes_nothing_until_it_is_applied(cli: Program, place: Path) -> None:
    oldest, newest = snapshots(cli)
    state = place / "store" / "states" / oldest[:2] / oldest
    state.unlink()
    assert "brings it back" in cli("check").err
    before = [path.read_bytes() for path in files(place, ".")]
    planned = cli("repair")
    assert planned.code == 65
    assert f"snapshot {oldest[:8]} (" in planned.out
    assert planned.out.endswith("nothing was done yet; --apply does it, and deletes nothing\n")
    assert [path.read_bytes() for path in files(place, ".")] == before
    done = cli("repair", "--apply", "--json")
    assert done.code == 0
    assert [each["id"] for each in done.document["result"]["recovered"]] == [oldest]
    assert snapshots(cli) == [oldest, newest]
    assert cli("check", "--read-data").code == 0


def test_an_unreadable_state_is_kept_aside(cli: Program, place: Path) -> None:
    *_, newest = snapshots(cli)
    state = place / "store" / "states" / newest[:2] / newest
    state.write_bytes(b"rubbish")
    assert cli("ls").code == 65
    ended = cli("repair", "--apply")
    assert ended.code == 0
    assert f"state {newest[:8]} cannot be read" in ended.out
    (kept,) = (place / "store" / "damaged" / "states").iterdir()
    assert kept.read_bytes() == b"rubbish"
    assert newest in snapshots(cli)


def test_lost_events_are_named_with_their_good_copies_and_the_next_backup_heals_them(cli: Program, place: Path) -> None:
    oldest, newest = snapshots(cli)
    flip(place, b"First of 1")
    flip(place, b"First of 3")
    told = cli("check", "--read-data")
    assert told.code == 65
    assert "2 events are damaged in 2 snapshots; 1 of them is good in" in told.out
    assert f"1.ics (Second of one): caldav-backup cat {newest[:8]}:/work/1.ics" in told.out
    assert "3.ics: no snapshot has a good copy" in told.out
    assert "SUMMARY:Second of one" in cli("cat", f"{newest[:8]}:/work/1.ics").out
    done = cli("repair", "--apply")
    assert done.code == 3
    assert "written anew, without 2 damaged blobs" in done.out
    assert "2 events are damaged" in done.out
    assert cli("backup", str(place / "calendars")).code == 0
    after = cli("check", "--read-data", "--json").document["result"]
    (calendar,) = after["calendars"]
    assert [each["path"] for each in calendar["events"]] == ["/work/1.ics"]
    assert calendar["snapshots"] == [oldest]
    again = cli("repair")
    assert again.code == 65
    assert "nothing more can be repaired" in again.out


def test_a_packfile_that_is_gone_is_stored_again_by_the_next_backup(cli: Program, place: Path) -> None:
    largest = max(files(place, "packfiles"), key=lambda path: path.stat().st_size)
    largest.unlink()
    ended = cli("repair", "--apply")
    assert ended.code == 3
    assert "it is missing; what it held is stored again by the next backup that has it" in ended.out
    assert cli("backup", str(place / "calendars")).code == 0
    assert cli("check", "--read-data", "latest").code == 0


def test_a_locked_store_is_left_alone(cli: Program, place: Path) -> None:
    repository = Repository.open(open_storage(str(place / "store")))
    with exclusive_lock(repository):
        assert cli("repair", "--apply", "--lock-wait", "0").code == 75
        assert cli("repair").code == 0


def test_durations_are_checked_before_the_store_is_opened(cli: Program) -> None:
    ended = cli("repair", "--lock-wait", "soon")
    assert ended.code == 2
    assert "--lock-wait takes a duration" in ended.err


def test_a_snapshot_that_cannot_be_read_at_all_stays_until_it_is_removed(cli: Program, place: Path) -> None:
    oldest, newest = snapshots(cli)
    repository = Repository.open(open_storage(str(place / "store")))
    found = repository.index.find_location(ResourceType.SNAPSHOT, bytes.fromhex(oldest))
    assert found is not None
    name = found.packfile.hex()
    path = place / "store" / "packfiles" / name[:2] / name
    content = bytearray(path.read_bytes())
    content[16 + found.offset + 60] ^= 1
    path.write_bytes(content)
    assert f"1 snapshot cannot be read at all: {oldest[:8]}" in cli("check").out
    assert cli("repair", "--apply").code == 3
    assert cli("check").code == 65
    planned = cli("rm", oldest[:8])
    assert (planned.code, planned.out.splitlines()[0]) == (
        0,
        f"{oldest[:8]}: its description is damaged, so nobody can read it",
    )
    assert cli("rm", oldest[:8], "--apply").code == 0
    assert cli("check", "--read-data").code == 0
    assert snapshots(cli) == [newest]
