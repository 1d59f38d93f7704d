"""A second snapshot of the same tree."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Program
from tests.cli.stores import back_up_twice


@pytest.mark.full
def test_a_duplicate_has_an_id_of_its_own_and_the_same_time_and_no_pin(cli: Program) -> None:
    first, _ = back_up_twice(cli)
    first = cli("pin", first, "--apply", "--json").document["result"]["changed"][0]["new_id"]
    made = cli("dup", first, "--json").document["result"]["duplicates"]
    assert [each["id"] for each in made] == [first]
    listed = {each["id"]: each for each in cli("ls", "--json").document["result"]["snapshots"]}
    assert len(listed) == 3
    twin = listed[made[0]["new_id"]]
    assert twin == listed[first] | {"id": twin["id"], "tags": []}


@pytest.mark.full
def test_people_see_both_ids(cli: Program) -> None:
    _, second = back_up_twice(cli)
    ended = cli("dup", "latest")
    assert ended.code == 0
    assert ended.out.splitlines()[1].startswith(second[:8])
    assert ended.out.endswith("1 snapshot duplicated\n")


@pytest.mark.full
def test_a_path_or_an_unknown_snapshot_is_refused(cli: Program) -> None:
    back_up_twice(cli)
    assert cli("dup", "latest:/home").code == 2
    assert cli("dup", "0123456789abcdef").code == 66
