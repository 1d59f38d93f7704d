from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from caldav_backup.kloset.path_map import PathMap

PATHS = st.lists(st.sampled_from([b"a", b"b", b"a.", b"a0", b"ab"]), max_size=3).map(
    lambda names: b"/" + b"/".join(names)
)


@given(st.dictionaries(PATHS, st.binary(max_size=1)), PATHS)
def test_what_lies_below_a_directory_is_found_without_its_neighbours(pairs: dict[bytes, bytes], own: bytes) -> None:
    prefix = own.removesuffix(b"/") + b"/"
    expected = {key: value for key, value in pairs.items() if key == own or key.startswith(prefix)}
    assert PathMap(pairs.items()).below(own) == expected
