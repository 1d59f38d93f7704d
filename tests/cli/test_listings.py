from __future__ import annotations

import pytest

from caldav_backup.cli.command_line import redacted
from caldav_backup.cli.listings import human_size, start_text
from tests.cli.conftest import Program
from tests.kloset.conftest import Golden


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (5 << 20, "5.0 MiB"),
        (3 << 30, "3.0 GiB"),
        (2 << 40, "2.0 TiB"),
    ],
)
def test_sizes_are_told_in_the_largest_fitting_unit(size: int, text: str) -> None:
    assert human_size(size) == text


@pytest.mark.parametrize(
    ("start", "timezone", "text"),
    [
        (None, None, ""),
        ("20260501", None, "2026-05-01"),
        ("20260501T093000Z", None, "2026-05-01 09:30 UTC"),
        ("20260501T093000", "Europe/Berlin", "2026-05-01 09:30 Europe/Berlin"),
        ("20260501T093000", None, "2026-05-01 09:30"),
        ("soon", None, "soon"),
        ("2026050", None, "2026050"),
    ],
)
def test_starts_are_told_as_people_read_them(start: str | None, timezone: str | None, text: str) -> None:
    assert start_text(start, timezone) == text


def test_links_and_special_files_of_another_program_are_listed(cli: Program, golden: Golden) -> None:
    place, _ = golden("g-xattr-symlink-error")
    words = ["at", str(place), "ls", "latest", "--recursive", "--json"]
    kinds = {entry["type"] for entry in cli(*words).document["result"]["entries"]}
    assert kinds == {"file", "directory", "symlink", "special"}


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["source", "add", "a", "password=x y"], "caldav-backup source add a password=***"),
        (["--password=x"], "caldav-backup --password=***"),
        (["-passphrase=x"], "caldav-backup -passphrase=***"),
        (["backup", "https://u:p@h/?t=1"], "caldav-backup backup https://h/?t=***"),
        (["--to=https://u:p@h/"], "caldav-backup --to=https://h/"),
        (["backup", "@work"], "caldav-backup backup @work"),
    ],
)
def test_a_command_line_is_kept_without_its_secrets(words: list[str], line: str) -> None:
    assert redacted(["caldav-backup", *words]) == line
