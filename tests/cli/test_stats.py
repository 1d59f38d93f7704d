"""What a store comes to."""

from __future__ import annotations

import pytest

from caldav_backup.kloset import Repository, open_storage
from tests.cli.conftest import Program
from tests.cli.stores import back_up_twice, make_store
from tests.cli.test_backup import vdir


@pytest.mark.full
def test_sums_are_those_of_the_headers_and_of_the_files(cli: Program) -> None:
    back_up_twice(cli)
    found = cli("stats", "--json").document["result"]
    (source,) = found["sources"]
    assert (source["snapshots"], source["events"]) == (2, 4)
    headers = Repository.open(open_storage(str(cli.home / "store"))).snapshots()
    assert source["raw"] == found["raw"] == sum(header.summary.below.size for header in headers)
    files = [path for path in (cli.home / "store").rglob("*") if path.is_file() and path.parent.parent.name != ""]
    on_disk = {kind: [path.stat().st_size for path in files if kind in path.parts] for kind in ("packfiles", "states")}
    assert found["packfiles"] == {"count": len(on_disk["packfiles"]), "size": sum(on_disk["packfiles"])}
    assert found["states"] == {"count": 2, "size": sum(on_disk["states"])}
    assert found["stored"] == found["packfiles"]["size"] + found["states"]["size"]
    assert found["deduplicated"] is None


@pytest.mark.full
def test_a_deep_look_tells_what_is_the_same_what_is_unique_and_what_is_dead(cli: Program) -> None:
    first, second = back_up_twice(cli)
    another = vdir(cli.home / "another", "home", 3)
    assert cli("backup", str(another)).code == 0
    found = cli("stats", "--deep", "--json").document["result"]
    one, other = found["sources"]
    whole = Repository.open(open_storage(str(cli.home / "store")))
    sizes = {entry.object: entry.size for entry in _files(whole, bytes.fromhex(second))}
    assert found["deduplicated"] == sum(sizes.values())  # the other source has some of the same events
    assert max(one["deduplicated"], other["deduplicated"]) == sum(sizes.values())
    assert 0 < one["unique"] + other["unique"] < found["live"]
    assert found["dead"] == 0
    cli("rm", first, "--apply")
    assert cli("stats", "--deep", "--json").document["result"]["dead"] > 0


def _files(repository: Repository, identifier: bytes):  # type: ignore[no-untyped-def]
    return [entry for entry in repository.snapshot(identifier).walk() if entry.is_file]


@pytest.mark.full
def test_people_get_a_table_and_the_sums(cli: Program) -> None:
    _, second = back_up_twice(cli)
    lines = cli("stats").out.splitlines()
    assert lines[0].split() == ["SOURCE", "SNAPS", "EVENTS", "RAW"]
    assert [line.split()[0] for line in lines[2:]] == ["raw", "stored", "packfiles", "states", "ratio"]
    deep = cli("stats", "--deep").out
    assert "deduplicated  " in deep
    assert "dead          nothing" in deep
    one = cli("stats", second, "--json").document["result"]
    assert (one["snapshots"], one["ratio"]) == (1, None)


@pytest.mark.full
def test_a_deep_look_is_at_the_whole_store_and_an_empty_store_has_sums_too(cli: Program) -> None:
    make_store(cli.home / "store")
    assert cli("stats", "--deep", "latest").code == 2
    assert cli("stats", "--json").document["result"]["sources"] == []
    assert cli("stats", "--deep", "--json").document["result"]["deduplicated"] == 0
    empty = cli("stats")
    assert (empty.code, "the store has no snapshots" in empty.err) == (0, True)
