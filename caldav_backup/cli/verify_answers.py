"""What a comparison of a snapshot with a server has found, as an answer: words, JSON, and the exit code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from caldav_backup.cli.answer import Answer
from caldav_backup.cli.counting import counted
from caldav_backup.cli.exits import Exit, worst
from caldav_backup.cli.listings import SHORT, start_text

if TYPE_CHECKING:
    from caldav_backup.restorer import CalendarFindings, Face, Finding, Findings

#: Records that are told one by one; the JSON document has all of them.
SHOWN = 50

_WORDS = {"extra": "only there"}


def answer_of(findings: Findings) -> Answer:
    """The whole comparison; where nothing differs nothing is printed with -q."""
    different = [calendar for calendar in findings.calendars if calendar.findings or not calendar.key]
    alike = [calendar for calendar in findings.calendars if calendar not in different and not calendar.reason]
    codes = [Exit.DIFFERENT] * findings.is_different + [Exit.PARTIAL] * findings.is_partial
    body = [*_different_lines(different), *(f"only there: the calendar {each.name!r}" for each in findings.only_there)]
    return Answer(
        _result(findings),
        ["\n".join(body)] if body else [],
        summary=[*map(_calendar_line, alike), _total(findings)],
        trouble=[
            *(f"{each.target}: {each.reason}" for each in findings.calendars if each.key and each.reason),
            *(f"{place}: calendars may be missing" for place in findings.unreadable),
        ],
        exit=worst(codes),
    )


def _different_lines(calendars: Sequence[CalendarFindings]) -> Iterator[str]:
    left = SHOWN
    for calendar in calendars:
        yield _calendar_line(calendar)
        yield from (_finding_line(finding) for finding in calendar.findings[:left])
        left -= min(left, len(calendar.findings))
    total = sum(len(calendar.findings) for calendar in calendars)
    if total > SHOWN:
        yield f"{counted(total - SHOWN, 'event')} more; --json lists all"


def _calendar_line(calendar: CalendarFindings) -> str:
    kinds = f" ({', '.join(calendar.rewriting)})" if calendar.rewriting else ""
    told = ", ".join(
        f"{count} {_WORDS.get(word, word)}{kinds if word == 'rewritten' else ''}"
        for word, count in _counts(calendar).items()
        if count
    )
    reason = f" ({calendar.reason})" if calendar.reason else ""
    return f"{calendar.stored.path} at {calendar.target!r}: {told or 'no events'}{reason}"


def _finding_line(finding: Finding) -> str:
    since = {True: "changed there since", False: "older there than in the snapshot", None: ""}[finding.newer_there]
    details = "; ".join(part for part in (", ".join(finding.differs), since, finding.reason) if part)
    word = _WORDS.get(finding.standing.value, finding.standing.value)
    return f"  {word} {_label(finding.face)}" + (f": {details}" if details else "")


def _label(face: Face) -> str:
    """`a.ics (Dentist, 2026-05-01 09:00 UTC)`."""
    known = ", ".join(part for part in (face.title, start_text(face.start, face.timezone)) if part)
    return f"{face.name} ({known})" if known else face.name


def _total(findings: Findings) -> str:
    counts = {standing.value: count for standing, count in findings.counts().items()}
    alike = counts["same"] + counts["rewritten"]
    stored = alike + counts["changed"] + counts["missing"] + counts["unreadable"]
    snapshot = findings.snapshot.hex()[:SHORT]
    return f"{findings.source} has {alike} of {counted(stored, 'event')} as snapshot {snapshot} has them"


def _counts(calendar: CalendarFindings) -> Mapping[str, int]:
    from caldav_backup.restorer import Standing

    return {standing.value: calendar.counts.get(standing, 0) for standing in Standing}


def _result(findings: Findings) -> dict[str, Any]:
    return {
        "snapshot": findings.snapshot.hex(),
        "source": findings.source,
        "counts": {standing.value: count for standing, count in findings.counts().items()},
        "calendars": [
            {
                "path": calendar.stored.path,
                "target": calendar.target,
                "key": calendar.key,
                "reason": calendar.reason,
                "counts": _counts(calendar),
                "rewriting": list(calendar.rewriting),
                "records": [_record(finding) for finding in calendar.findings],
            }
            for calendar in findings.calendars
        ],
        "only_there": [{"key": each.key, "name": each.name} for each in findings.only_there],
        "unreadable": list(findings.unreadable),
    }


def _record(finding: Finding) -> dict[str, Any]:
    face = finding.face
    return {
        "name": face.name,
        "uid": face.uid,
        "title": face.title,
        "start": face.start,
        "timezone": face.timezone,
        "standing": finding.standing.value,
        "differs": list(finding.differs),
        "newer_there": finding.newer_there,
        "reason": finding.reason,
    }
