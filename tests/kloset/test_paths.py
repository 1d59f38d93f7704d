"""Paths inside a snapshot."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caldav_backup.kloset import paths
from caldav_backup.kloset.errors import InvalidArgument


def test_shallow_paths_come_first_then_bytes() -> None:
    ordered = [b"/", b"/a", b"/a-b", b"/a.b", b"/b", b"/a/c", b"/z/y", b"/a/b/x"]
    assert sorted(ordered[4:] + ordered[:4], key=paths.path_order) == ordered


@pytest.mark.parametrize("path", ["/", "/a", "/a/b", "/a/b/c"])
def test_cutting_and_joining_are_inverse(path: str) -> None:
    assert paths.join(*paths.split(path)) == path


def test_ancestors_begin_at_the_root() -> None:
    assert paths.ancestors("/") == []
    assert paths.ancestors("/a") == ["/"]
    assert paths.ancestors("/a/b/c") == ["/", "/a", "/a/b"]


@pytest.mark.parametrize(
    ("typed", "path"),
    [("", "/"), ("a", "/a"), ("/a/", "/a"), ("//a/./b", "/a/b"), ("/a/../b", "/b"), ("../../etc", "/etc"), (".", "/")],
)
def test_typed_paths_are_made_clean(typed: str, path: str) -> None:
    assert paths.clean(typed) == path


@given(st.text("a./", max_size=12))
def test_cleaning_gives_a_clean_path(typed: str) -> None:
    assert paths.is_clean(paths.clean(typed))


@pytest.mark.parametrize("path", ["", "a", "/a/", "//", "/a//b", "/.", "/a/.."])
def test_unclean_path_is_refused(path: str) -> None:
    assert not paths.is_clean(path)
    with pytest.raises(InvalidArgument):
        paths.require_clean(path)


def test_bytes_that_are_no_utf8_survive() -> None:
    assert paths.to_key(paths.from_key(b"/caf\xe9")) == b"/caf\xe9"
