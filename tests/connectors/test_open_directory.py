"""What happens in an open directory happens nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from caldav_backup.connectors.open_directory import open_directory


def test_an_open_directory_stays_the_same_whatever_its_path_leads_to(tmp_path: Path) -> None:
    root, moved, outside = tmp_path / "root", tmp_path / "moved", tmp_path / "outside"
    (root / "work").mkdir(parents=True)
    outside.mkdir()
    with open_directory(root) as opened, opened.below("work") as work:
        (root / "work").rename(moved)
        (root / "work").symlink_to(outside)
        work.add("a.ics", b"one")
        work.replace("a.ics", b"two")
        work.add("b.ics", b"three")
        work.remove("b.ics")
        work.flush(["a.ics"])
        assert work.names() == ["a.ics"]
    assert (moved / "a.ics").read_bytes() == b"two"
    assert list(outside.iterdir()) == []


def test_no_link_is_opened_as_a_directory(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "link").symlink_to("outside")
    with open_directory(tmp_path) as opened, pytest.raises(NotADirectoryError), opened.below("link"):
        raise AssertionError("it was opened")


def test_a_link_is_no_free_place_and_its_target_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("nowhere")
    with open_directory(tmp_path) as opened:
        with pytest.raises(FileExistsError):
            opened.add("link", b"theirs")
        with pytest.raises(FileExistsError):
            opened.make_directory("link")
    assert os.listdir(tmp_path) == ["link"]


def test_what_took_a_written_files_place_is_not_waited_for_nor_followed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.ics")
    (tmp_path / "link.ics").symlink_to("fifo.ics")
    with open_directory(tmp_path) as opened:
        opened.flush(["fifo.ics", "link.ics", "vanished.ics"])


def test_nothing_stays_behind_of_what_could_not_be_written(tmp_path: Path) -> None:
    with open_directory(tmp_path) as opened:
        for name in ("x" * 256, "a/b", "", "\0"):
            with pytest.raises(OSError):
                opened.add(name, b"x")
        assert opened.names() == []


def test_many_files_are_flushed_at_once_whatever_became_of_one(tmp_path: Path) -> None:
    names = [f"{number}.ics" for number in range(40)]
    with open_directory(tmp_path) as opened:
        for name in names:
            opened.add(name, b"x")
        opened.remove("7.ics")
        opened.flush(names)
        assert sorted(opened.names()) == sorted(set(names) - {"7.ics"})
