"""`prune`, as a person and a script meet it."""

from __future__ import annotations

from pathlib import Path

import pytest

from caldav_backup.kloset.storage import Kind
from tests.cli.conftest import Program
from tests.cli.nights import THEIRS, add, listed, store_of

pytestmark = pytest.mark.full

SPACE = "space comes back with 'caldav-backup maintenance'"
WEEK = [6, 5, 4, 3, 2, 1, 0.1]


def config(cli: Program, text: str) -> Path:
    path = cli.home / "config" / "config.yml"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.write_text(text)
    path.chmod(0o600)
    return path


def test_the_plan_is_shown_and_apply_does_it(cli: Program) -> None:
    nights = add(cli, WEEK)
    shown = cli("prune", "--keep-last", "2")
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.splitlines()[0] == "@work: keep 2 of 7, remove 5"
    assert [line.split()[:2] for line in shown.out.splitlines()[2:9]] == [
        ["keep" if night in nights[5:] else "remove", night[:8]] for night in nights
    ]
    assert shown.out.splitlines()[8].endswith("last good one, last")
    assert shown.out.splitlines()[9:] == [SPACE, "nothing was removed yet; --apply removes 5 snapshots"]
    assert listed(cli) == nights
    done = cli("prune", "--keep-last", "2", "--apply")
    assert (done.code, done.err) == (0, "")
    assert done.out == ("@work: 5 snapshots removed, 2 kept\nspace comes back with 'caldav-backup maintenance'\n")
    assert listed(cli) == nights[5:]
    assert cli("prune", "--keep-last", "2", "--apply").out == "nothing to remove\n"


def test_a_script_reads_every_verdict_and_reason(cli: Program) -> None:
    nights = add(cli, [1, 0.1])
    document = cli("prune", "-keep-yearly", "9", "--keep-within", "1h", "--json").document["result"]
    assert (document["dry_run"], document["policy"]) == (True, {"keep-yearly": 9, "keep-within": "1h"})
    (group,) = document["groups"]
    assert (group["source"], group["type"], group["selection"]) == ("@work", "caldav-backup", "")
    assert [(each["id"], each["kept"]) for each in group["snapshots"]] == [(nights[0], True), (nights[1], True)]
    assert {one["rule"] for one in group["snapshots"][1]["reasons"]} == {"last-good", "yearly", "within"}
    removed = cli("prune", "--keep-last", "1", "--apply", "--json").document["result"]
    assert (removed["dry_run"], removed["removed"]) == (False, nights[:1])


def test_without_a_rule_nothing_is_ever_removed(cli: Program) -> None:
    nights = add(cli, WEEK)
    for words in ([], ["--keep-last", "0"], ["--source", "@work"]):
        refused = cli("prune", "--apply", *words)
        assert (refused.code, refused.out) == (2, "")
        assert "give one, such as --keep-daily 7" in refused.err
    assert listed(cli) == nights


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--keep-within", "soon"], "--keep-within takes a duration such as 30d, 2w, 6m or 1y6m"),
        (["--keep-within", "2026-01-01"], "--keep-within takes a duration"),
        (["--keep-daily", "-1"], "--keep-daily"),
        (["--keep-daily", "x"], "--keep-daily"),
    ],
)
def test_what_is_no_rule_is_refused(cli: Program, words: list[str], told: str) -> None:
    add(cli, [1])
    refused = cli("prune", *words)
    assert (refused.code, refused.out) == (2, "") and told in refused.err


def test_a_policy_of_the_settings_is_taken_by_name_and_options_go_before_it(cli: Program) -> None:
    add(cli, WEEK)
    config(cli, "policies: {nightly: {keep-last: 2, keep-tag: [a, b]}}\n")
    named = cli("prune", "--policy", "nightly", "--json").document["result"]
    assert (named["policy"], len(named["removed"])) == ({"keep-last": 2, "keep-tag": ["a", "b"]}, 5)
    other = cli("prune", "--policy", "nightly", "--keep-last", "4", "--json").document["result"]
    assert (other["policy"]["keep-last"], len(other["removed"])) == (4, 3)


def test_a_policy_that_cannot_be_used_is_told_with_its_place(cli: Program) -> None:
    add(cli, WEEK)
    path = config(cli, "policies: {nightly: {keep-dayly: 2}, old: {before: 2026-01-01}}\n")
    wrong = cli("prune", "--policy", "nightly", "--apply")
    assert wrong.code == 78
    assert wrong.err == (
        f"caldav-backup: {path}: policies: nightly: there is no rule 'keep-dayly' (did you mean 'keep-daily'?)\n"
    )
    assert cli("prune", "--policy", "old").code == 78
    unknown = cli("prune", "--policy", "nihgtly")
    assert (unknown.code, "did you mean 'nightly'" in unknown.err) == (66, True)


def test_one_source_alone_is_pruned_when_it_is_named(cli: Program) -> None:
    add(cli, [3, 2, 1])
    home = add(cli, [3, 2, 1], job="home")
    assert cli("prune", "--keep-last", "1", "--source", "@work", "--apply").code == 0
    assert [night for night in listed(cli) if night in home] == home
    unknown = cli("prune", "--keep-last", "1", "--source", "@nobody")
    assert (unknown.code, "it has: " in unknown.err) == (66, True)


def test_snapshots_of_other_programs_are_left_alone_and_told(cli: Program) -> None:
    add(cli, [3, 2], job="", importer=THEIRS)
    add(cli, [3, 2])
    shown = cli("prune", "--keep-last", "1")
    assert shown.err == "caldav-backup: 2 snapshots of other programs are left alone; --all takes them, too\n"
    assert "laptop" not in shown.out
    assert "fs://laptop/home: keep 1 of 2, remove 1" in cli("prune", "--keep-last", "1", "--all").out


def test_a_snapshot_from_the_future_is_kept_and_told(cli: Program) -> None:
    nights = add(cli, [3, 2, -30])
    done = cli("prune", "--keep-last", "1", "--apply", "-q")
    assert (done.code, done.out) == (0, "")
    assert done.err == (
        "caldav-backup: warning: 1 snapshot of a time that is still to come: kept, for one of the clocks is wrong\n"
    )
    assert listed(cli) == nights[1:]


def test_nothing_is_said_under_cron(cli: Program) -> None:
    nights = add(cli, WEEK)
    done = cli("-q", "prune", "--keep-last", "1", "--apply")
    assert (done.code, done.out, done.err) == (0, "", "")
    assert listed(cli) == nights[-1:]


def test_a_damaged_snapshot_stays_and_the_others_are_pruned(cli: Program) -> None:
    nights = add(cli, [3, 2, 1])
    storage = store_of(cli).storage
    before = set(storage.ids(Kind.PACKFILE))
    add(cli, [0.1])
    for packfile in set(storage.ids(Kind.PACKFILE)) - before:
        storage.delete(Kind.PACKFILE, packfile)
    done = cli("prune", "--keep-last", "1", "--apply", "--json")
    assert done.code == 65 and done.document["result"]["removed"] == nights[:2]
    assert "is damaged and left out" in done.err


def test_an_empty_tag_beside_other_rules_is_an_error_and_removes_nothing(cli: Program) -> None:
    nights = add(cli, WEEK, "taxes")
    ended = cli("prune", "--keep-last", "1", "--keep-tag", "", "--apply")
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    assert listed(cli) == nights
