"""Totals of directories: bytes, and the rules of adding up."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from caldav_backup.kloset.objects import (
    MODE_CHARACTER_DEVICE,
    MODE_DEVICE,
    MODE_DIRECTORY,
    MODE_PIPE,
    MODE_SETGID,
    MODE_SETUID,
    MODE_SOCKET,
    MODE_STICKY,
    MODE_SYMLINK,
)
from caldav_backup.kloset.summary import SECOND, Summary, SummaryBuilder, Totals

counts = st.integers(0, 2**40)
times = st.integers(-(2**40), 2**40)
entropies = st.floats(0, 8)
KINDS: dict[str, Any] = dict.fromkeys(Totals._fields, counts)
KINDS |= dict.fromkeys(("min_mod_time", "max_mod_time"), times)
KINDS |= dict.fromkeys(("min_entropy", "max_entropy", "sum_entropy", "avg_entropy"), entropies)
totals = st.builds(Totals, **KINDS)
below_totals = st.builds(Totals, **(KINDS | dict.fromkeys(("avg_size", "sum_entropy", "avg_entropy"), st.just(0))))
files = st.lists(st.tuples(st.integers(0, 5), st.integers(-2, 5)), max_size=12)


def test_empty_directory_has_only_its_errors() -> None:
    encoded = bytes.fromhex("81a562656c6f7781a66572726f7273cf0000000000000000")
    assert SummaryBuilder().finish().to_bytes() == encoded
    assert Summary.from_bytes(encoded) == Summary()


@given(totals, below_totals)
def test_summary_survives_the_round_trip(directory: Totals, below: Totals) -> None:
    summary = Summary(directory, below)
    assert Summary.from_bytes(summary.to_bytes()) == summary


@given(files, files)
def test_adding_files_together_is_adding_one_after_the_other(
    before: list[tuple[int, int]], files: list[tuple[int, int]]
) -> None:
    together, single = SummaryBuilder(), SummaryBuilder()
    for builder in (together, single):
        for size, seconds in before:
            builder.add_child(
                mode=0o644, size=size, mtime_ns=seconds * SECOND, content_type="image/png", entropy=7.5, chunks=2
            )
    together.add_files([size for size, _ in files], [at * SECOND + 1 for _, at in files], "text/calendar", len(files))
    for size, seconds in files:
        single.add_child(mode=0o644, size=size, mtime_ns=seconds * SECOND + 1, content_type="text/calendar", chunks=1)
    assert together.finish() == single.finish()


def test_every_kind_of_child_has_its_counter() -> None:
    builder = SummaryBuilder()
    kinds = [
        MODE_SYMLINK,
        MODE_DEVICE | MODE_CHARACTER_DEVICE,
        MODE_PIPE,
        MODE_SOCKET,
        MODE_SETUID | MODE_SETGID | MODE_STICKY,
    ]
    for mode in kinds:
        builder.add_child(mode=mode, size=9, mtime_ns=SECOND, content_type="application/x-not-regular-file")
    directory = builder.finish().directory
    assert (directory.symlinks, directory.devices, directory.pipes, directory.sockets, directory.files) == (
        1,
        1,
        1,
        1,
        1,
    )
    assert (directory.setuid, directory.setgid, directory.sticky, directory.children) == (1, 1, 1, 5)
    assert (directory.objects, directory.MIME_application) == (0, 5)
    # Only the regular file's size counts.
    assert directory.size == 9


def test_content_types_are_counted_by_prefix() -> None:
    builder = SummaryBuilder()
    for content_type in ["audio/x", "video/x", "image/x", "text/x", "application/x", "other/x", "text", ""]:
        builder.add_child(mode=0o644, size=1, mtime_ns=SECOND, content_type=content_type, chunks=1)
    directory = builder.finish().directory
    assert [getattr(directory, f"MIME_{kind}") for kind in "audio video image text application".split()] == [1] * 5
    assert directory.MIME_other == 2


def test_entropies_are_counted_high_and_low() -> None:
    builder = SummaryBuilder()
    for entropy in (0.5, 2.0, 5.0, 7.0, 8.0):
        builder.add_child(mode=0o644, size=1, mtime_ns=SECOND, content_type="text/x", entropy=entropy, chunks=1)
    directory = builder.finish().directory
    assert (directory.lo_entropy, directory.hi_entropy, directory.sum_entropy, directory.avg_entropy) == (
        2,
        2,
        22.5,
        4.5,
    )
    assert (directory.min_entropy, directory.max_entropy) == (0.5, 8.0)


def test_totals_of_child_directories_are_passed_upwards() -> None:
    child, parent, root = SummaryBuilder(), SummaryBuilder(), SummaryBuilder()
    child.add_files([10, 30], [SECOND, 5 * SECOND], "text/calendar", 2)
    child.add_errors(1)
    parent.add_child(mode=0o644, size=7, mtime_ns=9 * SECOND, content_type="text/plain", chunks=1)
    parent.add_directory(child.finish())
    root.add_directory(parent.finish())
    summary = root.finish()
    assert (summary.directory.directories, summary.directory.children, summary.directory.size) == (1, 1, 0)
    below = summary.below
    assert (below.files, below.directories, below.children, below.size, below.errors) == (3, 1, 4, 47, 1)
    assert (below.min_size, below.max_size, below.min_mod_time, below.max_mod_time) == (7, 30, 1, 9)
    assert (below.avg_size, below.sum_entropy) == (0, 0.0)


def test_zero_of_an_empty_directory_becomes_the_minimum_until_the_next_value() -> None:
    full, empty, root = SummaryBuilder(), SummaryBuilder(), SummaryBuilder()
    full.add_files([10], [SECOND], "text/calendar", 1)
    root.add_directory(full.finish())
    assert root.finish().below.min_size == 10
    root.add_directory(empty.finish())
    assert root.finish().below.min_size == 0
    root.add_directory(full.finish())
    assert root.finish().below.min_size == 10


def test_directory_bit_counts_as_a_directory() -> None:
    builder = SummaryBuilder()
    builder.add_child(mode=MODE_DIRECTORY | 0o755, size=0, mtime_ns=0, content_type="")
    assert builder.finish().directory.directories == 1
