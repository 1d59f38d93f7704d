from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from caldav_backup.cli.durations import seconds, share
from caldav_backup.cli.exits import Usage
from caldav_backup.cli.source_lock import source_lock
from caldav_backup.kloset.errors import Locked
from tests.cli.conftest import Program
from tests.events import event, events, todo
from tests.servers.server import Server, make_calendar, put, seed


def vdir(root: Path, name: str, count: int) -> Path:
    """A directory of `count` events, one calendar called `name`."""
    directory = root / name
    directory.mkdir(parents=True)
    for each in events(count):
        (directory / each.name).write_bytes(each.content)
    return root


@pytest.fixture
def store(cli: Program) -> Program:
    """The program with an empty plaintext store."""
    assert cli("init", "--plaintext").code == 0
    return cli


def test_an_account_is_backed_up_and_then_only_its_changes(store: Program, radicale: Server) -> None:
    seed(radicale, "personal", events(8), displayname="Personal")
    seed(radicale, "work", [event(100), todo(101)], displayname="Work")
    store("source", "add", "me", radicale.url, f"username={radicale.user}", f"password={radicale.password}")
    first = store("backup", "--json").document["result"]["backups"][0]
    assert (first["source"], first["calendars"], first["records"], first["fetched"]) == ("@me", 2, 10, 10)
    radicale.expect("DELETE", f"personal/{event(3).name}")
    put(radicale, "personal", event(4, summary="moved", sequence=1))
    dry = store("backup", "@me", "--dry-run")
    assert dry.out == "@me: dry run: 2 calendars, 9 events (1 to fetch; 8 unchanged; 1 deleted)\n"
    second = store("backup", "@me", "--json").document["result"]["backups"][0]
    assert (second["records"], second["fetched"], second["unchanged"], second["deleted"]) == (9, 1, 8, 1)
    listed = store("ls", "--json").document["result"]["snapshots"]
    assert [each["id"] for each in listed] == [first["snapshot"], second["snapshot"]]
    assert [each["displayname"] for each in store("ls", "calendars", "--json").document["result"]["calendars"]] == [
        "Personal",
        "Work",
    ]


def test_nothing_is_said_on_success_when_quiet(store: Program) -> None:
    root = vdir(store.home / "vdir", "home", 3)
    ended = store.process("-q", "backup", str(root))
    assert (ended.code, ended.out, ended.err) == (0, "", "")


def test_an_unchanged_source_makes_no_snapshot_when_told_so(store: Program) -> None:
    root = str(vdir(store.home / "vdir", "home", 3))
    for path in (store.home / "vdir" / "home").iterdir():
        # A file that was modified just now is read again.
        os.utime(path, (1_000_000_000, 1_000_000_000))
    store("backup", root)
    ended = store("backup", root, "--skip-if-unchanged")
    assert ended.out.startswith(f"{root}: nothing changed, no snapshot made: 1 calendar, 3 events (0 fetched")
    assert len(store("ls", "--json").document["result"]["snapshots"]) == 1


def test_a_damaged_snapshot_stands_in_the_way_of_no_other(store: Program) -> None:
    root = str(vdir(store.home / "vdir", "home", 3))
    first = store("backup", root, "--json").document["result"]["backups"][0]["snapshot"]
    before = set((store.home / "store" / "packfiles").rglob("*"))
    vdir(store.home / "vdir", "work", 2)
    second = store("backup", root, "--json").document["result"]["backups"][0]["snapshot"]
    for packfile in set((store.home / "store" / "packfiles").rglob("*")) - before:
        packfile.unlink()
    listed = store("ls", "--uuid")
    assert (listed.code, first in listed.out, second in listed.out) == (65, True, False)
    assert listed.err.startswith(f"caldav-backup: warning: snapshot {second[:8]} is damaged and left out: ")
    assert store("ls", "events", "--quiet").code == 0
    third = store("backup", root, "--json").document["result"]["backups"][0]["snapshot"]
    assert store("check", third, "--read-data").code == 0


def test_options_reach_the_snapshot(store: Program) -> None:
    root = vdir(store.home / "vdir", "home", 2)
    vdir(root, "work", 1)
    store("source", "add", "me", str(root), "exclude=work")
    store("backup", "--name", "nightly", "--tag", "a,b", "--tag", "c")
    snapshot = store("info", "latest", "--json").document["result"]["snapshot"]
    assert (snapshot["name"], snapshot["tags"], snapshot["job"]) == ("nightly", ["a", "b", "c"], "me")
    assert (snapshot["files"], snapshot["perimeter"]) == (2, "exclude=work")
    store("backup", "@me", "--calendar", "h*", CALDAV_BACKUP_TAGS="from-environment")
    assert store("ls", "--tag", "from-environment", "--json").document["result"]["snapshots"]


@pytest.mark.parametrize("tag", ["incomplete", "partial", "suspicious"])
def test_what_a_run_says_of_itself_is_no_tag_to_give(store: Program, tag: str) -> None:
    ended = store("backup", str(vdir(store.home / "vdir", "home", 1)), "--tag", f"a,{tag}")
    assert ended.code == 2
    assert f"the tag {tag!r} is given by a run itself" in ended.err


