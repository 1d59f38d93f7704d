"""What a server's refusal of one record means for a restore: the UID is at fault, or the object's form, or neither.

Owns the spellings, which differ from server to server. Does not own what is done about it.
"""

from __future__ import annotations

import re

from caldav_backup import dav
from caldav_backup.connectors.destination import Refused, Taken, UidTaken
from caldav_backup.connectors.products import Product
from caldav_backup.dav import hrefs

#: RFC 4791 §5.3.2.1 and RFC 6638 §3.2.4.1: another object has the UID.
_UID = frozenset({"no-uid-conflict", "unique-scheduling-object-resource"})
#: SOGo 5.8 (409) "Event UID already in use", Nextcloud up to 31 (400) "Calendar object with uid already exists".
_UID_WORDS = re.compile(
    r"\buid\b.{0,60}\b(?:already|in use|exists|not unique)|\bduplicate\b.{0,20}\buid\b", re.IGNORECASE
)
#: Nextcloud 22 to 25: "Deleted calendar object with uid already exists".
_TRASH_WORDS = re.compile(r"\bdeleted calendar object\b|\btrash", re.IGNORECASE)

#: RFC 4791 §5.3.2.1: the object, and not the server's state, is what does not fit.
_FORM = frozenset({"valid-calendar-data", "supported-calendar-data", "valid-calendar-object-resource"})
#: Without any such word: Radicale 3.9 400, sabre/dav 415, 500 for a bad RRULE, DAViCal 1.1 500, SOGo 5.8 501 for an
#: alarm without trigger.
_FORM_STATUSES = frozenset({400, 415, 422, 500, 501})
#: What a 403 without a precondition may say about the object.
_FORM_WORDS = re.compile(
    r"\b(?:invalid|malformed|not valid|pars(?:e|er|ing)|missing|vcalendar|vevent|vtodo|dtstart|dtend|dtstamp|rrule)\b",
    re.IGNORECASE,
)

#: What a 412 says that is due to no precondition, and no other form would change: Radicale 3.9.0, SOGo 5.8.0.
_MEANT_BY_412 = {
    "radicale": "it is larger than the server takes, as far as that can be told",
    "sogo": "its organizer is another user of this server, as far as that can be told, and would have to invite again",
}

#: RFC 4331 §6, and what Stalwart calls it.
_FULL = frozenset({"quota-not-exceeded", "sufficient-disk-space", "over-quota"})
#: Cyrus 3.6.1 says so with 500 and a page.
_FULL_WORDS = re.compile(r"\bover quota\b|\bquota exceeded\b|\bno space left\b", re.IGNORECASE)


def is_full(error: dav.DavError) -> bool:
    """True when it is the account that has no room, whatever the object."""
    return error.status == 507 or error.condition in _FULL or (not error.condition and _is_said_full(error.excerpt))


def _is_said_full(words: str) -> bool:
    return _FULL_WORDS.search(words) is not None


def meaning_of(error: dav.DavError, href: str, product: Product, *, is_new: bool) -> Refused | Taken | UidTaken:
    """What the refusal of a PUT to `href` says; `is_new`: it was to a place where nothing was."""
    key = hrefs.path_of(error.condition_href) if error.condition_href else ""
    if _is_about_uid(error) or (is_new and _is_uid_by_habit(error, product)):
        if key and hrefs.normalise(key) == hrefs.normalise(hrefs.path_of(href)):
            # Cyrus 3.6, Radicale 3.9: what stands there has another UID, and no PUT changes that.
            return Taken(f"an object with another UID stands there: {error}")
        return UidTaken(_why_taken(error), key)
    if error.status == 412 and product.name in _MEANT_BY_412:
        return Refused(f"{_MEANT_BY_412[product.name]}: {error}")
    if is_full(error):
        return Refused(str(error))
    return Refused(str(error), for_its_form=_is_about_form(error, product))


def _is_about_uid(error: dav.DavError) -> bool:
    return error.condition in _UID or (not error.condition and _UID_WORDS.search(error.excerpt) is not None)


def _is_uid_by_habit(error: dav.DavError, product: Product) -> bool:
    """Reported of servers that give no reason: iCloud 403 or 412, Google 409 (pimutils/vdirsyncer#963)."""
    if error.condition not in {"", "if-none-match"}:
        return False
    return (product.name == "icloud" and error.status in {403, 412}) or (
        product.name == "google" and error.status == 409
    )


def _why_taken(error: dav.DavError) -> str:
    if _TRASH_WORDS.search(error.excerpt):
        return f"an object in the server's trash bin has its UID, which is free when the bin is emptied: {error}"
    if _is_about_uid(error):
        return f"another object of the account has its UID: {error}"
    return f"most likely another object of the account has its UID, since the server gives no reason: {error}"


def _is_about_form(error: dav.DavError, product: Product) -> bool:
    """True when another form of the object is worth a try."""
    if error.condition:
        return error.condition in _FORM or (error.status == 412 and error.condition in {"if-match", "if-none-match"})
    if error.status == 404:
        # SOGo 5.8 could not read the object; a missing calendar is "object not found: user => Calendar => …".
        return product.name == "sogo" and "object not found" not in error.excerpt
    if error.status == 403:
        return _FORM_WORDS.search(error.excerpt) is not None
    # 412: DAViCal 1.1 says "No calendar content" so, and only what failed without preconditions too comes here.
    return error.status in _FORM_STATUSES or error.status == 412
