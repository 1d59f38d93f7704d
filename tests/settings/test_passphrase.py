from __future__ import annotations

from pathlib import Path

import pytest

from caldav_backup.settings import Secret, SecretUnavailable, find_supply
from caldav_backup.settings.passphrase import CREDENTIAL, OTHER, missing


def test_the_order_is_ours_then_systemd_then_the_store_then_plakar(tmp_path: Path) -> None:
    (tmp_path / CREDENTIAL).write_text("from systemd\n")
    (tmp_path / "file").write_text("from file\n")
    environ = {
        "CALDAV_BACKUP_PASSPHRASE": "from variable",
        "CALDAV_BACKUP_PASSPHRASE_FILE": str(tmp_path / "file"),
        "CALDAV_BACKUP_PASSPHRASE_COMMAND": "echo from command",
        "CREDENTIALS_DIRECTORY": str(tmp_path),
        "PLAKAR_PASSPHRASE": "from plakar",
    }
    options = {"passphrase_cmd": "echo from store"}
    found = []
    for variable in [*environ, None]:
        supply = find_supply(options, {}, environ)
        assert supply is not None
        found.append(supply.read().reveal())
        if variable == "PLAKAR_PASSPHRASE":
            options = {}
        elif variable is not None:
            del environ[variable]
    # The store's option comes before plakar's variable; without the option the variable is left.
    assert found == ["from variable", "from file", "from command", "from systemd", "from store", "from plakar"]


def test_each_option_of_the_store_gives_the_passphrase(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"two\nlines \n")
    supplies = [
        find_supply({}, {"passphrase": Secret("in clear")}, {}),
        find_supply({"passphrase_file": str(tmp_path / "file")}, {}, {}),
        find_supply({"passphrase_cmd": "printf 'one line'"}, {}, {}),
    ]
    assert [supply.read().reveal() for supply in supplies if supply] == ["in clear", "two\nlines ", "one line"]


def test_nothing_configured_is_no_supply() -> None:
    assert find_supply({}, {}, {"CALDAV_BACKUP_PASSPHRASE": "", "CREDENTIALS_DIRECTORY": "/does/not/exist"}) is None


@pytest.mark.parametrize(
    "environ",
    [
        {"CALDAV_BACKUP_PASSPHRASE_FILE": "/does/not/exist", "PLAKAR_PASSPHRASE": "x"},
        {"CALDAV_BACKUP_PASSPHRASE_COMMAND": "exit 1", "PLAKAR_PASSPHRASE": "x"},
    ],
)
def test_a_supply_that_fails_never_falls_through(environ: dict[str, str]) -> None:
    supply = find_supply({}, {}, environ)
    assert supply is not None
    with pytest.raises(SecretUnavailable):
        supply.read()


def test_an_empty_passphrase_is_none() -> None:
    supply = find_supply({}, {"passphrase": Secret("")}, {})
    assert supply is not None
    with pytest.raises(SecretUnavailable):
        supply.read()


def test_finding_a_supply_runs_nothing(tmp_path: Path) -> None:
    find_supply({"passphrase_cmd": f"touch {tmp_path}/ran"}, {}, {})
    assert list(tmp_path.iterdir()) == []


def test_the_message_for_no_supply_names_what_would_give_it() -> None:
    assert "CALDAV_BACKUP_PASSPHRASE_FILE" in str(missing("the store /srv/store"))


def test_what_is_for_the_store_of_the_run_is_not_for_the_other_one(tmp_path: Path) -> None:
    (tmp_path / CREDENTIAL).write_text("of the run\n")
    environ = {
        "CALDAV_BACKUP_PASSPHRASE": "of the run",
        "PLAKAR_PASSPHRASE": "of the run",
        "CREDENTIALS_DIRECTORY": str(tmp_path),
    }
    assert find_supply({}, {}, environ, OTHER) is None
    assert "CALDAV_BACKUP_OTHER_PASSPHRASE_FILE" in str(missing("the store", OTHER))
    (tmp_path / OTHER.credential).write_text("of the other\n")
    credential = find_supply({}, {}, environ, OTHER)
    assert credential is not None
    assert credential.read().reveal() == "of the other"
    (tmp_path / OTHER.credential).unlink()
    found = [
        find_supply({}, {}, environ | {f"CALDAV_BACKUP_OTHER_PASSPHRASE{ending}": value}, OTHER)
        for ending, value in (("", "of the other"), ("_COMMAND", "echo of the other"))
    ]
    found.append(find_supply({"passphrase_cmd": "echo of the other"}, {}, environ, OTHER))
    assert [supply and supply.read().reveal() for supply in found] == ["of the other"] * 3
