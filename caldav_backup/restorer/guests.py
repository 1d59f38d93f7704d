"""The copy of a record that is sent: as it is stored, or changed so that nobody is mailed.

Owns the decision per record; how guest lines are changed is `ics.guests`'.
"""

from __future__ import annotations

from typing import NamedTuple

from caldav_backup import ics
from caldav_backup.connectors.destination import Scheduling
from caldav_backup.restorer.options import Invites

TAKEN_OUT = "guests were taken out"
MARKED = "stored with SCHEDULE-AGENT=CLIENT: guests will not hear of later changes"
HELD_BACK = "has guests, and nothing is known that keeps this server from mailing them (--invites strip or allow)"


class Copy(NamedTuple):
    """What is sent; `note` says how it differs from what is stored. `held`: it must not be sent."""

    content: bytes
    note: str = ""
    held: bool = False


def copy_to_send(content: bytes, invites: Invites, scheduling: Scheduling) -> Copy:
    """The copy for a destination that treats guests as `scheduling` says."""
    if invites is Invites.ALLOW or not ics.has_guests(content):
        return Copy(content)
    if invites is Invites.STRIP:
        return Copy(ics.without_guests(content), TAKEN_OUT)
    if scheduling in (Scheduling.NONE, Scheduling.BY_HEADERS):
        return Copy(content)
    if scheduling is Scheduling.UNSTOPPABLE:
        return Copy(content, HELD_BACK, held=True)
    return Copy(ics.with_client_scheduling(content), MARKED)
