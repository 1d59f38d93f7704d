"""Stores that somebody made to do harm, met by every command that reads: an exit code of the table, one clear line or
an answer, no escape sequence on the terminal, nothing outside the target, little memory."""

from __future__ import annotations

import math
import re
import resource
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from caldav_backup.cli.exits import Exit
from caldav_backup.kloset import Importer
from caldav_backup.kloset.btree import INDEX_TREE, Node, Root
from caldav_backup.kloset.entries import Entry
from caldav_backup.kloset.header import Header
from caldav_backup.kloset.objects import MODE_SYMLINK, FileInfo, Object, ObjectChunk
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.storage import FilesystemStorage
from caldav_backup.kloset.summary import Summary, Totals
from tests.cli.conftest import Ended, Program
from tests.events import event
from tests.kloset.planted import IDENTIFIER, Plant

MIB = 1 << 20
ESCAPES = "\x1b]0;owned\x07\x1b[2J\r\n\u202e"
COMMANDS = [
    ["ls"],
    ["ls", "calendars"],
    ["ls", "events"],
    ["ls", "errors"],
    ["ls", "latest", "--recursive"],
    ["info"],
    ["info", "latest"],
    ["stats"],
    ["check"],
    ["check", "--read-data"],
    ["restore", "--to", "{out}/vdir"],
    ["restore", "--to", "{out}/all.ics"],
    ["export", "-o", "{out}/files.ics"],
    ["export", "--format", "tar", "-o", "{out}/files.tar"],
    ["export", "--format", "zip", "-o", "{out}/files.zip"],
    ["undelete", "--list", "--to", "{out}/vdir"],
    ["verify", "latest", "{vdir}"],
    ["prune", "--keep-last", "1"],
    ["repair"],
    ["maintenance"],
    ["maintenance", "--repack"],
    ["unlock"],
    ["sync", "to", "{home}/other"],
    ["pin", "latest", "--apply"],
    ["dup", "latest"],
    ["cat", "latest:/cal/event.ics"],
    ["backup", "{vdir}"],
]
FORBIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x80-\x9f\u202e]")
ALLOWED = set(Exit) - {Exit.FAILED, Exit.USAGE}

Change = Callable[[Plant], None]


def calendar(plant: Plant) -> None:
    plant.directory("/cal", extended_attributes=("user.caldav.displayname",))
    plant.attribute("/cal", "user.caldav.displayname", b"Cal")
    plant.file("/cal/event.ics", event(1).content)


def absurd_times(plant: Plant) -> None:
    entry = plant.entries["/cal/event.ics"]
    for number, seconds in enumerate((-(1 << 62), (1 << 62), -62_135_596_800, 253_402_300_800)):
        plant.add(entry._replace(info=entry.info._replace(name=f"t{number}.ics", mtime_ns=seconds * 10**9)))


HARMFUL = [
    f"a{ESCAPES}.ics",
    "-rf.ics",
    "x" * 5000 + ".ics",
    "C:\\x.ics",
    "NUL.ics",
    "a .ics",
    "A .ics",
    "\udcff.ics",
    "~.ics",
]


def names_that_do_harm(plant: Plant) -> None:
    entry = plant.entries["/cal/event.ics"]
    for name in HARMFUL:
        plant.add(entry._replace(info=entry.info._replace(name=name)))
    for name in (f"c{ESCAPES}", "y" * 3000, "..\\..", "con", "%2e%2e"):
        plant.directory(f"/{name}")
        plant.file(f"/{name}/event.ics", event(2).content)
    link = FileInfo("link", mode=MODE_SYMLINK | 0o777)
    plant.add(Entry("/", link, symlink_target="/etc"))
    plant.add(Entry("/cal", link._replace(name="link.ics"), symlink_target="../../../../etc/passwd"))


def attributes_that_do_harm(plant: Plant) -> None:
    plant.directory("/evil", extended_attributes=tuple(f"user.caldav.{name}" for name in ATTRIBUTES))
    for name, value in ATTRIBUTES.items():
        plant.attribute("/evil", f"user.caldav.{name}", value)
    plant.file("/evil/event.ics", event(3).content)
    plant.fail(f"/evil/{ESCAPES}.ics", f"500 {ESCAPES}" + "x" * MIB)


ATTRIBUTES = {
    "displayname": f"../../{ESCAPES}".encode() + b"\xff" * 10_000,
    "color": ESCAPES.encode(),
    "href": b"/../../\x1b[2J\xff",
    "resources": b"\xff" * 3000,
    "sync-token": b"\0" * 3000,
    "timezone": b"BEGIN:VCALENDAR\r\n" * 3000,
    "components": b"\xff,VEVENT",
}


def more_than_a_record_may_have(plant: Plant) -> None:
    mac = plant.put(ResourceType.CHUNK, bytes(MIB))
    found = plant.put(ResourceType.OBJECT, Object(b"x" * 32, (ObjectChunk(mac, MIB),) * 70).to_bytes())
    # Its content ends with an error, for its MAC is wrong, but only behind all of its bytes.
    entry = plant.entries["/cal/event.ics"]
    plant.add(entry._replace(object=found, info=entry.info._replace(name="large.ics", size=70 * MIB), chunks=70))


def nothing(plant: Plant) -> None:
    """The snapshot stays as it is; its header may not."""


