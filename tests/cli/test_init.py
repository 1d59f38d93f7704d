from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from caldav_backup.kloset.configuration import Configuration
from caldav_backup.kloset.encryption import make_canary
from caldav_backup.kloset.keys import Argon2id, derive_key
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.storage import open_storage
from caldav_backup.kloset.unlocking import Unlocked, to_file
from tests.cli.conftest import ROOT, Person, Program

MARK = "correct horse mark"


def make_encrypted(cli: Program) -> None:
    """An encrypted store whose key costs next to nothing."""
    configuration = Configuration.new(encrypted=True, kdf=Argon2id(time=1, memory=8, threads=1))
    Repository.create(open_storage(cli.environ["CALDAV_BACKUP_STORE"]), configuration, passphrase=MARK.encode())


def test_an_encrypted_store_is_made_and_opened_with_its_passphrase_alone(cli: Program) -> None:
    made = cli("init", "--json", CALDAV_BACKUP_PASSPHRASE=MARK)
    assert made.document["result"]["encrypted"] is True
    assert MARK not in made.out + made.err
    assert cli("ls", CALDAV_BACKUP_PASSPHRASE=MARK).code == 0
    everything = [path for path in cli.home.rglob("*") if path.is_file()]
    assert not [path for path in everything if MARK.encode() in path.read_bytes()]


def test_an_encrypted_store_needs_its_passphrase(cli: Program) -> None:
    make_encrypted(cli)
    refused = cli("ls", CALDAV_BACKUP_PASSPHRASE="wrong")
    assert (refused.code, refused.out, len(refused.err.splitlines())) == (77, "", 1)
    assert cli("info", "--json").document["result"]["store"]["encrypted"] is True
    unsupplied = cli("ls")
    assert unsupplied.code == 77
    assert "CALDAV_BACKUP_PASSPHRASE_FILE" in unsupplied.err


def test_a_person_is_warned_and_types_the_passphrase_twice(cli: Program) -> None:
    person = Person(MARK, MARK)
    made = cli.at(person)("init")
    assert made.code == 0
    assert "a lost passphrase means lost backups" in made.err
    assert person.questions == ["New passphrase", "The same once more"]
    assert made.out.startswith("encrypted store ")


@pytest.mark.parametrize("typed", [(MARK, "another"), ("",)])
def test_a_mistyped_or_empty_passphrase_makes_nothing(cli: Program, typed: tuple[str, ...]) -> None:
    assert cli.at(Person(*typed))("init").code == 2
    assert not (cli.home / "store").exists()


def test_without_a_terminal_the_message_names_what_supplies_a_passphrase(cli: Program) -> None:
    ended = cli.process("init")
    assert (ended.code, ended.out) == (77, "")
    assert "CALDAV_BACKUP_PASSPHRASE_FILE" in ended.err
    assert not (cli.home / "store").exists()


@pytest.mark.parametrize(
    ("compression", "hashing"), [("lz4", "blake3"), ("zstd", "sha256"), ("gzip", "blake3"), ("none", "blake3")]
)
def test_a_plaintext_store_has_what_was_asked_for(cli: Program, compression: str, hashing: str) -> None:
    words = ["init", "--plaintext", "--compression", compression, "--hashing", hashing]
    made = cli(*words, "--json").document["result"]
    assert (made["compression"], made["hashing"], made["encrypted"]) == (compression, hashing, False)
    store = cli("info", "--json").document["result"]["store"]
    assert (store["compression"], store["hashing"]) == (compression, hashing)
    assert (store["repository_id"], store["location"]) == (made["repository_id"], str(cli.home / "store"))


def test_init_is_quiet_when_asked(cli: Program) -> None:
    assert cli("init", "--plaintext", "-q") == cli(
        "--quiet", "init", "--plaintext", CALDAV_BACKUP_STORE=f"{cli.home}/b"
    )
    ended = cli("create", "-plaintext", "-q", "--store", str(cli.home / "c"))
    assert (ended.code, ended.out, ended.err) == (0, "", "")


def test_a_store_that_is_there_is_left_as_it_is(cli: Program) -> None:
    cli("init", "--plaintext")
    before = (cli.home / "store" / "CONFIG").read_bytes()
    person = Person()
    assert (cli.at(person)("init").code, person.questions) == (73, [])
    assert (cli.home / "store" / "CONFIG").read_bytes() == before


def test_a_missing_store_is_never_made_in_passing(cli: Program) -> None:
    for words in (["ls"], ["info"], ["ls", "calendars"], ["cat", "latest:/a"]):
        ended = cli(*words)
        assert (ended.code, len(ended.err.splitlines())) == (66, 1)
    assert not (cli.home / "store").exists()


def test_a_passphrase_for_a_plaintext_store_is_refused(cli: Program) -> None:
    assert cli("init", "--plaintext", CALDAV_BACKUP_PASSPHRASE=MARK).code == 78
    cli("init", "--plaintext")
    for variable in ("CALDAV_BACKUP_PASSPHRASE", "CALDAV_BACKUP_PASSPHRASE_COMMAND", "PLAKAR_PASSPHRASE"):
        ended = cli("ls", **{variable: MARK})
        assert (ended.code, variable in ended.err) == (78, True)
    cli("store", "add", "disk", str(cli.home / "store"), "passphrase_cmd=echo x")
    assert cli("at", "@disk", "ls").code == 78