def test_every_source_is_backed_up_and_the_worst_end_counts(store: Program) -> None:
    store("source", "add", "good", str(vdir(store.home / "good", "home", 1)))
    store("source", "add", "gone", str(store.home / "gone"))
    store("source", "add", "also-good", str(vdir(store.home / "also", "home", 2)))
    ended = store("backup")
    assert ended.code == 66
    assert [line.split(":")[0] for line in ended.out.splitlines()] == ["@good", "@also-good"]
    assert ended.err.startswith("caldav-backup: @gone: ")
    document = store("backup", "--json").document
    assert [each["exit"] for each in document["result"]["backups"]] == [0, 66, 0]
    assert (document["exit"], document["ok"]) == (66, False)


def test_one_unreadable_event_is_partial_and_listed(store: Program) -> None:
    root = vdir(store.home / "vdir", "home", 3)
    (root / "home" / "broken.ics").write_text("<html>please log in</html>")
    ended = store("backup", str(root))
    assert ended.code == 3
    assert "/home/broken.ics: is no calendar object" in ended.err
    assert "3 events" in ended.out or "4 events" in ended.out
    assert store("ls", "--tag", "partial", "--json").document["result"]["snapshots"]
    assert [each["path"] for each in store("ls", "errors", "--json").document["result"]["errors"]] == [
        "/home/broken.ics"
    ]


def test_many_failures_are_counted_and_not_all_printed(store: Program) -> None:
    root = vdir(store.home / "vdir", "home", 1)
    for number in range(30):
        (root / "home" / f"broken{number}.ics").write_text("no")
    ended = store("backup", str(root))
    assert len(ended.err.splitlines()) == 21
    assert "10 more could not be read" in ended.err


def test_an_account_without_calendars_is_a_warning(store: Program, radicale: Server) -> None:
    store("source", "add", "me", radicale.url, f"username={radicale.user}", f"password={radicale.password}")
    ended = store("backup")
    assert (ended.code, ended.err) == (0, "caldav-backup: warning: @me: there are no calendars\n")
    assert store("discover").err == f"caldav-backup: warning: {origin(radicale)} has no calendars\n"


def test_an_empty_calendar_is_kept(store: Program, radicale: Server) -> None:
    make_calendar(radicale, "empty", displayname="Empty")
    store("source", "add", "me", radicale.url, f"username={radicale.user}", f"password={radicale.password}")
    assert (store("backup").code, store("backup").err) == (0, "")
    (calendar,) = store("ls", "calendars", "--json").document["result"]["calendars"]
    assert (calendar["path"], calendar["displayname"], calendar["events"]) == ("/empty", "Empty", 0)


def origin(server: Server) -> str:
    return f"{server.user}@{server.url.split('/')[2]}"


def test_discover_tells_what_is_there(store: Program, radicale: Server) -> None:
    seed(radicale, "work", [event(1), event(2)], displayname="Work")
    store("source", "add", "me", radicale.url, f"username={radicale.user}", f"password={radicale.password}")
    result = store("discover", "--json").document["result"]
    (calendar,) = result["calendars"]
    assert (result["origin"], calendar["displayname"], calendar["events"]) == (origin(radicale), "Work", 2)
    assert "VEVENT" in calendar["components"]
    assert "Work" in store("discover", "@me").out


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["backup", "@nobody"], 66, "no source @nobody"),
        (["backup", "/does/not/exist"], 66, "/does/not/exist"),
        pytest.param(["backup", "http://127.0.0.1:1/"], 69, "refused", marks=pytest.mark.full),
        (["backup", "http://cloud.example.org/"], 78, "insecure=true"),
        (["backup", "@me", "--calendar", "nothing"], 66, "no calendar matches 'nothing'"),
        (["backup", "--lock-wait", "soon"], 2, "--lock-wait"),
        (["backup", "--concurrency", "0"], 2, "concurrency"),
        (["discover", "@nobody"], 66, "no source @nobody"),
        (["backup", "me"], 2, "the source of that name is @me"),
    ],
)
def test_a_mistake_is_one_line_with_the_right_code(store: Program, words: list[str], code: int, message: str) -> None:
    store("source", "add", "me", str(vdir(store.home / "vdir", "home", 1)))
    ended = store(*words)
    assert (ended.code, ended.out, len(ended.err.splitlines())) == (code, "", 1)
    assert message in ended.err


def test_without_sources_there_is_nothing_to_back_up(store: Program) -> None:
    for command in ("backup", "discover"):
        ended = store(command)
        assert (ended.code, "no source yet" in ended.err) == (2, True)


def test_several_sources_must_be_chosen_from_by_discover(store: Program) -> None:
    store("source", "add", "a", "/a")
    store("source", "add", "b", "/b")
    assert store("discover").err == "caldav-backup: there are several sources; say which of @a, @b\n"


def test_a_refused_login_is_77(store: Program, radicale: Server) -> None:
    seed(radicale, "work", [event(1)])
    store("source", "add", "me", radicale.url, f"username={radicale.user}", "password=wrong-mark")
    for command in ("backup", "discover"):
        ended = store(command, "-vv")
        assert ended.code == 77
        assert "wrong-mark" not in ended.out + ended.err