def times_and_texts(header: Header, plant: Plant) -> Header:
    source = header.source
    totals = Totals(**dict.fromkeys(Totals._fields, (1 << 64) - 1))
    strange = totals._replace(min_entropy=math.nan, max_entropy=math.inf, sum_entropy=-math.inf)
    strange = strange._replace(min_mod_time=-(1 << 63), max_mod_time=(1 << 63) - 1)
    return replace(
        header,
        timestamp_ns=(1 << 62) * 10**9,
        duration_ns=-(1 << 63),
        job=f"job{ESCAPES}",
        name=f"name{ESCAPES}",
        perimeter=ESCAPES * 1000,
        tags=(f"tag{ESCAPES}", "partial", "x" * 5000),
        context=(("Hostname", ESCAPES), ("CommandLine", ESCAPES)),
        source=source._replace(
            importer=Importer("caldav-backup", f"o{ESCAPES}@example.org", f"/{ESCAPES}"),
            summary=Summary(strange, strange),
        ),
    )


def a_tree_of_shared_nodes(header: Header, plant: Plant) -> Header:
    mac = plant.put(ResourceType.VFS_NODE, Node([b"/", b"/cal"], (), [plant.tree["/"], plant.tree["/cal"]]).to_bytes())
    for _ in range(30):
        mac = plant.put(ResourceType.VFS_NODE, Node([b"/cal"], [mac, mac]).to_bytes())
    root = plant.put(ResourceType.VFS_BTREE, Root(mac, 50).to_bytes())
    return replace(header, source=header.source._replace(root=root))


def a_listing_that_repeats_itself(header: Header, plant: Plant) -> Header:
    frame = next(iter(plant.frames["/cal"].values())).to_bytes()
    mac = plant.put(ResourceType.CHUNK, frame)
    listing = plant.put(ResourceType.OBJECT, Object(b"x" * 32, (ObjectChunk(mac, len(frame)),) * 5000).to_bytes())
    root = plant.content(next(iter(plant.frames["/"].values())).to_bytes())
    index = plant.put_tree(INDEX_TREE, {b"/": root, b"/cal": listing})
    indexes = tuple(each._replace(root=index) if each.name == "dirpack" else each for each in header.indexes)
    return replace(header, source=header.source._replace(indexes=indexes))


def as_it_is(header: Header, plant: Plant) -> Header:
    return header


CASES: dict[str, tuple[Change, Callable[[Header, Plant], Header]]] = {
    "absurd times": (absurd_times, as_it_is),
    "names that do harm": (names_that_do_harm, as_it_is),
    "attributes that do harm": (attributes_that_do_harm, as_it_is),
    "an event of 70 MiB": (more_than_a_record_may_have, as_it_is),
    "a header that does harm": (nothing, times_and_texts),
    "a listing that repeats itself": (nothing, a_listing_that_repeats_itself),
    "a tree of shared nodes": (nothing, a_tree_of_shared_nodes),
}


def plant_store(directory: Path, change: Change, head: Callable[[Header, Plant], Header]) -> None:
    plant = Plant()
    calendar(plant)
    change(plant)
    plant.grow()
    header = plant.repository.header(IDENTIFIER)
    plant.storage.files.clear()
    # The header's blob once more, in a store of its own.
    sown = FilesystemStorage(directory)
    assert plant.storage.configuration is not None
    sown.create(plant.storage.configuration)
    plant.repository = type(plant.repository).open(plant.storage)
    plant.store(head(header, plant))
    for (kind, identifier), content in plant.storage.files.items():
        sown.write(kind, identifier, content)


def faults(ended: Ended, words: list[str]) -> Iterator[str]:
    if ended.code not in ALLOWED:
        yield f"ended with {ended.code!r}: {ended.err[:300]}"
    if "Traceback" in ended.err:
        yield f"told a traceback: {ended.err[-300:]}"
    on_terminal = ended.err if words[0] == "cat" or "--json" in words else ended.out + ended.err
    if found := FORBIDDEN.search(on_terminal):
        yield f"printed {found[0]!r} in {on_terminal[max(0, found.start() - 80) : found.start() + 40]!r}"
    if len(ended.err) > MIB // 4:
        yield f"said {len(ended.err)} bytes"


@pytest.mark.full
@pytest.mark.parametrize("name", CASES)
def test_every_command_stays_small_and_clean(cli: Program, name: str) -> None:
    plant_store(cli.home / "store", *CASES[name])
    # What reads all of it takes long enough once.
    ways: list[list[str]] = [[]] if name == "an event of 70 MiB" else [[], ["--json"]]
    vdir = cli.home / "vdir"
    (vdir / "cal").mkdir(parents=True)
    (vdir / "cal" / "event.ics").write_bytes(event(1).content)
    other = {"CALDAV_BACKUP_STORE": str(cli.home / "other")}
    assert cli("init", "--plaintext", **other).code == 0
    wrong: list[str] = []
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for command in COMMANDS:
        out = cli.home / "out"
        out.mkdir(exist_ok=True)
        words = [word.format(out=out, vdir=vdir, home=cli.home) for word in command]
        for more in ways:
            ended = cli(*words, *more)
            wrong += [f"{' '.join(command + more)}: {fault}" for fault in faults(ended, [*words, *more])]
    assert wrong == []
    # Kilobytes.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 << 10
    assert {path.name for path in cli.home.iterdir()} <= {"other", "store", "vdir", "out", "config", "state", "cache"}
    assert not any(path.is_symlink() for path in (cli.home / "out").rglob("*"))
