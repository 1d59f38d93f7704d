"""What a restore between servers is tried with: calendars of named records, each of one kind that people have.

Owns the choice. The odd bodies are the archiver's, the icalendar package's own calendars are `packaged`'s. Dates lie
far ahead, since Cyrus 3.6 mails nobody about what is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tests.archiver.bodies import BODIES, with_attachment
from tests.compatibility.packaged import packaged_records
from tests.compatibility.people import Person, meetings
from tests.compatibility.records import Kind, Record, lines_of, named
from tests.events import events, journal, todo
from tests.ics.corpus import calendar, custom_zone, vevent

MEBIBYTE = 1 << 20
#: What an event of ten megabytes has inline: the whole stays below Radicale's limit of 10,000,000 bytes.
_TEN_MEGABYTES = 9_800_000


class Folder(NamedTuple):
    """A calendar to be made: its address, name, colour and kinds of components, and its records."""

    segment: str
    displayname: str
    color: str
    components: Sequence[str]
    records: Sequence[Record]


def corpus(people: Sequence[Person], *, sample: int = 1, huge: bool = True) -> list[Folder]:
    """All folders. `people` are those who meet; of the icalendar package every `sample`-th calendar is taken.

    `huge`: with an event of ten megabytes, which takes Radicale 3.9 most of a minute.
    """
    packaged = packaged_records()[::sample]
    by_component = {name: [record for record in packaged if record.component == name] for name in ("VTODO", "VJOURNAL")}
    rest = [record for record in packaged if record.component not in by_component]
    return [
        Folder("work", "Büro & Mühe \U0001f4c5", "#ff8800ff", ["VEVENT"], _work()),
        Folder("alarms", "Alarms, attachments", "#0088ffff", ["VEVENT"], [*_alarms(), *_attachments(huge)]),
        Folder("zones", "Zones", "", ["VEVENT"], _zones()),
        Folder("meetings", "Meetings", "#00aa00ff", ["VEVENT"], meetings(people)),
        Folder("odd", "Odd <ones>", "", ["VEVENT"], _odd()),
        Folder("tasks", "Tasks", "#880088ff", ["VTODO"], [*_tasks(), *by_component["VTODO"]]),
        Folder("journal", "Journal", "", ["VJOURNAL"], [*_journals(), *by_component["VJOURNAL"]]),
        Folder("everything", "Everything", "", ["VEVENT", "VTODO", "VJOURNAL"], _mixed()),
        Folder("packaged", "Other people's", "", ["VEVENT"], rest),
        Folder("empty", "Nothing in it", "", ["VEVENT"], []),
    ]


def _work() -> list[Record]:
    plain = [Record(one.name, Kind.EVENT, one.content) for one in events(6, 500)]
    return [*plain, *_events(), *_series()]


def _events() -> list[Record]:
    day = ["DTSTAMP:20260101T000000Z", "DTSTART;VALUE=DATE:20350501"]
    return [
        named(Kind.EVENT, "emoji", vevent("emoji", "SUMMARY:\U0001f600\U0001f468‍\U0001f469‍\U0001f467 à la carte")),
        named(Kind.EVENT, "escaped", vevent("escaped", r"SUMMARY:a\, b\; c\\d\ne", "DESCRIPTION:\\n\\n  two blanks  ")),
        named(Kind.EVENT, "categories", vevent("categories", r"CATEGORIES:one,two\,three", "CATEGORIES:Größe")),
        named(Kind.EVENT, "place", vevent("place", "GEO:48.208200;16.373800", r"LOCATION;LANGUAGE=de:Wien\, Büro")),
        named(Kind.EVENT, "apple-place", vevent("apple-place", *_APPLE_PLACE)),
        named(Kind.EVENT, "private", vevent("private", "CLASS:PRIVATE", "TRANSP:TRANSPARENT", "STATUS:TENTATIVE")),
        named(Kind.EVENT, "public", vevent("public", "CLASS:PUBLIC", "TRANSP:OPAQUE", "PRIORITY:0", "SEQUENCE:7")),
        named(
            Kind.EVENT, "html", vevent("html", "X-ALT-DESC;FMTTYPE=text/html:<html><b>bold</b>\\, &amp; more</html>")
        ),
        named(Kind.EVENT, "colour", vevent("colour", "COLOR:turquoise", "IMAGE;VALUE=URI:https://example.org/a.png")),
        named(Kind.EVENT, "call", vevent("call", _CALL, "URL:https://example.org/?a=1&b=2#c", "CONTACT:Ann")),
        named(Kind.EVENT, "comments", vevent("comments", "COMMENT:first", "COMMENT:second", "RESOURCES:Beamer,Room")),
        named(Kind.EVENT, "own-component", vevent("own-component", "BEGIN:X-NOTE", "X-TEXT:kept?", "END:X-NOTE")),
        named(Kind.EVENT, "long", vevent("long", "DESCRIPTION:" + "Zeile für Zeile\\n" * 400)),
        named(Kind.EVENT, "all-day", calendar(*_event("all-day", *day, "DTEND;VALUE=DATE:20350503"))),
        named(Kind.EVENT, "one-day", calendar(*_event("one-day", *day))),
        named(Kind.EVENT, "no-end", calendar(*_event("no-end", day[0], "DTSTART:20350501T100000Z"))),
        named(
            Kind.EVENT, "duration", calendar(*_event("duration", day[0], "DTSTART:20350501T100000Z", "DURATION:P1DT2H"))
        ),
        named(
            Kind.EVENT, "floating", calendar(*_event("floating", day[0], "DTSTART:20350501T100000", "DURATION:PT1H"))
        ),
        named(Kind.EVENT, "before-1970", calendar(*_event("before-1970", day[0], "DTSTART;VALUE=DATE:19010101"))),
        named(Kind.EVENT, "reversed", calendar(*_event("reversed", day[0], *_REVERSED))),
        named(Kind.EVENT, "a uid/of (odd) characters?", vevent("{a}/b%2F c@d;e,f")),
        named(Kind.EVENT, "long-uid", vevent("040000008200E00074C5B7101A82E008" * 7)),
        Record("späße @home & more.ics", Kind.EVENT, vevent("odd-name@example.org", "SUMMARY:odd name")),
        Record("same-uid-as-in-another-calendar.ics", Kind.EVENT, vevent("in-two-calendars", "SUMMARY:at work")),
    ]


_APPLE_PLACE = [
    r'X-APPLE-STRUCTURED-LOCATION;VALUE=URI;X-ADDRESS="Ring 1, Wien";X-APPLE-RADIUS=70;X-TITLE="Café":geo:48.2,16.3',
    "X-APPLE-TRAVEL-ADVISORY-BEHAVIOR:AUTOMATIC",
]
_CALL = "CONFERENCE;VALUE=URI;FEATURE=AUDIO,VIDEO;LABEL=Call:https://meet.example.org/room"
_REVERSED = ["DTSTART:20350501T110000Z", "DTEND:20350501T100000Z"]


def _event(uid: str, *lines: str) -> list[str]:
    return ["BEGIN:VEVENT", f"UID:{uid}", *lines, "END:VEVENT"]


def _override(uid: str, instance: str, *lines: str) -> list[str]:
    times = ["DTSTART:20350518T120000Z", "DTEND:20350518T130000Z"]
    return _event(uid, "DTSTAMP:20260101T000000Z", f"RECURRENCE-ID{instance}", *times, *lines)


def _master(uid: str, *lines: str) -> list[str]:
    times = ["DTSTAMP:20260101T000000Z", "DTSTART:20350504T100000Z", "DTEND:20350504T110000Z"]
    return _event(uid, *times, *lines)


def _series() -> list[Record]:
    weekly = "RRULE:FREQ=WEEKLY;COUNT=10"
    moved = _override("overrides", ":20350511T100000Z", "SUMMARY:moved")
    alarmed = _override("overrides", ":20350518T100000Z", "BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:x")
    alarmed[-1:] = ["TRIGGER:-PT5M", "END:VALARM", "END:VEVENT"]
    days = ["DTSTAMP:20260101T000000Z", "DTSTART;VALUE=DATE:20350501", "RRULE:FREQ=YEARLY", "EXDATE:20360501T000000Z"]
    rule = "RRULE:BYSETPOS=-1;BYDAY=MO,TU,WE,TH,FR;FREQ=MONTHLY;INTERVAL=1;UNTIL=20391231T235959Z;WKST=SU"
    periods = "RDATE;VALUE=PERIOD:20350601T100000Z/20350601T120000Z,20350701T100000Z/PT30M"
    later = _override("this-and-future", ";RANGE=THISANDFUTURE:20350518T100000Z", "SUMMARY:later")
    twice = [_override("two-overrides", ":20350511T100000Z", f"SUMMARY:{word}") for word in ("one", "two")]
    return [
        named(Kind.SERIES, "overrides", calendar(*_master("overrides", weekly), *moved, *alarmed)),
        named(Kind.SERIES, "exceptions", calendar(*_master("exceptions", weekly, *_EXCEPTIONS))),
        named(Kind.SERIES, "exdate-of-a-day-as-time", calendar(*_event("exdate-of-a-day-as-time", *days))),
        named(Kind.SERIES, "rule", calendar(*_master("rule", rule))),
        named(Kind.SERIES, "periods", calendar(*_master("periods", periods))),
        named(Kind.SERIES, "this-and-future", calendar(*_master("this-and-future", weekly), *later)),
        named(
            Kind.SERIES, "two-overrides-of-one-day", calendar(*_master("two-overrides", weekly), *twice[0], *twice[1])
        ),
        named(Kind.SERIES, "override-before-its-master", calendar(*_reordered("override-first", weekly))),
        named(Kind.SERIES, "rule-that-nobody-knows", calendar(*_master("unknown-rule", "RRULE:FREQ=SOMETIMES"))),
    ]


_EXCEPTIONS = ["EXDATE:20350511T100000Z,20350518T100000Z", "EXDATE:20350525T100000Z", "RDATE:20350526T100000Z"]


def _reordered(uid: str, *lines: str) -> list[str]:
    return [*_override(uid, ":20350511T100000Z", "SUMMARY:moved"), *_master(uid, *lines)]


def _alarms() -> list[Record]:
    def alarm(uid: str, *lines: str) -> Record:
        return named(Kind.ALARM, uid, vevent(uid, "BEGIN:VALARM", *lines, "END:VALARM"))

    snoozed = ["X-MOZ-LASTACK:20350501T093000Z", "X-MOZ-SNOOZE-TIME:20350501T094500Z"]
    mail = ["ACTION:EMAIL", "TRIGGER:-P1D", "SUMMARY:Tomorrow", "DESCRIPTION:x", "ATTENDEE:mailto:me@example.org"]
    display = ["ACTION:DISPLAY", "DESCRIPTION:Reminder"]
    return [
        alarm("before-start", *display, "TRIGGER:-PT15M"),
        alarm("after-end", *display, "TRIGGER;RELATED=END:PT5M"),
        alarm("at-a-moment", *display, "TRIGGER;VALUE=DATE-TIME:20350501T080000Z"),
        alarm("repeated", *display, "TRIGGER:-PT1H", "REPEAT:3", "DURATION:PT5M"),
        alarm("sound", "ACTION:AUDIO", "TRIGGER:PT0S", "ATTACH;VALUE=URI:Basso"),
        alarm("mail", *mail),
        alarm("acknowledged", *display, "TRIGGER:-PT15M", "ACKNOWLEDGED:20350501T094500Z", "UID:its-own"),
        alarm("without-trigger", *display),
        named(
            Kind.ALARM, "snoozed", vevent("snoozed", *snoozed, "BEGIN:VALARM", *display, "TRIGGER:-PT1M", "END:VALARM")
        ),
    ]


def _attachments(huge: bool) -> list[Record]:
    link = "ATTACH;FMTTYPE=application/pdf;FILENAME=a.pdf;SIZE=1234:https://example.org/a%20b.pdf?x=1"
    records = [
        named(Kind.ATTACHMENT, "link", vevent("link", link, "ATTACH:CID:part1@example.org")),
        named(Kind.ATTACHMENT, "inline", vevent("inline", "ATTACH;ENCODING=BASE64;VALUE=BINARY;X-NAME=a.txt:SGVsbG8=")),
        named(Kind.ATTACHMENT, "100-kilobytes", with_attachment(600, 100_000)),
    ]
    if huge:
        records.append(named(Kind.ATTACHMENT, "10-megabytes", with_attachment(601, _TEN_MEGABYTES)))
    return records


def _zones() -> list[Record]:
    def at(uid: str, tzid: str, *zone: str) -> Record:
        times = [f"DTSTART;TZID={tzid}:20350504T100000", f"DTEND;TZID={tzid}:20350504T110000"]
        return named(Kind.ZONE, uid, calendar(*zone, *_event(uid, "DTSTAMP:20260101T000000Z", *times)))

    return [
        at("own-zone", "My zone", *custom_zone("My zone", "+0130")),
        at("known-name", "Europe/Vienna"),
        at("known-name-of-another-meaning", "Europe/Berlin", *custom_zone("Europe/Berlin", "+0545")),
        at("windows-name", "W. Europe Standard Time"),
        at("windows-name-with-zone", "W. Europe Standard Time", *_zone_of("W. Europe Standard Time")),
        at("outlook-name", '"(UTC+01:00) Amsterdam, Berlin, Bern"', *_zone_of("(UTC+01:00) Amsterdam, Berlin, Bern")),
        at("customized", "Customized Time Zone", *custom_zone("Customized Time Zone", "-0330")),
        at("mozilla-name", "/mozilla.org/20050126_1/Europe/Vienna", *_zone_of("/mozilla.org/20050126_1/Europe/Vienna")),
        at("unknown-name", "Nowhere/Nothing"),
        at("unused-zone", "Europe/Vienna", *_zone_of("Europe/Vienna"), *custom_zone("Not used", "+0100")),
    ]


def _zone_of(tzid: str) -> list[str]:
    """Central Europe's rules under any name."""
    summer = ["DTSTART:19810329T020000", "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU", "TZNAME:CEST"]
    winter = ["DTSTART:19961027T030000", "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU", "TZNAME:CET"]
    daylight = ["BEGIN:DAYLIGHT", *summer, "TZOFFSETFROM:+0100", "TZOFFSETTO:+0200", "END:DAYLIGHT"]
    standard = ["BEGIN:STANDARD", *winter, "TZOFFSETFROM:+0200", "TZOFFSETTO:+0100", "END:STANDARD"]
    return ["BEGIN:VTIMEZONE", f"TZID:{tzid}", *daylight, *standard, "END:VTIMEZONE"]


