"""One merged calendar appears whole or not at all, the same every time."""

from __future__ import annotations

import asyncio
import errno
import io
import os
from pathlib import Path

import icalendar
import pytest

from caldav_backup.connectors.base import Collection
from caldav_backup.connectors.destination import DestinationNotWritable, Ending, Outcome, Refused, Written
from caldav_backup.connectors.destination_file import (
    IS_IN_IT,
    UID_TWICE,
    FileDestination,
    MergedDestination,
    StreamDestination,
)
from caldav_backup.connectors.outputs import FileOutput
from tests.events import event, events
from tests.ics.corpus import vevent

CALENDAR = Collection("work", "work")


async def hand_over(destination: MergedDestination, contents: list[bytes], *, replace: bool = False) -> Ending:
    await destination.begin(["Work"])
    for number, content in enumerate(contents):
        await destination.write(CALENDAR, f"{number}.ics", content, replaced=None, silent=True)
    ending = await destination.finish(replace=replace)
    await destination.close()
    return ending


def restore(path: Path, contents: list[bytes], *, replace: bool = False) -> Ending:
    return asyncio.run(hand_over(FileDestination(path), contents, replace=replace))


def test_a_stream_gets_one_calendar_with_everything() -> None:
    stream = io.BytesIO()
    asyncio.run(hand_over(StreamDestination(stream), [one.content for one in events(5)]))
    calendar = icalendar.Calendar.from_ical(stream.getvalue())
    assert len(calendar.walk("VEVENT")) == 5
    assert stream.getvalue().startswith(b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n")
    assert b"NAME:Work\r\n" in stream.getvalue()


def test_a_file_appears_at_the_end_only(tmp_path: Path) -> None:
    path = tmp_path / "all.ics"

    async def half() -> None:
        destination = FileDestination(path)
        await destination.begin(["Work"])
        await destination.write(CALENDAR, "a.ics", event(1).content, replaced=None, silent=True)
        assert not path.exists()
        await destination.close()

    asyncio.run(half())
    assert list(tmp_path.iterdir()) == []


def test_the_same_restore_twice_leaves_the_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "all.ics"
    contents = [one.content for one in events(3)]
    assert restore(path, contents) is Ending.WRITTEN
    before = path.stat().st_ino
    assert restore(path, contents) is Ending.IDENTICAL
    assert path.stat().st_ino == before
    assert list(tmp_path.iterdir()) == [path]


def test_another_file_is_replaced_only_when_told_to(tmp_path: Path) -> None:
    path = tmp_path / "all.ics"
    path.write_bytes(b"mine")
    assert restore(path, [event(1).content]) is Ending.KEPT
    assert path.read_bytes() == b"mine"
    path.chmod(0o600)
    assert restore(path, [event(1).content], replace=True) is Ending.REPLACED
    assert path.read_bytes() != b"mine"
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_file_that_was_replaced_is_kept_beside(tmp_path: Path) -> None:
    path, kept = tmp_path / "all.ics", tmp_path / "all.ics~"
    path.write_bytes(b"mine")
    restore(path, [event(1).content], replace=True)
    first = path.read_bytes()
    assert kept.read_bytes() == b"mine"
    # What an interrupted run leaves behind: both names for one file.
    kept.unlink()
    kept.hardlink_to(path)
    restore(path, [event(2).content], replace=True)
    assert kept.read_bytes() == first != path.read_bytes()
    assert sorted(tmp_path.iterdir()) == [path, kept]


def test_nothing_is_replaced_that_cannot_be_kept(tmp_path: Path) -> None:
    path = tmp_path / "all.ics"
    path.write_bytes(b"mine")
    (tmp_path / "all.ics~").mkdir()
    with pytest.raises(DestinationNotWritable, match=r"all\.ics"):
        restore(path, [event(1).content], replace=True)
    assert path.read_bytes() == b"mine"


def test_a_link_to_a_file_is_replaced_and_the_file_is_not(tmp_path: Path) -> None:
    path = tmp_path / "all.ics"
    (tmp_path / "outside.ics").write_bytes(b"mine")
    path.symlink_to("outside.ics")
    assert restore(path, [event(1).content], replace=True) is Ending.REPLACED
    assert (tmp_path / "outside.ics").read_bytes() == b"mine"
    assert not path.is_symlink()


def test_no_device_or_fifo_is_replaced_by_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.ics")
    (tmp_path / "dangling.ics").symlink_to("nowhere")
    for path in (tmp_path / "fifo.ics", tmp_path / "dangling.ics", Path("/dev/null")):
        with pytest.raises(DestinationNotWritable, match="no regular file"):
            restore(path, [event(1).content], replace=True)
    assert (tmp_path / "fifo.ics").is_fifo()
    assert not (tmp_path / "nowhere").exists()


def test_a_uid_of_several_calendars_is_there_once_where_the_same_is_meant_and_told_where_not() -> None:
    stream = io.BytesIO()
    changed = event(1).content.replace(b"SUMMARY:", b"SUMMARY:other ")

    async def run() -> list[Outcome]:
        destination = StreamDestination(stream)
        await destination.begin(["Work", "Home"])
        return [
            await destination.write(CALENDAR, "a.ics", content, replaced=None, silent=True)
            for content in (event(1).content, event(1).content, changed, vevent("x"))
        ]

    notes = [outcome.note for outcome in asyncio.run(run()) if isinstance(outcome, Written)]
    assert notes == ["", IS_IN_IT, UID_TWICE, ""]
    assert stream.getvalue().count(b"BEGIN:VEVENT") == 3


def test_a_plan_that_is_only_looked_at_writes_nothing(tmp_path: Path) -> None:
    async def look() -> None:
        destination = FileDestination(tmp_path / "all.ics")
        assert not (await destination.catalogue()).collections
        await destination.close()

    asyncio.run(look())
    assert list(tmp_path.iterdir()) == []


def test_an_object_of_a_header_only_is_refused_and_not_passed_over() -> None:
    async def run() -> object:
        destination = StreamDestination(io.BytesIO())
        await destination.begin([])
        return await destination.write(CALENDAR, "a.ics", b"BEGIN:VCALENDAR\nEND:VCALENDAR", replaced=None, silent=True)

    assert isinstance(asyncio.run(run()), Refused)


def test_a_place_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(DestinationNotWritable, match="nowhere"):
        restore(tmp_path / "nowhere" / "all.ics", [])


class Full(io.BytesIO):
    def write(self, data: object) -> int:
        del data
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_stream_that_takes_no_more_says_so() -> None:
    with pytest.raises(DestinationNotWritable, match="No space left"):
        asyncio.run(hand_over(StreamDestination(Full()), []))


class FullAtTheEnd(io.BytesIO):
    """A file whose last buffer finds no room, neither when it is flushed nor when the file is closed."""

    def flush(self) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def close(self) -> None:
        super().close()
        self.flush()


def test_a_full_disk_is_told_once_and_nothing_stays_behind(tmp_path: Path) -> None:
    output = FileOutput(tmp_path / "all.ics")
    destination = MergedDestination(output)

    async def story() -> None:
        await destination.begin(["Work"])
        assert output._stream is not None
        output._stream.close()
        output._stream = FullAtTheEnd()
        with pytest.raises(DestinationNotWritable, match=r"all\.ics"):
            await destination.finish(replace=False)
        await destination.close()

    asyncio.run(story())
    assert list(tmp_path.iterdir()) == []
