"""What a server's calendar says that it takes."""

from __future__ import annotations

from caldav_backup import dav
from caldav_backup.connectors.destination import Limits
from caldav_backup.connectors.products import Product


async def limits_of(client: dav.Client, calendar_url: str, product: Product) -> Limits:
    """The calendar's limits (RFC 4791 §5.2)."""
    del client, calendar_url, product
    return Limits()
