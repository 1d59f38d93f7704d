"""A store with another passphrase is another store."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Person, Program
from tests.cli.stores import back_up_twice

NEW = "a new mark"


def test_without_a_new_store_it_says_why_and_changes_nothing(cli: Program) -> None:
    refused = cli("passwd")
    assert refused.code == 2
    assert "every name in it is made with the key" in refused.err
    assert "passwd --to NEWSTORE" in refused.err


@pytest.mark.full
def test_everything_goes_into_a_new_store_and_the_old_one_stays(cli: Program) -> None:
    both = back_up_twice(cli)
    new = cli.home / "new"
    ended = cli("passwd", "--to", str(new), CALDAV_BACKUP_OTHER_PASSPHRASE=NEW)
    assert ended.code == 0
    assert f"check the new store: caldav-backup --store {new} check --read-data" in ended.out
    assert f"remove the old store, {cli.home / 'store'}" in ended.out
    info = cli("at", str(new), "info", "--json").document["result"]["store"]
    assert (info["encrypted"], info["hashing"]) == (True, "sha256")
    listed = cli("at", str(new), "ls", "--json", CALDAV_BACKUP_PASSPHRASE=NEW).document["result"]["snapshots"]
    assert [each["id"] for each in listed] == both
    assert len(cli("ls", "--json").document["result"]["snapshots"]) == 2

    again = cli("passwd", "--to", str(new), CALDAV_BACKUP_OTHER_PASSPHRASE=NEW)
    assert (again.code, f"'sync to {new}' goes on" in again.err) == (73, True)


@pytest.mark.full
def test_a_person_types_the_new_passphrase_twice_and_programs_get_what_was_copied(cli: Program) -> None:
    both = back_up_twice(cli)
    person = Person(NEW, NEW)
    ended = cli.at(person)("passwd", "--to", str(cli.home / "new"), "--json")
    assert person.questions == ["New passphrase", "The same once more"]
    assert NEW not in ended.out + ended.err
    result = ended.document["result"]
    assert result["store"]["encrypted"] is True
    assert [each["id"] for each in result["direction"]["copied"]] == both
