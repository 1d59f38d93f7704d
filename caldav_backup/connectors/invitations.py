"""What servers do to the guests of a record that is written or removed, and what is known to keep them from it.

Owns that knowledge. Acting on it is `silence`'s.
"""

from __future__ import annotations

from collections.abc import Mapping

from caldav_backup.connectors.destination import Scheduling
from caldav_backup.connectors.products import Product

#: Request headers, each heeded by some servers and ignored by all others.
#: Schedule-Reply (RFC 6638 §8.1, of attendees only): sabre/dav since 2.1 (4.7 measured) takes it for everything;
#: Cyrus 3.6.1 and DAViCal 1.1.12 for deletions by an attendee. X-NC-Scheduling: Nextcloud.
#: Scheduling-Enabled: Cyrus since 3.0 (imap/http_caldav.c, `_scheduling_enabled`; 3.6.1 measured) for PUT and DELETE,
#: by organizers and attendees, of records and of calendars, whatever stood there before. Nothing stays behind.
SILENT: Mapping[str, str] = {"Schedule-Reply": "F", "X-NC-Scheduling": "false", "Scheduling-Enabled": "F"}

#: Cyrus since 3.0 refuses a copy with another organizer than what it replaces has, unless it is asked like this.
ANY_ORGANIZER: Mapping[str, str] = {"Allow-Organizer-Change": "T"}

#: What nothing keeps from mailing guests. SOGo 5.8.0 heeds neither headers nor SCHEDULE-AGENT of attendees; Google by
#: report; behind DavMail is Exchange, which invites by itself.
_UNSTOPPABLE = frozenset({"sogo", "google", "davmail"})

#: Products that are made of sabre/dav, which heeds Schedule-Reply since the release that began to schedule.
_SABRE = frozenset({"sabredav", "nextcloud", "owncloud"})

#: A class that Cyrus tells since 3.0.0, which also brought Scheduling-Enabled.
_CYRUS_3 = "resource-sharing"

#: RFC 6638 §2, and the draft before it, which knew no SCHEDULE-AGENT.
_AUTOMATIC, _DRAFT = "calendar-auto-schedule", "calendar-schedule"


def scheduling_of(product: Product) -> Scheduling:
    """What the server does to guests.

    One that tells nothing of itself (OPTIONS refused, or no `DAV` header) is held for unstoppable: it may be any
    server, a gateway to Exchange too, and a mail cannot be taken back. Fastmail is Cyrus, but nobody has seen whether
    its front lets the header through, so that it is treated like any server that schedules by the RFC.
    """
    if product.features is None or product.name in _UNSTOPPABLE:
        return Scheduling.UNSTOPPABLE
    if _AUTOMATIC not in product.features:
        return Scheduling.UNSTOPPABLE if _DRAFT in product.features else Scheduling.NONE
    if product.name in _SABRE or (product.name == "cyrus" and _CYRUS_3 in product.features):
        return Scheduling.BY_HEADERS
    return Scheduling.SUPPRESSIBLE


def cancels_unasked(product: Product) -> bool:
    """True when taking the guests out of a record, or leaving them to the client, tells them that they are no guests.

    RFC 6638 §3.2.1.2 wants a cancellation. DAViCal 1.1.12 tells nobody of a record that has lost its organizer, only
    those guests whom a new version of an organizer's record no longer has.
    """
    return product.name != "davical"


def answers_organizers(product: Product) -> bool:
    """True when a record with another organizer makes the server answer to that person, if it is one of its own.

    DAViCal 1.1.12 does so at every PUT, whatever SCHEDULE-AGENT says, if the organizer's own calendars have the event.
    """
    return product.name == "davical"
