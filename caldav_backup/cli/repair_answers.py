"""What a repair tells: what is wrong, what becomes of it, and what is lost.

Owns the words, the JSON result and the exit code. What is to be repaired is told in `kloset.repairing`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from caldav_backup.cli.answer import Answer
from caldav_backup.cli.counting import counted
from caldav_backup.cli.damage_lines import damage_document, damage_lines
from caldav_backup.cli.exits import Exit
from caldav_backup.inspection.moments import local_text, utc_text
from caldav_backup.marks import source_of

if TYPE_CHECKING:
    from caldav_backup.cli.findings import GatheredFindings
    from caldav_backup.inspection.damage import DamageReport
    from caldav_backup.kloset.header import Header
    from caldav_backup.kloset.repairing.examining import DamagedPackfile
    from caldav_backup.kloset.repairing.plan import RepairPlan

#: Lines of one kind; the JSON document has everything.
SHOWN = 20
NEXT = "the next 'caldav-backup backup' stores again what the server still has"
#: Hexadecimal digits of an id.
SHORT = 8


def answer_of(plan: RepairPlan, found: GatheredFindings, report: DamageReport, *, applied: bool) -> Answer:
    """The plan, done or not, and what stays damaged: DAMAGED before a repair, PARTIAL after one that has losses."""
    what = list(_lines(plan))
    lost = damage_lines(report)
    if lost:
        what += ["what stays damaged, unless the next backup finds it at the server:", *lost]
    damaged = found.damaged or plan.lost_snapshots
    if applied:
        code = Exit.PARTIAL if damaged else Exit.DONE
    else:
        code = Exit.DONE if plan.is_empty and not damaged else Exit.DAMAGED
    return Answer(
        _result(plan, found, report, applied=applied),
        body=what,
        summary=[_last_line(plan, bool(damaged), applied=applied)],
        trouble=[] if lost else found.lines(),
        exit=code,
    )


def _last_line(plan: RepairPlan, is_damaged: bool, *, applied: bool) -> str:
    if plan.is_empty:
        if not is_damaged:
            return "nothing to repair"
        return f"nothing more can be repaired; {NEXT}, and 'caldav-backup rm' removes snapshots that are of no use"
    if not applied:
        return "nothing was done yet; --apply does it, and deletes nothing"
    kept = "; what was replaced is kept in the directory 'damaged' of the store" if _puts_aside(plan) else ""
    if is_damaged:
        return f"repaired{kept}; {NEXT}"
    return f"repaired{kept}"


def _puts_aside(plan: RepairPlan) -> bool:
    rewritten = any(not each.is_missing and not each.is_whole for each in plan.packfiles)
    return bool(plan.states.unreadable or plan.states.unreachable or plan.unreadable or rewritten)


def _lines(plan: RepairPlan) -> Iterator[str]:
    yield from _some([f"state {identifier.hex()[:SHORT]} cannot be read" for identifier, _ in plan.states.unreadable])
    yield from _some([f"state {identifier.hex()[:SHORT]} is gone" for identifier in plan.states.missing])
    yield from _some(
        [f"state {identifier.hex()[:SHORT]} is read by no program" for identifier, _ in plan.states.unreachable]
    )
    if plan.states.is_any:
        yield "  a new state says what the packfiles tell; snapshots that were removed may be listed again"
    yield from _some([f"snapshot {_named(header)} comes back" for header in plan.recovered])
    yield from _some([f"snapshot {_named(torn.header)} cannot come back: {torn.problem}" for torn in plan.torn])
    if plan.adopted:
        yield f"{counted(len(plan.adopted), 'packfile')} that no state named {_counts(len(plan.adopted))} again"
    yield from _some([_packfile_line(damaged) for damaged in plan.packfiles])
    yield from _some(
        [f"packfile {each.hex()[:SHORT]}: nobody names it or can read it; put aside" for each in plan.unreadable]
    )
    yield from _some(
        [
            f"snapshot {each.hex()[:SHORT]} is lost: its description was in such a packfile"
            for each in plan.lost_snapshots
        ]
    )
    if plan.left_over:
        verb = "stays" if len(plan.left_over) == 1 else "stay"
        yield f"{counted(len(plan.left_over), 'packfile')} of interrupted runs {verb}, for a maintenance to remove"


def _counts(count: int) -> str:
    return "counts" if count == 1 else "count"


def _some(lines: list[str]) -> Iterator[str]:
    yield from lines[:SHOWN]
    if len(lines) > SHOWN:
        yield f"and {len(lines) - SHOWN} more; --json lists all"


def _packfile_line(damaged: DamagedPackfile) -> str:
    name = f"packfile {damaged.identifier.hex()[:SHORT]}: {damaged.problem}"
    match _action(damaged):
        case "drop" if damaged.is_missing:
            return f"{name}; what it held is stored again by the next backup that has it"
        case "drop":
            return f"{name}, and nothing in it; put aside"
        case "rewrite":
            left = (
                f", without {counted(_lost(damaged), 'damaged blob')}" if _lost(damaged) else ", with all that it holds"
            )
            return f"{name}; written anew{left}"
        case _:
            return f"{name}; the new state says what is where"


def _action(damaged: DamagedPackfile) -> str:
    if damaged.is_missing or not damaged.keeps_anything:
        return "drop"
    return "correct" if damaged.is_whole else "rewrite"


def _lost(damaged: DamagedPackfile) -> int:
    return len(damaged.lost) + len(damaged.unreadable_headers)


def _named(header: Header) -> str:
    return f"{header.identifier.hex()[:SHORT]} ({source_of(header)}, {local_text(header.timestamp_ns)})"


def _result(plan: RepairPlan, found: GatheredFindings, report: DamageReport, *, applied: bool) -> dict[str, Any]:
    return {
        "dry_run": not applied,
        "states": _states(plan),
        "recovered": [_snapshot(header) for header in plan.recovered],
        "torn": [_snapshot(torn.header) | {"message": torn.problem} for torn in plan.torn],
        "packfiles": [
            {
                "id": each.identifier.hex(),
                "problem": each.problem,
                "action": _action(each),
                "kept": len(each.good) + len(each.moved) - len(each.unreadable_headers),
                "lost": _lost(each),
            }
            for each in plan.packfiles
        ],
        "adopted": [orphan.identifier.hex() for orphan in plan.adopted],
        "left_over": [identifier.hex() for identifier in plan.left_over],
        "unreadable_packfiles": [identifier.hex() for identifier in plan.unreadable],
        "lost_snapshots": [identifier.hex() for identifier in plan.lost_snapshots],
        "damaged": found.damaged,
        **damage_document(report),
        "findings": found.spool,
    }


def _states(plan: RepairPlan) -> list[dict[str, str]]:
    states = plan.states
    return [
        *({"id": each.hex(), "problem": "unreadable", "message": why} for each, why in states.unreadable),
        *({"id": each.hex(), "problem": "missing", "message": "it is gone"} for each in states.missing),
        *(
            {"id": each.hex(), "problem": "unreachable", "message": "its parents go round in a circle"}
            for each, _ in states.unreachable
        ),
    ]


def _snapshot(header: Header) -> dict[str, str]:
    return {
        "id": header.identifier.hex(),
        "source": source_of(header),
        "time": utc_text(header.timestamp_ns),
    }
