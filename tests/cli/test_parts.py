"""Parts of the contents as people name them, and lists that need no memory."""

from __future__ import annotations

import json
import secrets

import pytest

from caldav_backup.cli.exits import Usage
from caldav_backup.cli.parts import parse_part
from caldav_backup.cli.spool import Spool

NAMES = [secrets.token_bytes(32) for _ in range(100)]


@pytest.mark.parametrize("total", [1, 2, 7, 1000])
def test_all_numbered_parts_together_are_everything_and_nothing_twice(total: int) -> None:
    parts = [parse_part(f"{number}/{total}", "--x").part for number in range(1, total + 1)]
    edges = [bytes(32), b"\xff" * 32]
    assert [sum(part.contains(name) for part in parts) for name in (*NAMES, *edges)] == [1] * (len(NAMES) + 2)
    assert sum(part.share for part in parts) == pytest.approx(1)


def test_share_by_chance_is_told_and_can_be_chosen_again() -> None:
    first, second = parse_part("10%", "--x"), parse_part("10%", "--x")
    assert first.part != second.part
    assert parse_part(first.word, "--x") == first
    assert first.part.share == pytest.approx(0.1)
    # One that begins near the end goes on at the beginning.
    wrapped = parse_part(f"50%:{(1 << 32) - 1}", "--x").part
    assert wrapped.contains(bytes(32))
    assert not wrapped.contains(b"\xf0" * 32)
    assert all(parse_part("100%:7", "--x").part.contains(name) for name in NAMES)


@pytest.mark.parametrize(
    "text", ["", "10", "0/7", "8/7", "1/0", "-1/7", "0%", "101%", "x%", "10%:", "10%:4294967296", "1/7%"]
)
def test_what_names_no_part_is_refused_with_what_would(text: str) -> None:
    with pytest.raises(Usage, match="--x"):
        parse_part(text, "--x")


def test_spool_is_a_list_to_the_encoder_and_lies_in_a_file() -> None:
    spool = Spool()
    encoder = json.JSONEncoder(indent=2)
    assert "".join(encoder.iterencode({"a": spool})) == json.dumps({"a": []}, indent=2)
    values = [{"number": number, "text": "ä\n"} for number in range(100)]
    for value in values:
        spool.append(value)
    assert list(spool) == list(spool) == values
    assert "".join(encoder.iterencode({"a": spool})) == json.dumps({"a": values}, indent=2)
    assert len(spool) == 100
