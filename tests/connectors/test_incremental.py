from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from caldav_backup.connectors import incremental
from caldav_backup.connectors.base import Version

VERSIONS = st.builds(
    Version,
    key=st.text(max_size=20),
    leaf=st.text(max_size=20),
    etag=st.text(max_size=10),
    mtime_ns=st.integers(0, 2**62),
    length=st.integers(-1, 2**40),
)
NAMED = st.lists(st.tuples(VERSIONS, st.booleans()), max_size=30)


@given(NAMED)
def test_what_is_written_is_known_again(named: list[tuple[Version, bool]]) -> None:
    records = [incremental.encode_record(v.leaf if derived else v.leaf + "~1", v) for v, derived in named]
    known = list(incremental.decode(incremental.encode(records)))
    assert len(known) == len(named)
    for (version, derived), resource in zip(named, known, strict=True):
        assert resource.matches(version) == version.is_comparable
        assert resource.key == (None if derived else version.key)


@given(VERSIONS, VERSIONS)
def test_another_version_does_not_match(one: Version, other: Version) -> None:
    (known,) = incremental.decode(incremental.encode([incremental.encode_record("x", one)]))
    same = one[2:] == other[2:]
    assert known.matches(other) == (same and one.is_comparable)


def test_a_plain_record_costs_nine_bytes() -> None:
    version = Version("/cal/a.ics", "a.ics", '"1"', 0, 1)
    assert len(incremental.encode_record("a.ics", version)) == 9


@given(NAMED, st.data())
def test_a_cut_value_knows_less_and_never_fails(named: list[tuple[Version, bool]], data: st.DataObject) -> None:
    value = incremental.encode([incremental.encode_record(v.leaf, v) for v, _ in named])
    cut = data.draw(st.integers(0, len(value)))
    assert len(list(incremental.decode(value[:cut]))) <= len(named)


def test_a_record_with_a_key_beyond_all_measure_is_fetched_again_and_never_fails() -> None:
    version = Version("/cal/" + "x" * 70_000, "x" * 70_000, '"1"', 0, 1)
    (known,) = incremental.decode(incremental.encode([incremental.encode_record("x~1.ics", version)]))
    assert not known.matches(version) and known.key is None


@given(st.binary(max_size=60))
def test_foreign_bytes_never_fail(value: bytes) -> None:
    list(incremental.decode(value))
