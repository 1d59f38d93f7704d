"""`pin`, as a person and a script meet it."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Program
from tests.cli.nights import add, listed

pytestmark = pytest.mark.full


def tags(cli: Program) -> list[list[str]]:
    return [each["tags"] for each in cli("ls", "--json").document["result"]["snapshots"]]


def test_the_plan_is_shown_and_apply_tells_the_new_id(cli: Program) -> None:
    nights = add(cli, [3, 2, 1])
    shown = cli("pin", nights[0][:8])
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.splitlines()[-1] == "nothing was pinned yet; --apply pins 1 snapshot, which changes the id"
    assert (listed(cli), tags(cli)) == (nights, [[], [], []])
    done = cli("pin", nights[0][:8], "--apply")
    new = listed(cli)[0]
    assert (done.code, tags(cli)) == (0, [["pinned"], [], []])
    assert done.out.splitlines()[0].split() == ["ID", "NEW", "ID", "TIME", "SOURCE"]
    assert done.out.splitlines()[1].split()[:2] == [nights[0][:8], new[:8]]
    assert done.out.splitlines()[2] == "1 snapshot pinned, under a new id, to which the old one leads"
    assert cli("prune", "--keep-last", "1", "--apply").code == 0
    assert listed(cli) == [new, nights[2]]


def test_unpinning_lets_it_go_again(cli: Program) -> None:
    nights = add(cli, [3, 2])
    pinned = cli("pin", nights[0], "--apply", "--json").document["result"]["changed"][0]
    assert (pinned["id"], pinned["source"]) == (nights[0], "@work")
    done = cli("pin", "--remove", pinned["new_id"], "--apply", "--json").document["result"]
    assert (done["pinned"], done["changed"][0]["new_id"]) == (False, listed(cli)[0])
    assert tags(cli) == [[], []]
    assert cli("rm", done["changed"][0]["new_id"], "--apply").code == 0


def test_several_words_may_mean_the_same_snapshot(cli: Program) -> None:
    nights = add(cli, [3, 2])
    document = cli("pin", "latest", nights[1], "latest~1", "--json").document["result"]
    assert [each["id"] for each in document["changed"]] == [nights[1], nights[0]]
    assert {each["new_id"] for each in document["changed"]} == {None}


def test_what_is_pinned_already_is_told_and_left(cli: Program) -> None:
    nights = add(cli, [1], "mine")
    assert cli("pin", "--remove", nights[0], "--apply").err == f"caldav-backup: {nights[0][:8]} is not pinned\n"
    cli("pin", nights[0], "--apply")
    again = cli("pin", "latest", "--apply")
    assert (again.code, again.out) == (0, "nothing to do\n")
    assert again.err.endswith("is pinned already\n")
    assert tags(cli) == [["mine", "pinned"]]


def test_an_incomplete_one_and_a_word_that_means_none_are_refused(cli: Program) -> None:
    half = add(cli, [1], "incomplete")
    refused = cli("pin", half[0], "--apply")
    assert (refused.code, "the next run takes it over" in refused.err) == (2, True)
    assert cli("pin", "latest", "--apply").code == 66
    assert cli("pin").code == 2


def test_nobody_may_give_the_tag_by_hand(cli: Program) -> None:
    assert cli("init", "--plaintext").code == 0
    refused = cli("backup", str(cli.home), "--tag", "pinned")
    assert (refused.code, "'pinned'" in refused.err) == (2, True)
