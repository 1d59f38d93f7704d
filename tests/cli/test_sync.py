"""Snapshots between stores, from the command line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from caldav_backup.kloset import Repository, open_storage
from caldav_backup.kloset.resources import ResourceType
from tests.cli.conftest import Person, Program
from tests.cli.stores import back_up_twice, make_store

SECRET = "another mark"


def ids(cli: Program, store: Path, **environ: str) -> list[str]:
    listed = cli("at", str(store), "ls", "--json", **environ).document["result"]["snapshots"]
    return [snapshot["id"] for snapshot in listed]


@pytest.mark.full
def test_all_snapshots_go_to_another_store_with_a_passphrase_of_its_own_and_once_only(cli: Program) -> None:
    both = back_up_twice(cli)
    other = cli.home / "other"
    make_store(other, SECRET)
    environ = {"CALDAV_BACKUP_OTHER_PASSPHRASE": SECRET}

    planned = cli("sync", "to", str(other), "--dry-run", "--json", **environ)
    assert planned.document["result"]["directions"][0]["to_copy"] == both
    done = cli("sync", "to", str(other), **environ)
    assert done.code == 0
    assert done.out.endswith(f"2 snapshots copied to {other}\n")
    assert ids(cli, other, CALDAV_BACKUP_PASSPHRASE=SECRET) == both
    again = cli("sync", "to", str(other), "--json", **environ)
    assert again.document["result"]["directions"][0] == {
        "from": str(cli.home / "store"),
        "to": str(other),
        "to_copy": [],
        "there": 2,
        "removed": [],
        "copied": [],
    }
    restored = cli.home / "restored"
    back = cli("at", str(other), "restore", "--to", str(restored), CALDAV_BACKUP_PASSPHRASE=SECRET)
    assert back.code == 0
    assert (restored / "home" / "displayname").read_text().strip() == "Home 1"
    assert SECRET not in planned.out + done.out + done.err + again.out


@pytest.mark.full
def test_one_snapshot_or_those_of_an_option_are_copied_from_another_store(cli: Program) -> None:
    first, second = back_up_twice(cli)
    mine, named = cli.home / "mine", cli.home / "named"
    make_store(mine)
    make_store(named)
    assert cli("at", str(mine), "sync", first[:8], "from", str(cli.home / "store")).code == 0
    assert ids(cli, mine) == [first]
    assert cli("sync", "--latest", "to", str(named)).code == 0
    assert ids(cli, named) == [second]
    assert cli("sync", "with", str(mine), "--json").document["result"]["directions"][1]["to_copy"] == []
    assert ids(cli, mine) == [first, second]


@pytest.mark.full
def test_both_ways_each_store_gets_what_it_lacks(cli: Program) -> None:
    first, second = back_up_twice(cli)
    other = cli.home / "other"
    make_store(other)
    cli("sync", first, "to", str(other))
    cli("rm", first, "--apply")
    twin = cli("at", str(other), "dup", first, "--json").document["result"]["duplicates"][0]["new_id"]
    done = cli("sync", "with", str(other))
    assert done.code == 0
    assert sorted(ids(cli, other)) == sorted([first, second, twin])
    # What was removed here stays away, unless it is asked for by name.
    assert sorted(ids(cli, cli.home / "store")) == sorted([second, twin])
    assert "1 removed there, and not wanted back" in done.out
    assert cli("sync", first, "from", str(other)).code == 0
    assert sorted(ids(cli, cli.home / "store")) == sorted([first, second, twin])


@pytest.mark.parametrize(
    "words",
    [
        ("to",),
        ("somewhere",),
        ("latest", "other"),
        ("latest", "with", "other"),
        ("latest", "to", "other", "--latest"),
        ("to", "other", "--tag", ""),
    ],
)
def test_what_is_not_clear_is_refused(cli: Program, words: tuple[str, ...]) -> None:
    refused = cli("sync", *words)
    assert refused.code == 2
    assert len(refused.err.splitlines()) == 1


@pytest.mark.full
def test_the_store_itself_and_a_copy_of_its_files_are_refused_before_a_passphrase_is_asked_for(cli: Program) -> None:
    make_store(cli.home / "store")
    shutil.copytree(cli.home / "store", cli.home / "copied")
    itself = cli("sync", "to", str(cli.home / "store"))
    assert (itself.code, "the store itself" in itself.err) == (78, True)
    copied = cli("sync", "to", str(cli.home / "copied"))
    assert (copied.code, "the same id" in copied.err) == (78, True)
    assert cli("sync", "to", str(cli.home / "nowhere")).code == 66


@pytest.mark.full
def test_each_passphrase_is_tried_on_its_own_store_only(cli: Program) -> None:
    make_store(cli.home / "store")
    other = cli.home / "other"
    make_store(other, SECRET)
    missing = cli("sync", "to", str(other), CALDAV_BACKUP_PASSPHRASE="")
    assert (missing.code, "CALDAV_BACKUP_OTHER_PASSPHRASE_FILE" in missing.err) == (77, True)
    assert cli("sync", "to", str(other), PLAKAR_PASSPHRASE=SECRET).code == 78  # it is for the first, a plaintext one
    person = Person("wrong", SECRET)
    assert cli.at(person)("sync", "to", str(other)).code == 0
    assert person.questions == [f"Passphrase of {other}"] * 2
    plain = cli.home / "plain"
    make_store(plain)
    assert cli("sync", "to", str(plain), CALDAV_BACKUP_OTHER_PASSPHRASE=SECRET).code == 78


@pytest.mark.full
def test_a_named_store_brings_its_passphrase(cli: Program) -> None:
    back_up_twice(cli)
    make_store(cli.home / "other", SECRET)
    (cli.home / "secret").write_text(SECRET)
    cli("store", "add", "offsite", str(cli.home / "other"), f"passphrase_file={cli.home / 'secret'}")
    assert cli("sync", "to", "@offsite").code == 0


@pytest.mark.full
def test_a_damaged_event_makes_the_copy_partial_and_the_run_end_with_3(cli: Program) -> None:
    both = back_up_twice(cli)
    repository = Repository.open(open_storage(str(cli.home / "store")))
    snapshot = repository.snapshot(bytes.fromhex(both[0]))
    event = next(entry for entry in snapshot.walk("/home") if entry.is_file)
    place = repository.index.find_locations(ResourceType.OBJECT, event.object)[0]
    path = cli.home / "store" / "packfiles" / place.packfile.hex()[:2] / place.packfile.hex()
    content = bytearray(path.read_bytes())
    content[place.offset + 16 + place.length // 2] ^= 1
    path.write_bytes(content)

    other = cli.home / "other"
    make_store(other)
    ended = cli("sync", "to", str(other))
    assert ended.code == 3
    assert f"0 snapshots copied to {other}, 2 in part" in ended.out
    assert f":{event.path}: " in ended.err
    assert set(ids(cli, other)).isdisjoint(both)
    document = cli("sync", "to", str(other), "--json")
    assert document.code == 3
    assert document.document["result"]["directions"][0]["copied"][0]["losses"][0]["path"] == event.path
    assert len(ids(cli, other)) == 2


@pytest.mark.full
def test_a_snapshot_whose_header_is_damaged_is_told_and_the_others_are_copied(cli: Program) -> None:
    first, second = back_up_twice(cli)
    repository = Repository.open(open_storage(str(cli.home / "store")))
    place = repository.index.find_locations(ResourceType.SNAPSHOT, bytes.fromhex(first))[0]
    path = cli.home / "store" / "packfiles" / place.packfile.hex()[:2] / place.packfile.hex()
    content = bytearray(path.read_bytes())
    content[place.offset + 16 + 4] ^= 1
    path.write_bytes(content)
    other = cli.home / "other"
    make_store(other)
    ended = cli("sync", "to", str(other))
    assert (ended.code, f"snapshot {first[:8]} is damaged" in ended.err) == (3, True)
    assert second in ids(cli, other)
