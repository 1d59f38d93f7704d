"""The second straight line: what a snapshot holds, back to where calendars live.

    select → match calendars → plan records → read → prepare the copy → write → read back and compare → report

`plan_restore` changes nothing, and showing its plan is the dry run; `apply` is the deed. Owns the order, the decisions
per record and their results. Does not own how a destination is written (`connectors`) or what an object means (`ics`).
"""

from __future__ import annotations

from caldav_backup.restorer.applying import apply
from caldav_backup.restorer.errors import (
    AmbiguousTarget,
    ConflictFound,
    NoSuchCalendar,
    NoSuchEvent,
    NotWhole,
    RestoreError,
)
from caldav_backup.restorer.findings import CalendarFindings, Face, Finding, Findings, OnlyThere, Standing
from caldav_backup.restorer.options import Invites, OnConflict, RestoreOptions, Uids
from caldav_backup.restorer.plan import Action, CalendarPlan, ExtraPlan, MatchedBy, RecordPlan, RestorePlan
from caldav_backup.restorer.planning import plan_restore
from caldav_backup.restorer.report import (
    CalendarReport,
    Erasure,
    ErasureResult,
    ReadBack,
    RecordResult,
    RestoreReport,
    Result,
)
from caldav_backup.restorer.verification import verify

__all__ = [
    "Action",
    "AmbiguousTarget",
    "CalendarFindings",
    "CalendarPlan",
    "CalendarReport",
    "ConflictFound",
    "Erasure",
    "ErasureResult",
    "ExtraPlan",
    "Face",
    "Finding",
    "Findings",
    "Invites",
    "MatchedBy",
    "NoSuchCalendar",
    "NoSuchEvent",
    "NotWhole",
    "OnConflict",
    "OnlyThere",
    "ReadBack",
    "RecordPlan",
    "RecordResult",
    "RestoreError",
    "RestoreOptions",
    "RestorePlan",
    "RestoreReport",
    "Result",
    "Standing",
    "Uids",
    "apply",
    "plan_restore",
    "verify",
]
