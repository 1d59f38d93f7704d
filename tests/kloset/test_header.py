"""Snapshot headers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caldav_backup.kloset import records
from caldav_backup.kloset.entries import Class, Classification
from caldav_backup.kloset.errors import Damaged
from caldav_backup.kloset.header import Header, Identity, Importer, Index, Source, read_header
from caldav_backup.kloset.resources import ZERO_MAC
from caldav_backup.kloset.summary import Summary, Totals
from tests.kloset.test_objects import macs, names, unsigned32

IDENTIFIER = bytes(range(32))
SOURCE = Source(Importer("caldav-backup", "user@host", "/"), b"r" * 32, b"x" * 32, b"e" * 32)

texts = st.lists(names, max_size=3).map(tuple)
contexts = st.lists(st.tuples(names, names), max_size=3).map(tuple)
sources = st.builds(
    Source,
    importer=st.builds(Importer, names, names, names),
    root=macs,
    xattrs=macs,
    errors=macs,
    indexes=st.lists(st.builds(Index, names, names, macs), max_size=3).map(tuple),
    summary=st.builds(
        lambda files, errors: Summary(Totals(files=files), Totals(errors=errors)), unsigned32, unsigned32
    ),
    context=contexts,
)
headers = st.builds(
    Header,
    identifier=macs,
    timestamp_ns=st.integers(-(2**62), 2**62),
    source=sources,
    duration_ns=st.integers(-(2**63), 2**63 - 1),
    identity=st.builds(Identity, st.binary(min_size=16, max_size=16), st.none() | st.binary(max_size=40)),
    name=names,
    category=names,
    environment=names,
    perimeter=names,
    job=names,
    replicas=unsigned32,
    dataset=names,
    data_classes=texts,
    classifications=st.lists(
        st.builds(Classification, names, st.lists(st.builds(Class, names, st.floats(0, 1)), max_size=2).map(tuple)),
        max_size=2,
    ).map(tuple),
    tags=texts,
    context=contexts,
    more_sources=st.lists(sources, max_size=1).map(tuple),
    version=unsigned32,
)


@given(headers)
def test_header_survives_the_round_trip(header: Header) -> None:
    assert Header.from_bytes(header.to_bytes()) == header


def test_header_has_seventeen_fields() -> None:
    assert Header(IDENTIFIER, 0, SOURCE).to_bytes().startswith(b"\xde\x00\x11")


def test_header_speaks_for_its_source() -> None:
    index = Index("dirpack", "btree", b"d" * 32)
    header = Header(IDENTIFIER, 0, SOURCE._replace(indexes=(index,), summary=Summary(Totals(files=1))))
    assert (header.importer.type, header.root, header.xattrs, header.errors) == (
        "caldav-backup",
        b"r" * 32,
        b"x" * 32,
        b"e" * 32,
    )
    assert header.summary.directory.files == 1
    assert header.indexes == (index,)
    assert header.find_index("dirpack") == b"d" * 32
    assert header.find_index("summary") is None


def test_header_under_another_identifier_is_refused() -> None:
    encoded = Header(IDENTIFIER, 0, SOURCE).to_bytes()
    assert read_header(encoded, IDENTIFIER).identifier == IDENTIFIER
    with pytest.raises(Damaged, match="stored as snapshot"):
        read_header(encoded, ZERO_MAC)
    with pytest.raises(Damaged):
        read_header(Header(ZERO_MAC, 0, SOURCE).to_bytes(), ZERO_MAC)


def test_header_without_a_source_is_refused() -> None:
    encoded = Header(IDENTIFIER, 0, SOURCE).to_bytes()
    source = records.string("sources") + records.array_header(1)
    cut = encoded[: encoded.index(source)] + records.string("sources") + records.array_header(0)
    with pytest.raises(Damaged, match="no source"):
        Header.from_bytes(cut)


@given(st.data())
def test_changed_header_is_either_refused_or_another_header(data: st.DataObject) -> None:
    changed = bytearray(Header(IDENTIFIER, 5, SOURCE, tags=("a",), context=(("k", "v"),)).to_bytes())
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        found = Header.from_bytes(bytes(changed))
    except Damaged:
        return
    assert isinstance(found, Header)
