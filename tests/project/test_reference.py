"""The reference pages say what the program's own tables say."""

from __future__ import annotations

from caldav_backup.cli.commands import COMMANDS
from caldav_backup.cli.exits import MEANINGS, WORST_FIRST
from caldav_backup.retention import RULES
from caldav_backup.settings.options import DESTINATION_OPTIONS, SERVER_OPTIONS, STORE_OPTIONS
from tests.project.commands_page import PAGE, page
from tests.project.documents import ROOT, tables

EXIT_CODES = ROOT / "docs" / "reference" / "exit-codes.md"


def test_exit_codes() -> None:
    assert tables(EXIT_CODES, "Exit codes") == [[[str(int(code)), meaning] for code, meaning in MEANINGS.items()]]
    assert ", ".join(str(int(code)) for code in WORST_FIRST) in EXIT_CODES.read_text(encoding="utf-8")


def test_options_of_locations() -> None:
    settings = ROOT / "docs" / "reference" / "settings.md"
    sources, destinations, stores = (
        dict(tables(settings, f"Options of a {kind}")[0]) for kind in ("source", "destination", "store")
    )
    assert sources == {name: text.strip("`") for name, text in SERVER_OPTIONS.items()}
    assert sources | destinations == {name: text.strip("`") for name, text in DESTINATION_OPTIONS.items()}
    assert stores == dict(STORE_OPTIONS)


def test_rules_of_policies() -> None:
    settings = ROOT / "docs" / "reference" / "settings.md"
    assert dict(tables(settings, "Policies")[0]) == dict(RULES)


def test_every_command_has_a_schema_for_its_result() -> None:
    there = {path.stem for path in (ROOT / "caldav_backup" / "cli" / "schemas").glob("*.json")}
    assert {command.name for command in COMMANDS if not command.is_alias} <= there


def test_commands() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m tests.project.commands_page"
