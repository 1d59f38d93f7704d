"""What servers do to guests, told by what they say of themselves."""

from __future__ import annotations

import pytest

from caldav_backup.connectors.destination import Scheduling
from caldav_backup.connectors.invitations import scheduling_of
from caldav_backup.connectors.products import Product

AUTOMATIC = frozenset({"1", "calendar-access", "calendar-auto-schedule"})
DRAFT = frozenset({"1", "calendar-access", "calendar-schedule"})


@pytest.mark.parametrize(
    ("name", "features", "expected"),
    [
        ("", frozenset({"1", "calendar-access"}), Scheduling.NONE),
        ("sabredav", frozenset({"1", "calendar-access"}), Scheduling.NONE),
        ("", AUTOMATIC, Scheduling.SUPPRESSIBLE),
        ("icloud", AUTOMATIC, Scheduling.SUPPRESSIBLE),
        ("fastmail", AUTOMATIC | {"resource-sharing"}, Scheduling.SUPPRESSIBLE),
        ("davical", AUTOMATIC | DRAFT, Scheduling.SUPPRESSIBLE),
        ("sabredav", AUTOMATIC, Scheduling.BY_HEADERS),
        ("nextcloud", AUTOMATIC, Scheduling.BY_HEADERS),
        ("owncloud", AUTOMATIC, Scheduling.BY_HEADERS),
        ("cyrus", AUTOMATIC | {"resource-sharing"}, Scheduling.BY_HEADERS),
        ("cyrus", AUTOMATIC, Scheduling.SUPPRESSIBLE),  # 2.5
        ("sogo", AUTOMATIC, Scheduling.UNSTOPPABLE),
        ("google", frozenset({"1", "calendar-access"}), Scheduling.UNSTOPPABLE),
        ("davmail", DRAFT, Scheduling.UNSTOPPABLE),
        ("", DRAFT, Scheduling.UNSTOPPABLE),
        ("", None, Scheduling.UNSTOPPABLE),
        ("nextcloud", None, Scheduling.UNSTOPPABLE),  # no more than a path says so
    ],
)
def test_what_a_server_does_to_guests(name: str, features: frozenset[str] | None, expected: Scheduling) -> None:
    assert scheduling_of(Product("host.example", "/dav/", features, name)) is expected
