"""Archives are read by other programs, are the same every time, and lead nobody out of the directory they unpack in."""

from __future__ import annotations

import asyncio
import errno
import io
import os
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from caldav_backup.connectors.archives import Archive, TarArchive, Write, ZipArchive
from caldav_backup.connectors.destination import DestinationNotWritable, Ending, Written
from caldav_backup.connectors.destination_archive import ArchiveDestination
from caldav_backup.connectors.outputs import FileOutput, StreamOutput
from tests.connectors.hostile_names import HOSTILE, NAMES
from tests.events import events

KINDS: dict[str, Callable[[Write, int], Archive]] = {"tar": TarArchive, "zip": ZipArchive}
each_kind = pytest.mark.parametrize("kind", KINDS)

SECONDS = 1_777_777_778
WORK = {"displayname": "Büro".encode(), "color": b"#FF2968FF", "href": b"/alice/work/"}
LONG = "Gespräch über " + "x" * 150 + ".ics"

Calendars = list[tuple[str, dict[str, bytes], dict[str, bytes]]]
TREE: Calendars = [
    ("work", WORK, {one.name: one.content for one in events(3)} | {LONG: b"BEGIN:VCALENDAR"}),
    ("Café", {}, {one.name: one.content for one in events(2, first=5)}),
    ("empty", {}, {}),
]
EXPECTED = {
    "work/displayname": "Büro".encode(),
    "work/color": b"#FF2968",
    **{f"{calendar}/{name}": content for calendar, _, contents in TREE for name, content in contents.items()},
}


async def hand_over(destination: ArchiveDestination, calendars: Calendars) -> None:
    await destination.begin([])
    for hint, attributes, contents in calendars:
        made = await destination.create(hint, attributes)
        taken: set[str] = set()
        for name, content in contents.items():
            # As a plan does it: `/` and a control character would both become `_`.
            leaves = (destination.leaf(name, None, attempt) for attempt in count())
            leaf = next(leaf for leaf in leaves if leaf.casefold() not in taken)
            taken.add(leaf.casefold())
            written = await destination.write(made.collection, leaf, content, replaced=None, silent=True)
            assert isinstance(written, Written)


async def archived(destination: ArchiveDestination, calendars: Calendars, *, replace: bool = False) -> Ending:
    try:
        await hand_over(destination, calendars)
        return await destination.finish(replace=replace)
    finally:
        await destination.close()


def archive(path: Path, kind: str, calendars: Calendars = TREE, *, replace: bool = False) -> Ending:
    destination = ArchiveDestination(FileOutput(path), KINDS[kind], seconds=SECONDS)
    return asyncio.run(archived(destination, calendars, replace=replace))


def as_bytes(kind: str, calendars: Calendars) -> bytes:
    stream = io.BytesIO()
    destination = ArchiveDestination(StreamOutput(stream, "-"), KINDS[kind], seconds=SECONDS)
    asyncio.run(archived(destination, calendars))
    return stream.getvalue()


def names_in(kind: str, content: bytes) -> list[str]:
    if kind == "tar":
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            return tar.getnames()
    with zipfile.ZipFile(io.BytesIO(content)) as found:
        assert found.testzip() is None
        return [name.rstrip("/") for name in found.namelist()]


def files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@each_kind
def test_an_unpacked_archive_is_the_vdir(tmp_path: Path, kind: str) -> None:
    assert archive(tmp_path / f"all.{kind}", kind) is Ending.WRITTEN
    shutil.unpack_archive(tmp_path / f"all.{kind}", tmp_path / "out", filter="data" if kind == "tar" else None)
    assert files(tmp_path / "out") == EXPECTED
    assert (tmp_path / "out" / "empty").is_dir()
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"all.{kind}", "out"]


#: Programs that unpack standard input or a file into the directory they run in.
UNPACKERS = {
    "tar": (["tar", "-xf", "-"], "tar"),
    "bsdtar": (["bsdtar", "-xf", "-"], "tar"),
    "bsdtar-zip": (["bsdtar", "-xf", "-"], "zip"),
    "unzip": (["unzip", "-q", "../all"], "zip"),
}


