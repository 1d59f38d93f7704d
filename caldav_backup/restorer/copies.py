"""The copy of a record that is sent: as it is stored, or changed so that nobody is mailed or the UID is free.

Owns the decision per record, and that the same copy can be made again when it is compared with what was read back. How
lines are changed is `ics`' business.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from caldav_backup import ics
from caldav_backup.connectors.destination import Scheduling
from caldav_backup.restorer.options import Invites

TAKEN_OUT = "guests were taken out"
MARKED = "stored with SCHEDULE-AGENT=CLIENT: guests will not hear of later changes"
HELD_BACK = "has guests, and nothing is known that keeps this server from mailing them (--invites strip or allow)"
RENAMED = "has a new UID"


class Copy(NamedTuple):
    """What is sent; `note` says how it differs from what is stored. `held`: it must not be sent."""

    content: bytes
    note: str = ""
    held: bool = False


class Form(NamedTuple):
    """How an object that was sent was made of a stored record.

    `uid_seed`: its UIDs were derived from that, "" = it kept its own; `piece`: its number among the pieces that
    `ics.repaired` gives, None = nothing had to be repaired.
    """

    uid_seed: str = ""
    piece: int | None = None


@dataclass(frozen=True, slots=True)
class Copies:
    """Makes copies for a destination that treats guests as `scheduling` says."""

    invites: Invites
    scheduling: Scheduling

    def of(self, content: bytes, uid_seed: str = "") -> Copy:
        """The copy of one stored record."""
        copy = self._for_guests(content)
        if not uid_seed:
            return copy
        note = f"{copy.note}; {RENAMED}" if copy.note else RENAMED
        return copy._replace(content=with_derived_uids(copy.content, uid_seed), note=note)

    def in_form(self, content: bytes, form: Form) -> bytes:
        """The very bytes that were sent of a stored record."""
        copy = self.of(content, form.uid_seed).content
        if form.piece is None:
            return copy
        repaired = ics.repaired(copy)
        return repaired.contents[form.piece] if repaired is not None else copy

    def _for_guests(self, content: bytes) -> Copy:
        if self.invites is Invites.ALLOW or not ics.has_guests(content):
            return Copy(content)
        if self.invites is Invites.STRIP:
            return Copy(ics.without_guests(content), TAKEN_OUT)
        if self.scheduling in (Scheduling.NONE, Scheduling.BY_HEADERS):
            return Copy(content)
        if self.scheduling is Scheduling.UNSTOPPABLE:
            return Copy(content, HELD_BACK, held=True)
        return Copy(ics.with_client_scheduling(content), MARKED)


def with_derived_uids(content: bytes, seed: str) -> bytes:
    """The same object under UIDs that are made of `seed` and its own: the same ones every time."""
    for uid in ics.uids(content):
        content = ics.with_uid(content, uid, ics.derived_uid(seed, uid))
    return content
