"""Synthetic calendar objects for tests: deterministic, realistic, about 550 bytes each."""

from __future__ import annotations

from datetime import timedelta

from caldav_backup.cli.invented_events import Event, calendar_object, escape, invented_event, start_of, utc

__all__ = ["Event", "event", "events", "journal", "mixed", "todo"]

_NOTES = "A line long enough to be folded by whoever writes it, with a comma, a semicolon; and an umlaut: ü. " * 2

event = invented_event


def todo(number: int) -> Event:
    due = start_of(number) + timedelta(days=3)
    lines = [f"DUE:{utc(due)}", f"SUMMARY:Errand {number}", f"DESCRIPTION:{escape(_NOTES)}", "STATUS:NEEDS-ACTION"]
    return calendar_object("VTODO", number, [*lines, "PRIORITY:5", "PERCENT-COMPLETE:0"])


def journal(number: int) -> Event:
    lines = [f"DTSTART;VALUE=DATE:{start_of(number):%Y%m%d}", f"SUMMARY:Notes of day {number}"]
    return calendar_object("VJOURNAL", number, [*lines, f"DESCRIPTION:{escape(_NOTES)}"])


def events(count: int, first: int = 0) -> list[Event]:
    """`count` different VEVENTs, numbered from `first`."""
    return [event(number) for number in range(first, first + count)]


def mixed(count: int, first: int = 0) -> list[Event]:
    """`count` objects: of ten, eight are events, one a task, one a journal entry."""
    kinds = [event] * 8 + [todo, journal]
    return [kinds[number % 10](number) for number in range(first, first + count)]
