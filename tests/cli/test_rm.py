"""`rm`, as a person and a script meet it."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Program
from tests.cli.nights import THEIRS, add, listed

pytestmark = pytest.mark.full


def test_the_plan_is_shown_and_apply_does_it(cli: Program) -> None:
    nights = add(cli, [4, 3, 2, 1])
    shown = cli("rm", nights[0][:8], nights[2][:8])
    assert (shown.code, shown.err) == (0, "")
    assert [line.split()[0] for line in shown.out.splitlines()[1:3]] == [nights[0][:8], nights[2][:8]]
    assert shown.out.splitlines()[-1] == "nothing was removed yet; --apply removes 2 snapshots"
    assert listed(cli) == nights
    done = cli("rm", nights[0], nights[2], "-apply")
    assert (done.code, done.out.splitlines()[0]) == (0, "2 snapshots removed")
    assert listed(cli) == [nights[1], nights[3]]


def test_the_last_good_one_and_pinned_ones_are_refused_by_name(cli: Program) -> None:
    nights = add(cli, [3, 2, 1])
    pinned = cli("pin", nights[0], "--apply", "--json").document["result"]["changed"][0]["new_id"]
    refused = cli("rm", pinned[:8], nights[1], "latest", "--apply")
    assert (refused.code, refused.out) == (4, "")
    assert refused.err == (
        f"caldav-backup: {pinned[:8]} is pinned; {nights[2][:8]} is the last good one of its source; "
        "nothing was removed\n"
    )
    assert listed(cli) == [pinned, *nights[1:]]


def test_all_that_a_description_fits_go_but_for_protected_ones(cli: Program) -> None:
    work, home = add(cli, [9, 8, 1]), add(cli, [9, 8], job="home")
    tagged = add(cli, [7], "report", job="home")
    before = cli("rm", "--before", "5d", "--apply", "--json").document["result"]
    assert set(before["removed"]) == {*work[:2], *home}
    assert before["protected"] == [{"id": tagged[0], "reasons": ["last-good"]}]
    alone = cli("rm", "--tag", "report", "--apply")
    assert (alone.code, "is the last good one of its source" in alone.err) == (4, True)
    more = add(cli, [0.2], job="home")
    assert cli("rm", "--tag", "report", "--source", "home", "--apply").code == 0
    assert listed(cli) == [work[2], *more]


def test_snapshots_of_other_programs_go_only_when_they_are_named(cli: Program) -> None:
    theirs = add(cli, [9, 8], job="", importer=THEIRS)
    ours = add(cli, [9, 1])
    described = cli("rm", "--before", "5d", "--apply")
    assert described.err == "caldav-backup: 2 snapshots of other programs left alone; --all takes them, too\n"
    assert listed(cli) == [*theirs, ours[1]]
    assert cli("rm", "--before", "5d", "--all", "--json").document["result"]["removed"] == theirs[:1]
    assert cli("rm", theirs[0], "--apply").code == 0
    assert listed(cli) == [theirs[1], ours[1]]


def test_incomplete_ones_go_only_when_they_are_meant(cli: Program) -> None:
    half, whole = add(cli, [9], "incomplete"), add(cli, [1])
    assert cli("rm", "--before", "5d", "--apply").out == "nothing to remove\n"
    assert listed(cli) == [*half, *whole]
    assert cli("rm", "--tag", "incomplete", "--apply").code == 0
    assert listed(cli) == whole


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ([], 2, "say which to remove"),
        (["latest", "--tag", "a"], 2, "not both at once"),
        (["latest:/personal"], 2, "latest:/personal is a path in a snapshot"),
        (["abc"], 2, "is no snapshot"),
        (["0000000000"], 66, "has no snapshot 0000000000"),
        (["--before", "soon"], 2, "is no date"),
        (["--source", "@nobody"], 66, "@nobody"),
    ],
)
def test_what_is_not_clear_is_refused(cli: Program, words: list[str], code: int, told: str) -> None:
    nights = add(cli, [2, 1])
    refused = cli("rm", *words, "--apply")
    assert (refused.code, refused.out) == (code, "") and told in refused.err
    assert listed(cli) == nights


def test_nothing_is_said_under_cron(cli: Program) -> None:
    add(cli, [9, 1])
    done = cli("-q", "rm", "--before", "5d", "--apply")
    assert (done.code, done.out, done.err) == (0, "", "")


@pytest.mark.parametrize(
    "words", [("--tag", ""), ("--tag", "test", "--tag", " , "), ("--source", ""), ("--before", "")]
)
def test_a_description_from_a_variable_that_is_not_set_removes_nothing(cli: Program, words: tuple[str, ...]) -> None:
    nights = add(cli, [3, 2, 1], "test")
    ended = cli("rm", *words, "--apply")
    assert ended.code in {2, 66}
    assert len(ended.err.splitlines()) == 1
    assert listed(cli) == nights