def test_a_store_whose_encryption_was_turned_off_is_refused_before_anything_is_asked(
    cli: Program,
) -> None:
    make_encrypted(cli)
    assert cli("ls", CALDAV_BACKUP_PASSPHRASE=MARK).code == 0
    other = str(cli.home / "other")
    cli("init", "--plaintext", "--store", other)
    (cli.home / "store" / "CONFIG").write_bytes((cli.home / "other" / "CONFIG").read_bytes())
    person = Person()
    for words in (["ls"], ["info"]):
        ended = cli.at(person)(*words)
        assert (ended.code, len(ended.err.splitlines())) == (78, 1)
    assert person.questions == []


def test_another_store_at_the_same_place_is_refused_until_it_is_made_anew(cli: Program) -> None:
    store = cli.home / "store"
    cli("init", "--plaintext")
    store.rename(cli.home / "moved")
    cli("init", "--plaintext", CALDAV_BACKUP_STATE_DIR=str(cli.home / "somebody-else"))
    assert cli("ls").code == 78
    store.rename(cli.home / "away")
    assert cli("init", "--plaintext").code == 0
    assert cli("ls").code == 0


def test_a_person_may_mistype_twice(cli: Program) -> None:
    make_encrypted(cli)
    person = Person("wrong", "wrong again", MARK)
    ended = cli.at(person)("ls")
    *refusals, listing = ended.err.splitlines()
    assert (ended.code, len(person.questions), len(refusals)) == (0, 3, 2)
    assert listing.startswith("caldav-backup: no snapshots yet")


@pytest.mark.parametrize(
    ("number", "code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_a_signal_ends_a_waiting_run_in_order(cli: Program, number: signal.Signals, code: int, word: str) -> None:
    ready = cli.home / "ready"
    os.mkfifo(ready)
    # A runner in the background may have told its children to ignore SIGINT.
    program = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from caldav_backup.cli.app import main; sys.exit(main(sys.argv[1:]))"
    )
    environ = cli.environ | {"CALDAV_BACKUP_PASSPHRASE_COMMAND": f"echo > {ready}; exec sleep 60"}
    command = [sys.executable, "-c", program, "init", "-q"]
    with subprocess.Popen(
        command, env=environ, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        # Opening waits until the passphrase command writes.
        ready.read_bytes()
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (code, "", f"caldav-backup: {word}\n")
    assert not (cli.home / "store").exists()


def test_a_failing_passphrase_command_stops_with_its_message(cli: Program) -> None:
    command = "echo the agent is locked >&2; exit 2"
    ended = cli("init", CALDAV_BACKUP_PASSPHRASE_COMMAND=command, PLAKAR_PASSPHRASE=MARK)
    assert ended.code == 78
    assert "the agent is locked" in ended.err
    assert not (cli.home / "store").exists()


def test_the_state_of_stores_is_private(cli: Program) -> None:
    cli("init", "--plaintext")
    path = Path(cli.environ["CALDAV_BACKUP_STATE_DIR"]) / "stores.json"
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text("not json")
    ended = cli("ls")
    assert (ended.code, str(path) in ended.err) == (78, True)


def test_a_store_is_read_even_where_nothing_can_be_remembered(cli: Program) -> None:
    cli("init", "--plaintext", "-q")
    (cli.home / "file").touch()
    ended = cli("ls", CALDAV_BACKUP_STATE_DIR=str(cli.home / "file" / "state"))
    assert (ended.code, ended.out) == (0, "")
    assert "warning: cannot remember what the store is" in ended.err


def test_a_key_that_costs_too_much_is_derived_only_with_consent(cli: Program) -> None:
    configuration = Configuration.new(encrypted=True)
    assert configuration.encryption is not None
    cost = replace(configuration.encryption.kdf, cost=Argon2id(time=17, memory=8, threads=1))
    key = derive_key(MARK.encode(), cost, allow_cost=True)
    encryption = configuration.encryption._replace(kdf=cost, canary=make_canary(key))
    unlocked = Unlocked(replace(configuration, encryption=encryption), key)
    open_storage(cli.environ["CALDAV_BACKUP_STORE"]).create(to_file(unlocked))
    ended = cli("ls", CALDAV_BACKUP_PASSPHRASE=MARK)
    assert (ended.code, len(ended.err.splitlines())) == (78, 1)
    assert cli("ls", "--allow-kdf-cost", CALDAV_BACKUP_PASSPHRASE=MARK).code == 0


def test_chunk_sizes_are_what_was_asked_for(cli: Program) -> None:
    made = cli("init", "--plaintext", "--chunk-size", "64,1k,2MiB", "--json").document["result"]
    assert made["chunk_sizes"] == [64, 1024, 2 << 20]
    assert cli("info", "--json").document["result"]["store"]["chunk_sizes"] == [64, 1024, 2 << 20]


@pytest.mark.parametrize(
    "sizes", ["", "4K", "4K,16K", "4K,16K,64K,1M", "16K,4K,64K", "4,16K,64K", "4K,16K,2G", "-1,2,3"]
)
def test_chunk_sizes_that_no_store_can_have_are_refused(cli: Program, sizes: str) -> None:
    refused = cli("init", "--plaintext", f"--chunk-size={sizes}")
    assert (refused.code, len(refused.err.splitlines())) == (2, 1)
    assert not (cli.home / "store").exists()
