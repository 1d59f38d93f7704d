"""`maintenance`, as a person and a script meet it."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

import pytest

from caldav_backup.kloset.locks import exclusive_lock, shared_lock
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.state import ColouredEntry, make_run
from caldav_backup.kloset.storage import Kind
from tests.cli.conftest import Program
from tests.cli.nights import add, listed, store_of
from tests.kloset.stores import put_blobs

pytestmark = pytest.mark.full


def packfiles(cli: Program) -> set[str]:
    return {packfile.hex() for packfile in store_of(cli).storage.ids(Kind.PACKFILE)}


def garbage(cli: Program, *blobs: bytes) -> str:
    """A packfile that no snapshot needs; its id."""
    before = packfiles(cli)
    put_blobs(store_of(cli), secrets.token_bytes(32), [(ResourceType.CHUNK, blob) for blob in blobs])
    (new,) = packfiles(cli) - before
    return new


def orphan(cli: Program, content: bytes, *, days_ago: float) -> str:
    """A file that no state names."""
    identifier = secrets.token_bytes(32)
    repository = store_of(cli)
    repository.storage.write(Kind.PACKFILE, identifier, content)
    path = cli.home / "store" / "packfiles" / identifier.hex()[:2] / identifier.hex()
    at = path.stat().st_mtime - days_ago * 86400
    os.utime(path, (at, at))
    return identifier.hex()


def test_store_without_garbage_has_nothing_to_do(cli: Program) -> None:
    add(cli, [1, 0.1])
    before = packfiles(cli)
    for words in ([], ["--apply"]):
        run = cli("maintenance", *words)
        assert (run.code, run.out, run.err) == (0, "nothing to do\n", "")
    assert packfiles(cli) == before


def test_a_grace_period_that_says_nothing_is_told(cli: Program) -> None:
    add(cli, [1])
    for given in ("30d", "-1h"):
        run = cli("maintenance", PLAKAR_GRACEPERIOD=given)
        assert (run.code, run.out) == (0, "nothing to do\n")
        assert f"PLAKAR_GRACEPERIOD={given}" in run.err and "7 days count" in run.err
    for understood in ({"PLAKAR_GRACEPERIOD": "720h"}, {"PLAKAR_GRACEPERIOD": ""}):
        assert cli("maintenance", **understood).err == ""
    assert cli("maintenance", "--grace", "30d", PLAKAR_GRACEPERIOD="30d").err == ""


def test_the_plan_is_shown_and_apply_marks_and_then_deletes(cli: Program) -> None:
    nights = add(cli, [2, 1])
    dead = garbage(cli, b"x" * 3000)
    shown = cli("maintenance")
    assert (shown.code, shown.err) == (0, "")
    heading, line, how_to = shown.out.splitlines()
    assert heading.split() == ["PACKFILES", "SIZE"]
    assert re.fullmatch(r"mark as unused +1 +\d\.\d KiB  to be deleted from 20\d\d-\d\d-\d\d \d\d:\d\d on", line)
    assert how_to == "nothing was changed yet; --apply does it"
    done = cli("maintenance", "--apply")
    assert (done.code, done.err) == (0, "")
    assert re.fullmatch(r"1 packfile of \d\.\d KiB marked as unused, to be deleted from 20.* on\n", done.out)
    assert dead in packfiles(cli)
    waiting = cli("maintenance")
    assert re.fullmatch(r"marked before +1 +\d\.\d KiB  to be deleted from 20\S+ \S+ on", waiting.out.splitlines()[1])
    again = cli("maintenance", "--apply")
    assert re.fullmatch(r"nothing to do now; \d\.\d KiB can be deleted from 20.* on\n", again.out)
    assert re.search(r"delete now +1 ", cli("maintenance", "--grace", "0").out)
    gone = cli("maintenance", "--grace", "0", "--apply")
    assert re.fullmatch(r"1 packfile deleted, \d\.\d KiB freed\n", gone.out)
    assert dead not in packfiles(cli)
    assert listed(cli) == nights
    assert cli("check", "--read-data").code == 0


def test_grace_period_of_plakar_is_heeded_and_the_option_goes_before_it(cli: Program) -> None:
    add(cli, [1])
    dead = garbage(cli, b"x")
    cli("maintenance", "--apply")
    kept = cli("maintenance", "--apply", PLAKAR_GRACEPERIOD="1h30m")
    assert (kept.code, dead in packfiles(cli)) == (0, True)
    longer = cli("maintenance", "--apply", "--grace", "7d", PLAKAR_GRACEPERIOD="0")
    assert longer.out.startswith("nothing to do now")
    assert cli("maintenance", "--apply", PLAKAR_GRACEPERIOD="0").code == 0
    assert dead not in packfiles(cli)


@pytest.mark.parametrize(
    "words",
    [["--grace", "soon"], ["--lock-wait", "x"], ["--grace", "-1h"], ["--grace", "30"], ["--grace", "6m"]],
)
def test_what_is_no_duration_is_refused(cli: Program, words: list[str]) -> None:
    add(cli, [1])
    refused = cli("maintenance", *words)
    assert (refused.code, refused.out) == (2, "")
    assert words[0] in refused.err


def test_a_script_reads_every_packfile(cli: Program) -> None:
    add(cli, [1])
    needed = sorted(packfiles(cli))
    dead, swept = garbage(cli, b"x"), garbage(cli, b"y")
    lost = orphan(cli, b"rubbish", days_ago=8)
    young = orphan(cli, b"more rubbish", days_ago=6)
    repository = store_of(cli)
    marks = [ColouredEntry(ResourceType.PACKFILE, bytes.fromhex(each), 10**18) for each in (*needed, swept)]
    repository.put_state(secrets.token_bytes(32), [make_run(marks)])
    shown = cli("maintenance", "--json").document["result"]
    assert (shown["dry_run"], shown["grace_seconds"], shown["snapshots"]) == (True, 604800, 1)
    assert [(each["id"], each["marked"], each["error"]) for each in shown["delete"]] == [
        (swept, "2001-09-09T01:46:40.000000000Z", None)
    ]
    assert {each["id"]: each["why"] for each in shown["mark"]} == {dead: "unused", lost: "unreadable"}
    assert [each["id"] for each in shown["unmark"]] == needed
    assert shown["waiting"] == []
    assert [(each["id"], each["size"]) for each in shown["left_alone"]] == [(young, 12)]
    assert shown["freed_bytes"] == shown["delete"][0]["size"] > 4096
    assert shown["kept_bytes"]["needed"] > 0
    assert (shown["repack"], shown["merge"], shown["forgotten_locations"]) == (None, None, 0)
    done = cli("maintenance", "--json", "--apply").document["result"]
    assert done == {**shown, "dry_run": False}
    assert packfiles(cli) == {*needed, dead, lost, young}


def test_what_is_odd_is_told(cli: Program) -> None:
    add(cli, [1])
    for _ in range(12):
        orphan(cli, b"rubbish", days_ago=6)
    lost = orphan(cli, b"rubbish", days_ago=9)
    run = cli("maintenance")
    assert run.code == 0
    lines = [line.removeprefix("caldav-backup: ") for line in run.err.splitlines()]
    assert len(lines) == 12
    assert lines[0] == f"warning: packfile {lost[:8]}, which no state names, cannot be read and is given up"
    assert re.fullmatch(r"packfile [0-9a-f]{8} stays: it is too new: a run that was interrupted .* left it", lines[1])
    assert lines[-1] == "2 more like these; --json lists all"
    assert len(cli("maintenance", "-q").err.splitlines()) == 1


def test_interrupted_backup_that_could_be_brought_back_is_told(cli: Program) -> None:
    (night,) = add(cli, [30])
    store = cli.home / "store"
    for path in store.glob("states/*/*"):
        path.unlink()
    for path in store.glob("packfiles/*/*"):
        at = path.stat().st_mtime - 30 * 86400
        os.utime(path, (at, at))
    # The footer tells the real time, so the grace period must be short.
    for words in (["--grace", "0"], ["--grace", "0", "--apply", "-q"]):
        run = cli("maintenance", *words)
        assert run.code == 0
        assert f"warning: no state names snapshot {night[:8]} (work, " in run.err
        assert "'caldav-backup repair' brings it back" in run.err
    shown = cli("maintenance", "--grace", "0", "--json").document["result"]
    assert shown["mark"] == []
    assert [text[:8] for each in shown["left_alone"] for text in each["snapshots"]] == [night[:8]]
    assert cli("repair", "--apply").code == 0
    assert listed(cli) == [night]
    assert cli("maintenance").out == "nothing to do\n"


def test_damaged_snapshot_stops_everything_and_is_named(cli: Program) -> None:
    (night,) = add(cli, [1])
    dead = garbage(cli, b"x")
    repository = store_of(cli)
    header = repository.header(bytes.fromhex(night))
    place = repository.index.find_locations(ResourceType.VFS_BTREE, header.root)[0]
    path = cli.home / "store" / "packfiles" / place.packfile.hex()[:2] / place.packfile.hex()
    content = bytearray(path.read_bytes())
    content[16 + place.offset + 5] ^= 1
    path.write_bytes(content)
    for words in ([], ["--apply"], ["--repack", "--apply"]):
        run = cli("maintenance", *words)
        assert (run.code, run.out) == (65, "")
        assert night in run.err
        assert "Run `check`, then `repair`, or remove that snapshot with `rm`" in run.err
    assert dead in packfiles(cli)


def test_backup_that_runs_is_waited_for(cli: Program) -> None:
    add(cli, [1])
    garbage(cli, b"x")
    with shared_lock(store_of(cli), b"b" * 32):
        run = cli("maintenance", "--apply", "--lock-wait", "0")
        assert (run.code, run.out) == (75, "")
        assert "is locked" in run.err
        assert cli("maintenance").code == 0
    with exclusive_lock(store_of(cli)):
        assert cli("maintenance", "--apply", "--lock-wait", "0").code == 75
    assert cli("maintenance", "--apply", "--lock-wait", "0").code == 0


def test_quiet_says_nothing_when_all_went_well(cli: Program) -> None:
    add(cli, [1])
    garbage(cli, b"x")
    run = cli("maintenance", "--apply", "-q")
    assert (run.code, run.out, run.err) == (0, "", "")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may delete everything")
def test_file_that_cannot_be_deleted_is_told(cli: Program) -> None:
    add(cli, [1])
    dead = garbage(cli, b"x")
    cli("maintenance", "--apply")
    bucket = Path(cli.home / "store" / "packfiles" / dead[:2])
    bucket.chmod(0o500)
    try:
        run = cli("maintenance", "--apply", "--grace", "0")
    finally:
        bucket.chmod(0o700)
    assert run.code == 73
    assert f"cannot delete packfile {dead}" in run.err


def test_repack_puts_small_packfiles_together_and_merges_states(cli: Program) -> None:
    nights = add(cli, list(range(12, 0, -1)))
    shown = cli("maintenance", "--repack")
    assert (shown.code, shown.err) == (0, "")
    rewrite, merge, _ = shown.out.splitlines()[1:]
    assert re.fullmatch(r"rewrite +\d+ +\d+\.\d KiB  saves \d+\.\d KiB; new ids for 12 snapshots", rewrite)
    assert re.fullmatch(r"merge states +\d+\.\d KiB  12 into 1", merge)
    before = packfiles(cli)
    done = cli("maintenance", "--repack", "--apply")
    assert (done.code, done.err) == (0, "")
    assert re.search(
        r"packfiles rewritten into \d+\.\d KiB; 12 snapshots got new ids, and the old ones lead there\n", done.out
    )
    assert re.search(r"^13 states merged into 1$", done.out, re.MULTILINE)
    assert len(listed(cli)) == 12
    assert not set(nights) & set(listed(cli))
    assert before <= packfiles(cli)
    swept = cli("maintenance", "--apply", "--grace", "0", "--json").document["result"]
    assert {each["id"] for each in swept["delete"]} == before
    assert cli("check", "--read-data").code == 0
    assert cli("maintenance", "--repack").out == "nothing to do\n"


def test_a_script_reads_the_new_ids(cli: Program) -> None:
    nights = add(cli, list(range(10, 0, -1)))
    shown = cli("maintenance", "--repack", "--json").document["result"]
    assert [each["id"] for each in shown["repack"]["snapshots"]] == nights
    assert {each["new_id"] for each in shown["repack"]["snapshots"]} == {None}
    done = cli("maintenance", "--repack", "--apply", "--json").document["result"]
    assert {each["new_id"] for each in done["repack"]["snapshots"]} == set(listed(cli))
    assert done["merge"] == {"states_before": 11, "states_after": 1}
