"""The vectors in docs/design/format.md are what the code computes, so that the document cannot drift away from it."""

from __future__ import annotations

import hashlib
import re
from typing import Any
from uuid import UUID

import pytest

from caldav_backup.kloset import records
from caldav_backup.kloset.btree import Node, Root
from caldav_backup.kloset.chunking import cut
from caldav_backup.kloset.configuration import ChunkSizes
from caldav_backup.kloset.entries import Entry
from caldav_backup.kloset.gear import GEAR
from caldav_backup.kloset.hashing import Keyed, plain_hash
from caldav_backup.kloset.objects import Object
from caldav_backup.kloset.summary import Summary
from tests.project.documents import ROOT, tables

FORMAT = ROOT / "docs" / "design" / "format.md"
TIMES, SECRETS, _SEALED, RECORDS, CUTS = tables(FORMAT, "Test vectors")
STRUCTURES: dict[str, Any] = {
    "object": Object,
    "entry": Entry,
    "empty node": Node,
    "root of an empty tree": Root,
    "summary of an empty directory": Summary,
}


def congruential(count: int) -> bytes:
    x, content = 1, bytearray()
    for _ in range(count):
        x = (x * 6364136223846793005 + 1442695040888963407) % 2**64
        content.append(x >> 56)
    return bytes(content)


@pytest.mark.parametrize(("nanoseconds", "encoded"), TIMES)
def test_times(nanoseconds: str, encoded: str) -> None:
    assert records.timestamp(int(nanoseconds)).hex() == encoded


@pytest.mark.parametrize(("store", "secret", "mac"), SECRETS)
def test_secrets_of_plaintext_stores(store: str, secret: str, mac: str) -> None:
    algorithm = store.split(", ")[1]
    repository_id = UUID(re.findall(r"[0-9a-f]{32}", store)[0])
    assert plain_hash(algorithm, repository_id.bytes).hex() == secret
    assert Keyed(algorithm, bytes.fromhex(secret)).mac(b"").hex() == mac


@pytest.mark.parametrize(("name", "mac", "encoded"), RECORDS)
def test_records(name: str, mac: str, encoded: str) -> None:
    buffer = bytes.fromhex(encoded)
    assert STRUCTURES[name].from_bytes(buffer).to_bytes() == buffer
    if mac:
        assert Keyed("BLAKE3", bytes.fromhex(SECRETS[0][1])).mac(buffer).hex() == mac


@pytest.mark.parametrize(("content", "sizes", "lengths"), [row for row in CUTS if len(row[0]) <= len("lcg 200000")])
def test_chunking(content: str, sizes: str, lengths: str) -> None:
    kind, count = content.split()
    made = congruential(int(count)) if kind == "lcg" else bytes(int(count))
    minimum, normal, maximum = map(int, sizes.split(" / "))
    assert cut(made, ChunkSizes(minimum, normal, maximum)) == [int(length) for length in lengths.split()]


@pytest.mark.full
@pytest.mark.parametrize(("content", "sizes", "lengths"), [row for row in CUTS if len(row[0]) > len("lcg 200000")])
def test_chunking_of_much(content: str, sizes: str, lengths: str) -> None:
    test_chunking(content, sizes, lengths)


def test_gear_table() -> None:
    words = re.findall(r"\b[0-9a-f]{16}\b", FORMAT.read_text(encoding="utf-8").split("\n## Gear table\n")[1])
    assert [int(word, 16) for word in words] == list(GEAR)
    packed = b"".join(int(word, 16).to_bytes(8, "little") for word in words)
    assert hashlib.sha256(packed).hexdigest() in FORMAT.read_text(encoding="utf-8")
