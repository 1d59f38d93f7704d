"""iCalendar, bytes first: what the tool needs to know of a calendar object without ever rewriting what is stored.

Owns content lines (RFC 5545 §3.1), the cheap glance at one object, the comparison of two objects by meaning, the
merging of many into one calendar, and the guest lines of a copy that is sent to a server. Everything takes objects as
they come: any line ends, folding in the middle of a character, broken lines, missing ENDs. Does not own recurrence and
time zone arithmetic, which is the icalendar library's.
"""

from __future__ import annotations

from caldav_backup.ics.comparison import Comparison, Verdict, compare, differences
from caldav_backup.ics.glance import Glance, component_kinds, dtstart, glance, is_calendar, summary, uid
from caldav_backup.ics.guests import (
    guests,
    has_guests,
    is_client_scheduled,
    organizers,
    with_client_scheduling,
    without_guests,
)
from caldav_backup.ics.lines import unfold
from caldav_backup.ics.meaning import Meaning, meaning_of, same_meaning
from caldav_backup.ics.merging import Merger, merge
from caldav_backup.ics.occurrences import occurs_within
from caldav_backup.ics.recency import is_newer
from caldav_backup.ics.repairing import Repaired, repaired
from caldav_backup.ics.uids import derived_uid, uids, with_uid
from caldav_backup.ics.wording import mentions

__all__ = [
    "Comparison",
    "Glance",
    "Meaning",
    "Merger",
    "Repaired",
    "Verdict",
    "compare",
    "component_kinds",
    "derived_uid",
    "differences",
    "dtstart",
    "glance",
    "guests",
    "has_guests",
    "is_calendar",
    "is_client_scheduled",
    "is_newer",
    "meaning_of",
    "mentions",
    "merge",
    "occurs_within",
    "organizers",
    "repaired",
    "same_meaning",
    "summary",
    "uid",
    "uids",
    "unfold",
    "with_client_scheduling",
    "with_uid",
    "without_guests",
]
