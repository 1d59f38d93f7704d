"""The second straight line: what a snapshot holds, back to where calendars live.

    select → match calendars → plan records → read → prepare the copy → write → read back and compare → report

`plan_restore` changes nothing, and showing its plan is the dry run; `apply` is the deed. Owns the order, the decisions
per record and their results. Does not own how a destination is written (`connectors`) or what an object means (`ics`).
"""

from __future__ import annotations

from caldav_backup.restorer.applying import apply
from caldav_backup.restorer.errors import AmbiguousTarget, NoSuchCalendar, NoSuchEvent, RestoreError
from caldav_backup.restorer.options import Invites, OnConflict, RestoreOptions
from caldav_backup.restorer.plan import Action, CalendarPlan, MatchedBy, RecordPlan, RestorePlan
from caldav_backup.restorer.planning import plan_restore
from caldav_backup.restorer.report import CalendarReport, RecordResult, RestoreReport, Result

__all__ = [
    "Action",
    "AmbiguousTarget",
    "CalendarPlan",
    "CalendarReport",
    "Invites",
    "MatchedBy",
    "NoSuchCalendar",
    "NoSuchEvent",
    "OnConflict",
    "RecordPlan",
    "RecordResult",
    "RestoreError",
    "RestoreOptions",
    "RestorePlan",
    "RestoreReport",
    "Result",
    "apply",
    "plan_restore",
]