@pytest.mark.parametrize("program", UNPACKERS)
def test_other_programs_unpack_it(tmp_path: Path, program: str) -> None:
    command, kind = UNPACKERS[program]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    (tmp_path / "out").mkdir()
    (tmp_path / "all").write_bytes(as_bytes(kind, TREE))
    # Without a locale of UTF-8, bsdtar and unzip give names in their own spelling.
    environ = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "UNZIP": ""}
    with (tmp_path / "all").open("rb") as packed:
        subprocess.run(command, cwd=tmp_path / "out", stdin=packed, env=environ, check=True, timeout=60)
    assert files(tmp_path / "out") == EXPECTED
    (modified,) = {int(path.stat().st_mtime) for path in (tmp_path / "out").rglob("*.ics")}
    assert kind == "zip" or modified == SECONDS


@each_kind
def test_the_same_calendars_are_the_same_bytes_in_a_file_and_in_a_pipe(tmp_path: Path, kind: str) -> None:
    archive(tmp_path / "one", kind)
    assert (tmp_path / "one").read_bytes() == as_bytes(kind, TREE)
    before = (tmp_path / "one").stat().st_ino
    assert archive(tmp_path / "one", kind) is Ending.IDENTICAL
    assert (tmp_path / "one").stat().st_ino == before


@each_kind
def test_an_archive_that_was_not_finished_is_not_there(tmp_path: Path, kind: str) -> None:
    async def half() -> None:
        destination = ArchiveDestination(FileOutput(tmp_path / "all"), KINDS[kind], seconds=SECONDS)
        await hand_over(destination, TREE)
        await destination.close()

    asyncio.run(half())
    assert list(tmp_path.iterdir()) == []


@each_kind
def test_another_file_is_left_alone_or_kept_beside(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "all"
    path.write_bytes(b"mine")
    assert archive(path, kind) is Ending.KEPT
    assert path.read_bytes() == b"mine"
    assert archive(path, kind, replace=True) is Ending.REPLACED
    assert (tmp_path / "all~").read_bytes() == b"mine"
    assert names_in(kind, path.read_bytes())[0] == "work"


@each_kind
@settings(max_examples=40)
@example(calendars=[".."], names=["/", "\x1f"])
@given(calendars=st.lists(st.sampled_from(HOSTILE) | NAMES, max_size=5), names=st.lists(NAMES, max_size=5))
def test_no_name_leads_out_of_it_and_no_two_calendars_are_one(
    kind: str, calendars: list[str], names: list[str]
) -> None:
    records = dict.fromkeys(names, b"BEGIN:VCALENDAR")
    found = names_in(kind, as_bytes(kind, [(hint, {}, records) for hint in calendars]))
    directories = [name for name in found if "/" not in name]
    assert len({name.casefold() for name in directories}) == len(calendars)
    for name in found:
        assert not {"", ".", ".."} & set(name.split("/"))
        assert name.count("/") <= 1
        assert not set(name) & set('\\:*?"<>|\0\n')


@pytest.mark.parametrize(
    ("seconds", "year"),
    [(0, 1980), (-5, 1980), (SECONDS, 2026), (2**40, 2107), (2**62, 2107)],
    ids=["0", "-5", "now", "late", "absurd"],
)
def test_times_that_an_archive_does_not_know_are_the_nearest_it_does(seconds: int, year: int) -> None:
    for kind, made in KINDS.items():
        stream = io.BytesIO()
        packed = made(stream.write, seconds)
        packed.add_file("a", b"content")
        packed.finish()
        packed.abandon()
        stream.seek(0)
        if kind == "zip":
            with zipfile.ZipFile(stream) as found:
                assert found.getinfo("a").date_time[0] == year
        else:
            with tarfile.open(fileobj=stream) as read:
                assert read.getmember("a").mtime == max(0, seconds)


class Full(io.BytesIO):
    def write(self, data: object) -> int:
        del data
        raise OSError(errno.ENOSPC, "No space left on device")


@each_kind
def test_a_full_disk_is_told_once(kind: str) -> None:
    destination = ArchiveDestination(StreamOutput(Full(), "all"), KINDS[kind], seconds=SECONDS)
    with pytest.raises(DestinationNotWritable, match="No space left"):
        asyncio.run(archived(destination, TREE))
