"""What keeps a server from mailing guests when a record is written or removed."""

from __future__ import annotations

import re
from collections.abc import Mapping

from caldav_backup.connectors.destination import Scheduling
from caldav_backup.connectors.products import Product

#: sabre/dav 4.7 and Cyrus 3.6 (deletions) honour the first (RFC 6638 §8.1), Nextcloud the second.
SILENT: Mapping[str, str] = {"Schedule-Reply": "F", "X-NC-Scheduling": "false"}

#: What nothing keeps from mailing guests: SOGo 5.8 heeds neither headers nor SCHEDULE-AGENT, nor does Google by report.
_UNSTOPPABLE_PATH = re.compile(r"/SOGo/dav/", re.IGNORECASE)
_UNSTOPPABLE_HOSTS = ("apidata.googleusercontent.com", "www.google.com", "calendar.google.com")


def scheduling_of(product: Product) -> Scheduling:
    """What the server does to guests."""
    if product.host in _UNSTOPPABLE_HOSTS or _UNSTOPPABLE_PATH.search(product.path):
        return Scheduling.UNSTOPPABLE
    if product.features is None or "calendar-auto-schedule" in product.features:
        return Scheduling.SUPPRESSIBLE
    # DavMail advertises the older draft only, and Exchange behind it invites by itself.
    return Scheduling.UNSTOPPABLE if "calendar-schedule" in product.features else Scheduling.NONE