def test_a_failing_password_command_stops_that_source_alone(store: Program) -> None:
    store("source", "add", "a", "http://127.0.0.1:1/", "username=u", "password_command=echo locked >&2; false")
    store("source", "add", "b", str(vdir(store.home / "vdir", "home", 1)))
    ended = store("backup")
    assert ended.code == 78
    assert "password_command of source @a: the command failed with status 1: locked" in ended.err
    assert ended.out.startswith("@b: snapshot ")


def test_an_option_that_nothing_obeys_is_refused_and_not_ignored(store: Program) -> None:
    store("source", "add", "a", "https://127.0.0.1:1/", "client_id=x")
    ended = store("backup")
    assert (ended.code, "client_id" in ended.err) == (78, True)


def test_a_password_is_asked_for_only_on_a_terminal(store: Program) -> None:
    store("source", "add", "a", "http://127.0.0.1:1/", "username=u")
    ended = store.process("backup")
    assert (ended.code, "password_command" in ended.err) == (77, True)


def test_under_cron_a_whole_run_needs_no_environment(store: Program) -> None:
    root = vdir(store.home / "vdir", "home", 2)
    store("source", "add", "me", str(root))
    ended = store.process("backup", "--json")
    backup = json.loads(ended.out)["result"]["backups"][0]
    assert (ended.code, ended.err, backup["records"]) == (0, "", 2)


def test_the_header_tells_who_made_it_and_no_secret(store: Program) -> None:
    root = vdir(store.home / "vdir", "home", 1)
    store.process("backup", str(root), "--name", "https://alice:hunter2-mark@host/?token=abc-mark")
    snapshot = store("info", "latest", "--json").document["result"]["snapshot"]
    assert snapshot["context"]["Client"].startswith("caldav-backup/")
    assert snapshot["context"]["CommandLine"].startswith(f"caldav-backup backup {root} --name https://host/?token=***")


def test_a_second_run_of_the_same_source_gives_up_after_its_wait(store: Program) -> None:
    root = str(vdir(store.home / "vdir", "home", 1))
    with source_lock(store.home / "state", store.environ["CALDAV_BACKUP_STORE"], root, 0):
        ended = store("backup", root, "--lock-wait", "0")
    assert (ended.code, "is running" in ended.err) == (75, True)
    assert store("backup", root, "--lock-wait", "0").code == 0


def test_a_lock_is_waited_for(tmp_path: Path) -> None:
    with source_lock(tmp_path, "store", "source", 0), pytest.raises(Locked):  # noqa: SIM117
        with source_lock(tmp_path, "store", "source", 0):
            raise AssertionError
    entered = threading.Event()
    with source_lock(tmp_path, "store", "source", 0):
        waiting = threading.Thread(target=_enter, args=(tmp_path, entered))
        waiting.start()
        assert not entered.is_set()
    waiting.join(timeout=30)
    assert entered.is_set()


def _enter(state: Path, entered: threading.Event) -> None:
    with source_lock(state, "store", "source", 30):
        entered.set()


def test_durations_and_shares_are_read_as_people_write_them() -> None:
    assert [seconds(text, "-") for text in ("0", "90", "90s", "1.5m", "2h", "1d")] == [0, 90, 90, 90, 7200, 86400]
    assert [share(text, "-") for text in ("10%", "100%", "0.5%")] == [0.1, 1, 0.005]
    for text in ("", "-1", "x", "10%%", "0%", "101%", "nan%", "10"):
        with pytest.raises(Usage):
            share(text, "--read-data-subset")
    for text in ("", "-1", "m", "1w", "inf", "٣d", "36601d", "9" * 400):
        with pytest.raises(Usage):
            seconds(text, "--lock-wait")


def test_a_source_whose_settings_are_wrong_does_not_keep_the_others_from_their_backup(store: Program) -> None:
    store("source", "add", "good", str(vdir(store.home / "vdir", "home", 3)))
    sources = next(store.home.rglob("sources.yml"))
    sources.write_text(sources.read_text() + "  bad:\n    location: caldav://example.org\n    pasword: x\n")
    sources.chmod(0o600)
    ended = store("backup")
    assert ended.code == 78
    assert "@good: snapshot" in ended.out
    assert "source @bad" in ended.err and "pasword" in ended.err
    assert len(store("ls", "--json").document["result"]["snapshots"]) == 1


def test_with_two_v_each_request_is_told_and_nothing_secret(store: Program, radicale: Server) -> None:
    seed(radicale, "work", events(3))
    store("source", "add", "me", radicale.url, f"username={radicale.user}", f"password={radicale.password}")
    ended = store("-vv", "backup", "--json")
    (backup,) = ended.document["result"]["backups"]
    lines = [line for line in ended.err.splitlines() if "PROPFIND http" in line or "REPORT http" in line]
    assert len(lines) == backup["requests"] and f"1 PROPFIND {radicale.url}: 207 in 0." in lines[0]
    assert radicale.password not in ended.err and "Basic" not in ended.err
