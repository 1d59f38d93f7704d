"""Many objects become one calendar that others read, with nothing lost and each time zone once."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caldav_backup import ics
from tests.events import mixed
from tests.ics.corpus import calendar, custom_zone, icalendar_files, parsed, vevent


def components(content: bytes, kind: str) -> list[Any]:
    calendars = parsed(content)
    assert calendars is not None
    (merged,) = calendars
    return list(merged.walk(kind))


def test_every_component_of_every_object_is_there_once() -> None:
    bodies = [item.content for item in mixed(30)]
    merged = ics.merge(bodies, "All of it, and more")
    assert merged.count(b"BEGIN:VCALENDAR") == merged.count(b"PRODID") == 1
    assert [len(components(merged, kind)) for kind in ("VEVENT", "VTODO", "VJOURNAL")] == [24, 3, 3]
    assert b"\r\nNAME:All of it\\, and more\r\n" in merged


def test_a_known_zone_comes_once_and_before_its_first_event() -> None:
    zone = custom_zone("Europe/Berlin", "+0100")
    event = ["BEGIN:VEVENT", "UID:a", "DTSTART;TZID=Europe/Berlin:20260501T100000", "END:VEVENT"]
    merged = ics.merge([calendar(*event, *zone), calendar(*custom_zone("Europe/Berlin", "+0200"), *event)])
    assert merged.count(b"BEGIN:VTIMEZONE") == 1
    assert merged.index(b"VTIMEZONE") < merged.index(b"VEVENT")


def test_two_zones_of_one_name_that_differ_are_told_apart() -> None:
    def body(uid: str, offset: str) -> bytes:
        start = 'DTSTART;TZID="Customized Time Zone":20260501T100000'
        return calendar(*custom_zone("Customized Time Zone", offset), "BEGIN:VEVENT", f"UID:{uid}", start, "END:VEVENT")

    merged = ics.merge([body("a", "+0100"), body("b", "+0200"), body("c", "+0100"), body("d", "+0200")])
    assert merged.count(b"BEGIN:VTIMEZONE") == 2
    starts = {str(event["UID"]): event["DTSTART"].params["TZID"] for event in components(merged, "VEVENT")}
    assert starts == {uid: f"Customized Time Zone{' 2' if uid in 'bd' else ''}" for uid in "abcd"}
    offsets = {
        str(event["UID"]): event["DTSTART"].dt.utcoffset().total_seconds() for event in components(merged, "VEVENT")
    }
    assert offsets == {"a": 3600, "b": 7200, "c": 3600, "d": 7200}


def in_zone(uid: str, offset: str, zone: str, start: str) -> bytes:
    """An event in a zone of its own definition."""
    return calendar(*custom_zone(zone, offset), "BEGIN:VEVENT", f"UID:{uid}", start, "END:VEVENT")


def hours(merged: bytes) -> dict[str, float]:
    """How many hours ahead of UTC each event of a calendar begins, as the icalendar library reads it."""
    found = {str(event["UID"]): event["DTSTART"].dt.utcoffset() for event in components(merged, "VEVENT")}
    return {uid: offset.total_seconds() / 3600 for uid, offset in found.items()}


OUTLOOK = r"(UTC+01:00) Amsterdam\, Berlin"


@pytest.mark.parametrize("spelling", [OUTLOOK, OUTLOOK.replace("\\", "")])
def test_a_zone_is_renamed_in_every_spelling_of_its_name(spelling: str) -> None:
    start = f'DTSTART;X-NOTE="a;TZID=b";tzid="{spelling}":20260501T100000'
    merged = ics.merge([in_zone("a", "+0100", OUTLOOK, start), in_zone("b", "+0200", OUTLOOK, start)])
    assert merged.count(b"BEGIN:VTIMEZONE") == 2
    lines = [line.decode() for line in ics.unfold(merged) if b"TZID" in line.upper()]
    assert lines[2:] == [
        r"TZID:(UTC+01:00) Amsterdam\, Berlin 2",
        'DTSTART;X-NOTE="a;TZID=b";tzid="(UTC+01:00) Amsterdam, Berlin 2":20260501T100000',
    ]


def test_a_new_name_of_a_zone_is_never_that_of_another() -> None:
    def body(uid: str, offset: str, zone: str) -> bytes:
        return in_zone(uid, offset, zone, f"DTSTART;TZID={zone};X-KIND={zone}al:20260501T100000")

    bodies = [body("a", "+0100", "Z"), body("b", "+0200", "Z"), body("c", "+0300", "Z 2"), body("d", "+0200", "Z 2")]
    merged = ics.merge([*bodies, body("e", "+0300", "Z")])
    assert hours(merged) == {"a": 1, "b": 2, "c": 3, "d": 2, "e": 3}
    names = [str(zone["TZID"]) for zone in components(merged, "VTIMEZONE")]
    assert len(set(names)) == len(names)
    assert merged.count(b"X-KIND=Zal") == 3


@settings(max_examples=30)
@given(st.lists(st.tuples(st.sampled_from(["Z", "Z 2", "Z 3"]), st.sampled_from(["+0100", "+0200", "+0300"]))))
def test_every_event_keeps_its_hour_whatever_the_zones_are_called(zones: list[tuple[str, str]]) -> None:
    # The icalendar library keeps the first zone of each name for the life of the process.
    mark = uuid4().hex
    bodies = [
        in_zone(f"e{number}", offset, mark + zone, f"DTSTART;TZID={mark}{zone}:20260501T100000")
        for number, (zone, offset) in enumerate(zones)
    ]
    merged = ics.merge(bodies)
    assert hours(merged) == {f"e{number}": int(offset[1:3]) for number, (_, offset) in enumerate(zones)}
    names = [str(zone["TZID"]) for zone in components(merged, "VTIMEZONE")]
    assert len(set(names)) == len(names)


def test_what_is_about_the_message_is_left_out_and_the_name_is_one_line() -> None:
    body = vevent("a").replace(b"PRODID", b"METHOD:REQUEST\r\nX-WR-CALNAME:theirs\r\nPRODID")
    merged = ics.merge([body], "Ours\x00, a;b\r\nc\x7f")
    assert b"METHOD" not in merged
    assert merged.count(b"X-WR-CALNAME") == 1
    (found,) = parsed(merged) or []
    # Which the icalendar library gives as it stands.
    assert {str(found["NAME"]), str(found["X-WR-CALNAME"])} == {r"Ours\, a\;b\nc"}


def test_every_object_is_found_again_in_the_merged_calendar() -> None:
    bodies = {item.uid: item.content for item in mixed(20)}
    merged = ics.merge(bodies.values())
    assert list(ics.uids(merged)) == list(bodies)
    repaired = ics.repaired(merged)
    assert repaired is not None
    assert len(repaired.contents) == len(bodies)
    for content in repaired.contents:
        (uid,) = ics.uids(content)
        assert ics.same_meaning(content, bodies[uid])


def test_an_object_that_breaks_off_is_closed_and_hurts_no_other() -> None:
    broken = (
        vevent("broken", "BEGIN:VALARM", "ACTION:DISPLAY").split(b"END:VEVENT", maxsplit=1)[0].removesuffix(b"\r\n")
    )
    merged = ics.merge([broken, vevent("whole")])
    assert [event["UID"] for event in components(merged, "VEVENT")] == ["broken", "whole"]


def test_stray_ends_and_garbage_between_components_are_left_out() -> None:
    event = b"garbage\nBEGIN:VEVENT\nUID:a\nEND:VTODO\nEND:VEVENT\nmore\n"
    body = b"BEGIN:VCALENDAR\nEND:VALARM\n" + event + b"END:VCALENDAR\nEND:VEVENT\n"
    merged = ics.merge([body])
    assert len(components(merged, "VEVENT")) == 1
    assert b"garbage" not in merged


def test_latin1_becomes_utf8_and_line_ends_become_crlf() -> None:
    merged = ics.merge(
        [b"BEGIN:VCALENDAR\rBEGIN:VEVENT\rUID:a\rSUMMARY:Z\xfcrich\rEND:VEVENT\rEND:VCALENDAR", vevent("b")]
    )
    assert components(merged, "VEVENT")[0]["SUMMARY"] == "Zürich"
    assert merged.count(b"\n") == merged.count(b"\r") == merged.count(b"\r\n")


def test_a_line_folded_inside_a_character_stays_readable() -> None:
    body = vevent("a", "SUMMARY:Z\u00fcrich").replace(b"\xc3\xbc", b"\xc3\r\n \xbc")
    assert ics.same_meaning(ics.merge([body]), vevent("a", "SUMMARY:Zürich"))


def test_an_object_of_a_header_only_adds_nothing() -> None:
    assert ics.Merger().add(calendar(*custom_zone("X", "+0100"))) == b""


@given(st.lists(st.binary(max_size=120), max_size=3))
def test_noise_among_the_objects_loses_none_of_them(noise: list[bytes]) -> None:
    bodies = [b"BEGIN:VCALENDAR\n" + piece for piece in noise]
    merged = ics.merge([vevent("a"), *bodies, vevent("b")])
    assert b"UID:a\r\n" in merged
    assert b"UID:b\r\n" in merged


def test_whatever_icalendar_finds_alone_it_finds_merged() -> None:
    counts: dict[str, tuple[int, int]] = {}
    for path in icalendar_files():
        content = path.read_bytes()
        alone, merged = parsed(content), parsed(ics.merge([content]))
        if alone is not None:
            assert merged is not None, path.name
            counts[path.name] = (_events(alone), _events(merged))
    assert {name: count for name, count in counts.items() if count[0] > count[1]} == {}


def _events(components: list[Any]) -> int:
    kinds = ("VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VALARM")
    return sum(len(component.walk(kind)) for component in components for kind in kinds)
