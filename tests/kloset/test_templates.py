"""What is joined from pieces is what the general encoders write."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from caldav_backup.kloset.entries import Entry
from caldav_backup.kloset.objects import CALENDAR, FileInfo, Object, ObjectChunk
from caldav_backup.kloset.paths import from_key
from caldav_backup.kloset.templates import EntryTemplate, PlainFile, object_template

macs = st.binary(min_size=32, max_size=32)
names = st.binary(min_size=1, max_size=300).filter(lambda name: not set(name) & {0, 0x2F} and name not in {b".", b".."})
directories = st.sampled_from(["/", "/work", "/a/b c", "/" + "long" * 80, "/caf\udce9"])
content_types = st.sampled_from([CALENDAR, "text/plain; charset=utf-8"])
sizes = st.integers(0, 2**63 - 1)
mtimes = st.integers(-(2**70), 2**70) | st.integers(0, 2**31).map(lambda seconds: seconds * 1_000_000_000)
plain_files = st.builds(PlainFile, names, sizes, mtimes)


@given(macs, st.integers(0, 2**32 - 1), content_types)
def test_an_object_is_what_the_encoder_writes(mac: bytes, length: int, content_type: str) -> None:
    encoded = object_template(content_type)(mac, length)
    assert encoded == Object(mac, (ObjectChunk(mac, length),), content_type).to_bytes()


@given(directories, content_types, plain_files, macs)
def test_an_entry_is_what_the_encoder_writes(directory: str, content_type: str, file: PlainFile, mac: bytes) -> None:
    template = EntryTemplate(directory, content_type)
    encoded = template.encode(*file, mac)
    info = FileInfo(from_key(file.name), file.size, mtime_ns=file.mtime_ns)
    assert encoded == Entry(directory, info, object=mac, content_type=content_type, chunks=1).to_bytes()
    assert template.match(encoded) == (file if len(file.name) < 256 else None)


@given(plain_files, macs)
def test_another_kind_of_entry_does_not_match(file: PlainFile, mac: bytes) -> None:
    template = EntryTemplate("/work", CALENDAR)
    info = FileInfo(from_key(file.name), file.size, mtime_ns=file.mtime_ns)
    plain = Entry("/work", info, object=mac, content_type=CALENDAR, chunks=1)
    others = [
        plain._replace(parent_path="/other"),
        plain._replace(chunks=2),
        plain._replace(content_type="text/plain"),
        plain._replace(extended_attributes=("user.note",)),
        plain._replace(info=info._replace(uid=1000)),
        plain._replace(info=info._replace(mode=0o600)),
    ]
    assert not any(template.match(other.to_bytes()) for other in others)


def test_bytes_that_are_no_entry_do_not_match() -> None:
    template = EntryTemplate("/", CALENDAR)
    record = template.encode(b"a.ics", 1, 0, bytes(32))
    assert template.match(record) == PlainFile(b"a.ics", 1, 0)
    assert template.match(record[:-1]) is None
    assert template.match(record.replace(b"\xa5a.ics", b"\xa4a.ics")) is None
    assert template.match(b"") is None


@given(directories, plain_files.filter(lambda file: len(file.name) < 256), macs, macs)
def test_an_entry_with_another_object_is_what_the_template_writes(
    directory: str, file: PlainFile, mac: bytes, other: bytes
) -> None:
    template = EntryTemplate(directory, CALENDAR)
    encoded = template.encode(*file, mac)
    assert template.object_of(encoded) == mac
    assert template.with_object(encoded, other) == template.encode(*file, other)
