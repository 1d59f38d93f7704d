"""A directory of .ics files is a source: its calendars, their metadata, its files by version."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pytest

from caldav_backup.connectors.base import Collection, CollectionUnreadable, Failed, Gone, Resource
from caldav_backup.connectors.directory import DirectorySource, DirectoryUnreadable
from tests.events import event

if TYPE_CHECKING:
    from pathlib import Path

    from caldav_backup.connectors.base import Catalogue, Record, Version

LATER = 2**62


def catalogue(root: Path) -> Catalogue:
    return asyncio.run(DirectorySource(root).catalogue())


def listing(root: Path, key: str = ".", now: int = LATER) -> list[Version]:
    found = asyncio.run(DirectorySource(root, clock=lambda: now).list_versions(Collection(key, key))).versions
    return sorted(found)


def fetched(root: Path, versions: list[Version], key: str = ".") -> list[Record]:
    return asyncio.run(DirectorySource(root, clock=lambda: LATER).fetch(Collection(key, key), versions))


def vdir(path: Path, count: int = 1, **metadata: str) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (path / event(number).name).write_bytes(event(number).content)
    for name, text in metadata.items():
        (path / name).write_text(text, encoding="utf-8")
    return path


def test_sub_directories_are_calendars_with_their_names_and_colours(tmp_path: Path) -> None:
    vdir(tmp_path / "work", displayname="Büro\n", color="#ff0000\n")
    vdir(tmp_path / "home", description="Family", order="2")
    vdir(tmp_path / "empty", count=0)
    found = {one.key: one for one in catalogue(tmp_path).collections}
    assert set(found) == {"work", "home", "empty"}
    assert found["work"].displayname == "Büro"
    assert found["work"].attributes == {"displayname": "Büro".encode(), "color": b"#ff0000"}
    assert found["home"].attributes == {"description": b"Family", "order": b"2"}


def test_a_directory_that_holds_events_is_one_calendar(tmp_path: Path) -> None:
    vdir(tmp_path / "cal", displayname="Mine")
    (one,) = catalogue(tmp_path / "cal").collections
    assert (one.key, one.hint, one.displayname) == (".", "cal", "Mine")
    (record,) = fetched(tmp_path / "cal", listing(tmp_path / "cal"))
    assert isinstance(record, Resource)
    assert record.content == event(0).content


def test_directories_without_calendars_are_left_out_with_the_reason(tmp_path: Path) -> None:
    vdir(tmp_path / "work")
    vdir(tmp_path / ".git")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "todo.txt").write_text("milk")
    found = catalogue(tmp_path)
    assert [one.key for one in found.collections] == ["work"]
    assert [(one.name, one.reason) for one in found.left_out] == [("notes", "holds no .ics files")]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_a_directory_that_may_be_a_calendar_and_cannot_be_read_is_no_choice_but_a_failure(tmp_path: Path) -> None:
    vdir(tmp_path / "work").chmod(0)
    found = catalogue(tmp_path)
    assert [one.key for one in found.collections] == ["work"] and found.left_out == []
    with pytest.raises(CollectionUnreadable):
        listing(tmp_path, "work")


def test_links_that_lead_in_a_circle_cost_only_themselves(tmp_path: Path) -> None:
    vdir(tmp_path / "work", count=2)
    (tmp_path / "work" / "circle.ics").symlink_to("circle.ics")
    (tmp_path / "circle").symlink_to("circle")
    assert [one.key for one in catalogue(tmp_path).collections] == ["work"]
    records = fetched(tmp_path / "work", listing(tmp_path / "work"))
    assert sorted(type(record).__name__ for record in records) == ["Failed", "Resource", "Resource"]


def test_a_missing_directory_is_an_error_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(DirectoryUnreadable, match="nowhere"):
        catalogue(tmp_path / "nowhere")


def test_a_calendar_that_vanished_is_unreadable_and_not_empty(tmp_path: Path) -> None:
    with pytest.raises(CollectionUnreadable):
        listing(tmp_path, "gone")


def test_hidden_temporary_and_other_files_are_no_records(tmp_path: Path) -> None:
    vdir(tmp_path, count=2, color="red")
    (tmp_path / ".hidden.ics").write_bytes(event(8).content)
    (tmp_path / "event.ics.tmp").write_bytes(event(9).content)
    (tmp_path / "directory.ics").mkdir()
    (tmp_path / "dangling.ics").symlink_to("nowhere")
    assert [version.leaf for version in listing(tmp_path)] == [event(0).name, event(1).name]


def test_an_unchanged_file_keeps_its_version_and_a_changed_one_does_not(tmp_path: Path) -> None:
    vdir(tmp_path, count=2)
    before = listing(tmp_path)
    (tmp_path / event(1).name).write_bytes(event(1).content + b"\r\n")
    after = listing(tmp_path)
    assert before[0] == after[0]
    assert before[1].digest() != after[1].digest()


def test_a_file_replaced_by_one_of_the_same_length_and_time_is_another_version(tmp_path: Path) -> None:
    path = tmp_path / "a.ics"
    path.write_bytes(b"old")
    (before,) = listing(tmp_path)
    other = tmp_path / "other"
    other.write_bytes(b"new")
    os.utime(other, ns=(before.mtime_ns, before.mtime_ns))
    other.replace(path)
    (after,) = listing(tmp_path)
    assert (before.mtime_ns, before.length) == (after.mtime_ns, after.length)
    assert before.digest() != after.digest()


@pytest.mark.parametrize(("mtime", "tick"), [(10**18 + 1, 50_000_000), (10**18, 2_000_000_000)])
def test_a_file_changed_within_the_clocks_tick_proves_nothing_yet(tmp_path: Path, mtime: int, tick: int) -> None:
    path = tmp_path / "a.ics"
    path.write_bytes(b"x")
    os.utime(path, ns=(mtime, mtime))
    assert not listing(tmp_path, now=mtime + tick)[0].is_comparable
    assert listing(tmp_path, now=mtime + tick + 1)[0].is_comparable


def test_one_bad_file_is_reported_and_the_others_are_read(tmp_path: Path) -> None:
    vdir(tmp_path, count=3)
    versions = listing(tmp_path)
    (tmp_path / versions[0].key).write_text("<html>Please log in</html>")
    (tmp_path / versions[1].key).unlink()
    page, gone, good = fetched(tmp_path, versions)
    assert isinstance(page, Failed)
    assert "BEGIN:VCALENDAR" in page.reason
    assert isinstance(gone, Gone)
    assert isinstance(good, Resource)


def test_the_version_that_is_recorded_came_with_the_bytes(tmp_path: Path) -> None:
    vdir(tmp_path)
    versions = listing(tmp_path)
    longer = event(0).content + b"\r\n"
    (tmp_path / versions[0].key).write_bytes(longer)
    (record,) = fetched(tmp_path, versions)
    assert isinstance(record, Resource)
    assert record.version.length == len(longer)
    assert record.version == listing(tmp_path)[0]


def test_names_that_are_no_text_are_read_all_the_same(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.ics")
    (tmp_path / name).write_bytes(event(0).content)
    (version,) = listing(tmp_path)
    assert version.leaf == name
    assert isinstance(fetched(tmp_path, [version])[0], Resource)


def test_a_fifo_in_the_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    vdir(tmp_path)
    versions = listing(tmp_path)
    (tmp_path / versions[0].key).unlink()
    os.mkfifo(tmp_path / versions[0].key)
    os.mkfifo(tmp_path / "displayname")
    assert isinstance(fetched(tmp_path, versions)[0], Failed)
    (tmp_path / "a.ics").write_bytes(event(0).content)
    (found,) = asyncio.run(DirectorySource(tmp_path).catalogue()).collections
    assert found.displayname == ""
