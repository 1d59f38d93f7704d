"""States tell of packfiles what the packfiles' own indexes tell."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from caldav_backup.kloset.packer import StoredPackfile
from caldav_backup.kloset.packfile import IndexRecord, index_to_bytes
from caldav_backup.kloset.placement import placement_runs
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.state import LocationEntry, PackfileEntry

Packed = tuple[bytes, list[IndexRecord], int]

macs = st.binary(min_size=32, max_size=32)
index_records = st.builds(
    IndexRecord,
    st.sampled_from(list(ResourceType)),
    st.integers(0, 2**32 - 1),
    macs,
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
)
packfiles = st.tuples(macs, st.lists(index_records, max_size=5), st.integers(0, 2**63))


@given(st.lists(packfiles, min_size=1, max_size=3), macs)
def test_each_blob_of_each_packfile_has_its_entry(contents: list[Packed], state: bytes) -> None:
    stored = [StoredPackfile(name, index_to_bytes(records), time, 0) for name, records, time in contents]
    *locations, named = placement_runs(stored, state)
    assert [entry for run in locations for entry in run.read()] == [
        LocationEntry(*record[:3], name, *record[3:]) for name, records, _ in contents for record in records
    ]
    assert list(named.read()) == [PackfileEntry(name, state, time) for name, _, time in contents]


def test_no_packfiles_need_no_entries() -> None:
    assert placement_runs([], bytes(32)) == []
