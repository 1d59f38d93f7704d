"""iCalendar, bytes first: what the tool needs to know of a calendar object without ever rewriting what is stored.

Owns content lines (RFC 5545 §3.1), the cheap glance at one object, the comparison of two objects by meaning, the
merging of many into one calendar, and the guest lines of a copy that is sent to a server. Everything takes objects as
they come: any line ends, folding in the middle of a character, broken lines, missing ENDs. Does not own recurrence and
time zone arithmetic, which is the icalendar library's.
"""

from __future__ import annotations

from caldav_backup.ics.glance import Glance, component_kinds, dtstart, glance, is_calendar, summary, uid
from caldav_backup.ics.guests import has_guests, with_client_scheduling, without_guests
from caldav_backup.ics.lines import unfold
from caldav_backup.ics.meaning import Meaning, differences, meaning_of, same_meaning
from caldav_backup.ics.merging import Merger, merge

__all__ = [
    "Glance",
    "Meaning",
    "Merger",
    "component_kinds",
    "differences",
    "dtstart",
    "glance",
    "has_guests",
    "is_calendar",
    "meaning_of",
    "merge",
    "same_meaning",
    "summary",
    "uid",
    "unfold",
    "with_client_scheduling",
    "without_guests",
]
