"""Writing below a directory: whole files, names that cannot lead out of it, nothing overwritten unseen."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caldav_backup.connectors.base import Collection, Version
from caldav_backup.connectors.destination import Created, DestinationNotWritable, Outcome, Refused, Taken, Written
from caldav_backup.connectors.destination_directory import DirectoryDestination, safe_file_name
from caldav_backup.connectors.directory import DirectorySource
from tests.events import event

WORK = {
    "displayname": "Büro".encode(),
    "color": b"#ff0000",
    "order": b"3",
    "href": b"/alice/work/",
    "transp": b"opaque",
}


def create(root: Path, hint: str = "work", **attributes: bytes) -> Created:
    async def run() -> Created:
        destination = DirectoryDestination(root)
        await destination.begin([hint])
        return await destination.create(hint, attributes or WORK)

    return asyncio.run(run())


def write(root: Path, calendar: str, leaf: str, content: bytes, replaced: Version | None = None) -> Outcome:
    destination = DirectoryDestination(root)
    collection = Collection(calendar, calendar)
    return asyncio.run(destination.write(collection, leaf, content, replaced=replaced, silent=True))


def test_a_calendar_gets_the_metadata_that_vdir_readers_know(tmp_path: Path) -> None:
    made = create(tmp_path / "new" / "root")
    directory = tmp_path / "new" / "root" / "work"
    assert (made.collection.key, made.collection.displayname, made.not_kept) == ("work", "Büro", [])
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == {
        "displayname": "Büro".encode(),
        "color": b"#ff0000",
        "order": b"3",
    }


def test_what_is_written_is_read_as_a_source_again(tmp_path: Path) -> None:
    create(tmp_path)
    outcome = write(tmp_path, "work", "a.ics", event(1).content)
    assert isinstance(outcome, Written)
    source = DirectorySource(tmp_path, clock=lambda: 2**62)
    (found,) = asyncio.run(source.catalogue()).collections
    (version,) = asyncio.run(source.list_versions(found)).versions
    assert (found.displayname, version.leaf, version.length) == ("Büro", "a.ics", len(event(1).content))
    assert os.listdir(tmp_path / "work") and not list((tmp_path / "work").glob(".*"))


def test_a_file_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    create(tmp_path)
    (tmp_path / "work" / "a.ics").write_bytes(b"mine")
    assert isinstance(write(tmp_path, "work", "a.ics", b"theirs"), Taken)
    assert (tmp_path / "work" / "a.ics").read_bytes() == b"mine"


def test_a_file_is_replaced_only_in_the_state_that_was_seen(tmp_path: Path) -> None:
    create(tmp_path)
    seen = write(tmp_path, "work", "a.ics", b"first")
    assert isinstance(seen, Written)
    assert isinstance(write(tmp_path, "work", "a.ics", b"second", seen.version), Written)
    assert (tmp_path / "work" / "a.ics").read_bytes() == b"second"
    assert isinstance(write(tmp_path, "work", "a.ics", b"third", seen.version), Taken)
    (tmp_path / "work" / "a.ics").unlink()
    assert isinstance(write(tmp_path, "work", "a.ics", b"third", seen.version), Taken)


def test_symbolic_links_are_never_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"mine")
    root = tmp_path / "root"
    create(root)
    (root / "work" / "link.ics").symlink_to(outside / "secret")
    (root / "linked").symlink_to(outside)
    assert isinstance(write(root, "work", "link.ics", b"theirs"), Taken)
    seen = Version("link.ics", "link.ics", "", (outside / "secret").lstat().st_mtime_ns, 4)
    assert isinstance(write(root, "work", "link.ics", b"theirs", seen), Taken)
    assert isinstance(write(root, "linked", "a.ics", b"theirs"), Refused)
    assert DirectoryDestination(root).refusal(Collection("linked", "linked"))
    assert [path.name for path in outside.iterdir()] == ["secret"]
    assert (outside / "secret").read_bytes() == b"mine"


def test_two_calendars_whose_names_differ_in_case_only_get_two_directories(tmp_path: Path) -> None:
    names = [create(tmp_path, hint, displayname=b"x").collection.key for hint in ("Work", "work", "WORK")]
    assert names == ["Work", "work-2", "WORK-3"]


HOSTILE = [
    "..",
    ".",
    "/etc/passwd",
    "../../etc/passwd",
    "a/b",
    "a\\b",
    "C:\\x",
    "nul",
    "COM1.ics",
    "con",
    ".hidden",
    "a\nb",
    "\0",
    "",
    " ",
    "x.",
    "x" * 400,
    "\udcff",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_below_the_root(tmp_path: Path, name: str) -> None:
    root = tmp_path / "root"
    made = create(root, name, displayname=b"x").collection.key
    leaf = DirectoryDestination(root).leaf(name, None)
    assert isinstance(write(root, made, leaf, b"BEGIN:VCALENDAR"), Written)
    assert [path.name for path in tmp_path.iterdir()] == ["root"]
    assert [path.parent.parent for path in root.rglob("*.ics") if path.is_file()] == [root]


#: Names as they come from a store: any bytes at all, by way of `os.fsdecode`.
NAMES = st.text(st.characters(codec="utf-8"), max_size=40) | st.binary(max_size=40).map(os.fsdecode)


@given(st.sampled_from(HOSTILE) | NAMES | st.text(st.characters(codec="utf-8"), min_size=150, max_size=300))
def test_a_safe_name_is_one_plain_component_and_safe_again(name: str) -> None:
    safe = safe_file_name(name)
    assert safe == os.path.basename(safe)
    assert safe not in {"", ".", ".."}
    assert not safe.startswith(".")
    assert not safe.endswith((".", " "))
    assert len(safe.encode("utf-8")) < 250
    assert not set(safe) & set('\\/:*?"<>|\0\n')
    assert safe_file_name(safe) == safe


@given(st.lists(NAMES, unique=True, max_size=8))
def test_names_that_had_to_change_stay_different(names: list[str]) -> None:
    changed = [safe_file_name(name) for name in names if safe_file_name(name) != name]
    assert len(set(changed)) == len(changed)


def test_every_attempt_at_a_name_is_another_one() -> None:
    destination = DirectoryDestination(Path("/nowhere"))
    names = [destination.leaf("a.ics", "uid", attempt) for attempt in range(4)]
    assert names[0] == "a.ics"
    assert len(set(names)) == 4
    assert all(name.endswith(".ics") for name in names)


def test_a_directory_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DestinationNotWritable, match="file"):
        create(tmp_path / "file" / "below")


def test_a_directory_that_is_missing_has_no_calendars_yet(tmp_path: Path) -> None:
    assert not asyncio.run(DirectoryDestination(tmp_path / "new").catalogue()).collections
    assert not (tmp_path / "new").exists()


def test_events_beside_the_calendars_are_no_calendar_to_add_to(tmp_path: Path) -> None:
    create(tmp_path)
    (tmp_path / "a.ics").write_bytes(event(1).content)
    found = asyncio.run(DirectoryDestination(tmp_path).catalogue())
    assert [one.key for one in found.collections] == ["work"]


def test_a_name_that_the_file_system_finds_too_long_is_a_refusal_of_that_record(tmp_path: Path) -> None:
    create(tmp_path)
    outcome = write(tmp_path, "work", "x" * 300 + ".ics", b"BEGIN:VCALENDAR")
    assert isinstance(outcome, Refused)
    assert list((tmp_path / "work").glob(".*")) == []


def test_a_calendar_that_vanished_ends_the_restore(tmp_path: Path) -> None:
    with pytest.raises(DestinationNotWritable, match="gone"):
        write(tmp_path, "gone", "a.ics", b"BEGIN:VCALENDAR")


def test_finishing_makes_everything_lasting_and_passes_over_what_is_not_ours(tmp_path: Path) -> None:
    create(tmp_path)
    (tmp_path / "work" / "theirs.ics").symlink_to("nowhere")

    async def run() -> None:
        destination = DirectoryDestination(tmp_path)
        for number in range(2):
            written = await destination.write(
                Collection("work", "work"), f"{number}.ics", event(number).content, replaced=None, silent=True
            )
            assert isinstance(written, Written)
        await destination.finish(replace=False)

    asyncio.run(run())
    assert len(list((tmp_path / "work").glob("[0-9].ics"))) == 2