def _odd() -> list[Record]:
    return [Record(f"{name}.ics", Kind.ODD, content) for name, content in BODIES.items()]


def _tasks() -> list[Record]:
    def task(uid: str, *lines: str) -> Record:
        return named(Kind.TASK, uid, calendar(*lines_of("VTODO", uid, *lines)))

    alarm = ["BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:x", "TRIGGER;RELATED=END:-PT15M", "END:VALARM"]
    return [
        *(Record(one.name, Kind.TASK, one.content) for one in (todo(number) for number in range(700, 704))),
        task("no-date", "SUMMARY:some day"),
        task(
            "done", "DUE;VALUE=DATE:20350501", "STATUS:COMPLETED", "PERCENT-COMPLETE:100", "COMPLETED:20350430T101112Z"
        ),
        task("subtask", "RELATED-TO;RELTYPE=PARENT:no-date", "PRIORITY:1", "STATUS:IN-PROCESS", "PERCENT-COMPLETE:50"),
        task("every-month", "DTSTART:20350501T100000Z", "DUE:20350501T120000Z", "RRULE:FREQ=MONTHLY", *alarm),
        task("sorted", "X-APPLE-SORT-ORDER:42", "DTSTART;VALUE=DATE:20350501", "DURATION:P2D"),
    ]


def _journals() -> list[Record]:
    day = ["DTSTART;VALUE=DATE:20350501", "STATUS:DRAFT", "DESCRIPTION:Dear diary\\, 日記"]
    again = [*day, "DESCRIPTION:A second description", "CATEGORIES:notes"]
    return [
        *(Record(one.name, Kind.JOURNAL, one.content) for one in (journal(number) for number in range(800, 803))),
        named(Kind.JOURNAL, "two-descriptions", calendar(*lines_of("VJOURNAL", "two-descriptions", *again))),
    ]


def _mixed() -> list[Record]:
    task, entry = todo(710), journal(810)
    event = _event("both-too", "DTSTAMP:20260101T000000Z", "DTSTART:20350501T100000Z", "DURATION:PT1H")
    both = calendar(*lines_of("VTODO", "both", "SUMMARY:a"), *event)
    return [
        Record(task.name, Kind.TASK, task.content),
        Record(entry.name, Kind.JOURNAL, entry.content),
        named(Kind.EVENT, "same-uid-as-at-work", vevent("in-two-calendars", "SUMMARY:and here")),
        named(Kind.ODD, "event-and-task", both),
    ]
