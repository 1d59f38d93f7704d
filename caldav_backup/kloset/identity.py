"""Which store is at a location, and whether it is still the one that was there before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from caldav_backup.kloset.errors import StoreIdentityChanged

if TYPE_CHECKING:
    from caldav_backup.kloset.configuration import Configuration


@dataclass(frozen=True, slots=True)
class StoreIdentity:
    """What must not change between two visits to a location: somebody else's store, or encryption turned off."""

    repository_id: UUID
    encrypted: bool


def identity_of(configuration: Configuration) -> StoreIdentity:
    return StoreIdentity(configuration.repository_id, configuration.is_encrypted)


def require_identity(location: str, found: StoreIdentity, expected: StoreIdentity) -> None:
    """StoreIdentityChanged, with what to do about it, unless both are the same."""
    if found.repository_id != expected.repository_id:
        raise StoreIdentityChanged(
            f"the store at {location} has the id {found.repository_id}, and {expected.repository_id} was there before; "
            "if you replaced it yourself, forget the old one first"
        )
    if found.encrypted != expected.encrypted:
        was, now = ("encrypted", "plaintext") if expected.encrypted else ("plaintext", "encrypted")
        raise StoreIdentityChanged(
            f"the store at {location} was {was} and is {now} now; somebody changed it: use a copy, or find out who"
        )
