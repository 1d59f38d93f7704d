"""Writing below a directory: whole files, names that cannot lead out of it, nothing overwritten unseen."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from caldav_backup.connectors.base import Collection, Version
from caldav_backup.connectors.destination import (
    Created,
    Deleted,
    Deletion,
    DestinationNotWritable,
    Outcome,
    Refused,
    Taken,
    Written,
)
from caldav_backup.connectors.destination_directory import DirectoryDestination
from caldav_backup.connectors.directory import DirectorySource
from tests.connectors.hostile_names import HOSTILE
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


def delete(root: Path, calendar: str, version: Version) -> Deletion:
    return asyncio.run(DirectoryDestination(root).delete(Collection(calendar, calendar), version, silent=True))


def versions(root: Path, calendar: str) -> list[Version]:
    return asyncio.run(DirectoryDestination(root).list_versions(Collection(calendar, calendar)))


def files_below(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


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


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_below_the_root(tmp_path: Path, name: str) -> None:
    root = tmp_path / "root"
    made = create(root, name, displayname=b"x").collection.key
    leaf = DirectoryDestination(root).leaf(name, None)
    assert isinstance(write(root, made, leaf, b"BEGIN:VCALENDAR"), Written)
    assert [path.name for path in tmp_path.iterdir()] == ["root"]
    assert [path.parent.parent for path in root.rglob("*.ics") if path.is_file()] == [root]


@pytest.mark.parametrize("name", ["..", ".", "", "/etc/passwd.ics", "../outside.ics", "below/a.ics", "a\0.ics"])
def test_a_name_that_was_not_made_safe_is_refused_for_writing_and_for_removing(tmp_path: Path, name: str) -> None:
    root = tmp_path / "root"
    create(root)
    (root / "work" / "below").mkdir()
    (tmp_path / "outside.ics").write_bytes(b"mine")
    assert isinstance(write(root, "work", name, b"theirs"), Refused)
    assert isinstance(write(root, "work", name, b"theirs", Version(name, name, "", 0, 4)), Refused)
    assert isinstance(delete(root, "work", Version(name, name, "", 0, 4)), Refused)
    assert files_below(tmp_path) == {"outside.ics": b"mine"} | {
        f"root/work/{key}": WORK[key] for key in ("displayname", "color", "order")
    }


def test_a_calendar_that_was_not_made_safe_is_refused(tmp_path: Path) -> None:
    create(tmp_path / "root")
    (tmp_path / "outside").mkdir()
    for calendar in ("..", "../outside", str(tmp_path / "outside")):
        assert isinstance(write(tmp_path / "root", calendar, "a.ics", b"theirs"), Refused)
    assert list((tmp_path / "outside").iterdir()) == []


def test_calendars_that_some_file_system_takes_for_one_get_two_directories(tmp_path: Path) -> None:
    names = [
        create(tmp_path, hint, displayname=b"x").collection.key for hint in ("caf\u00e9", "cafe\u0301", "CAF\u00c9")
    ]
    assert names == ["caf\u00e9", "cafe\u0301-2", "CAF\u00c9-3"]
    # What stands there and is no directory takes its name, too.
    (tmp_path / "file").write_bytes(b"mine")
    (tmp_path / "link").symlink_to("nowhere")
    assert [create(tmp_path, hint).collection.key for hint in ("FILE", "Link")] == ["FILE-2", "Link-2"]


def test_a_symbolic_link_that_takes_the_calendars_place_after_the_plan_is_not_followed(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    create(root)
    written = write(root, "work", "a.ics", b"first")
    assert isinstance(written, Written)
    (root / "work").rename(outside)
    (root / "work").symlink_to(outside)
    before = files_below(outside)
    assert isinstance(write(root, "work", "b.ics", b"second"), Refused)
    assert isinstance(write(root, "work", "a.ics", b"second", written.version), Refused)
    assert isinstance(delete(root, "work", written.version), Refused)
    assert files_below(outside) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_calendar_that_is_closed_to_us_is_told_in_one_line(tmp_path: Path) -> None:
    create(tmp_path)
    (tmp_path / "work").chmod(0o555)
    assert "Permission denied" in DirectoryDestination(tmp_path).refusal(Collection("work", "work"))
    (tmp_path / "work").chmod(0o755)
    assert DirectoryDestination(tmp_path).refusal(Collection("work", "work")) == ""


def test_a_hard_link_is_replaced_and_its_other_name_keeps_what_it_had(tmp_path: Path) -> None:
    create(tmp_path / "root")
    seen = write(tmp_path / "root", "work", "a.ics", b"mine")
    assert isinstance(seen, Written)
    (tmp_path / "outside").hardlink_to(tmp_path / "root" / "work" / "a.ics")
    assert isinstance(write(tmp_path / "root", "work", "a.ics", b"theirs", seen.version), Written)
    assert (tmp_path / "outside").read_bytes() == b"mine"


def test_a_replaced_file_keeps_its_permissions(tmp_path: Path) -> None:
    create(tmp_path)
    seen = write(tmp_path, "work", "a.ics", b"mine")
    assert isinstance(seen, Written)
    (tmp_path / "work" / "a.ics").chmod(0o600)
    assert isinstance(write(tmp_path, "work", "a.ics", b"new", seen.version), Written)
    assert (tmp_path / "work" / "a.ics").stat().st_mode & 0o777 == 0o600


def test_what_is_no_regular_file_is_neither_opened_nor_replaced_nor_removed(tmp_path: Path) -> None:
    create(tmp_path)
    os.mkfifo(tmp_path / "work" / "fifo.ics")
    (tmp_path / "work" / "directory.ics").mkdir()
    for name in ("fifo.ics", "directory.ics"):
        there = (tmp_path / "work" / name).lstat()
        seen = Version(name, name, "", there.st_mtime_ns, there.st_size)
        assert isinstance(write(tmp_path, "work", name, b"x"), Taken)
        assert isinstance(write(tmp_path, "work", name, b"x", seen), Taken)
        assert isinstance(delete(tmp_path, "work", seen), Taken)
    assert {path.name for path in (tmp_path / "work").iterdir()} >= {"fifo.ics", "directory.ics"}


def test_a_file_is_removed_only_in_the_state_that_was_listed(tmp_path: Path) -> None:
    create(tmp_path)
    path = tmp_path / "work" / "a.ics"
    seen = write(tmp_path, "work", "a.ics", b"first")
    assert isinstance(seen, Written)
    path.write_bytes(b"mine, and longer")
    assert delete(tmp_path, "work", seen.version) == Taken(f"{path} has changed meanwhile")
    path.write_bytes(b"other")
    os.utime(path, ns=(seen.version.mtime_ns, seen.version.mtime_ns + 1))
    assert isinstance(delete(tmp_path, "work", seen.version), Taken)
    os.utime(path, ns=(seen.version.mtime_ns, seen.version.mtime_ns))
    assert delete(tmp_path, "work", seen.version) == Deleted()
    assert not path.exists()
    assert delete(tmp_path, "work", seen.version) == Taken(f"{path} has vanished")


def test_another_file_of_the_same_time_and_length_is_not_removed(tmp_path: Path) -> None:
    create(tmp_path)
    path = tmp_path / "work" / "a.ics"
    for name, content in (("a.ics", b"first"), ("b.ics", b"other")):
        (tmp_path / "work" / name).write_bytes(content)
        os.utime(tmp_path / "work" / name, ns=(10**18, 10**18))
    (listed,) = [one for one in versions(tmp_path, "work") if one.leaf == "a.ics"]
    (tmp_path / "work" / "b.ics").replace(path)
    assert isinstance(delete(tmp_path, "work", listed), Taken)
    assert path.read_bytes() == b"other"


def test_what_a_link_leads_to_is_not_removed_and_neither_is_the_link(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    create(root)
    outside.mkdir()
    (outside / "mine.ics").write_bytes(b"mine")
    (root / "work" / "link.ics").symlink_to(outside / "mine.ics")
    (root / "linked").symlink_to(outside)
    (listed,) = versions(root, "work")
    assert isinstance(delete(root, "work", listed), Taken)
    (through,) = versions(root, "linked")
    assert isinstance(delete(root, "linked", through), Refused)
    assert (root / "work" / "link.ics").is_symlink()
    assert (outside / "mine.ics").read_bytes() == b"mine"


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
