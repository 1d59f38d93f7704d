"""What is remembered of every store that was opened: its RepositoryID, and whether it is encrypted.

Owns `stores.json` in the state directory. Whoever can write the storage must not be able to swap the store or to turn
its encryption off unnoticed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from caldav_backup.settings.errors import SettingsError
from caldav_backup.settings.private_files import exclusive, replace_file

if TYPE_CHECKING:
    from caldav_backup.kloset.identity import StoreIdentity

_VERSION = 1


class Identities:
    """The remembered stores of one state directory, by absolute location."""

    def __init__(self, state_directory: Path) -> None:
        self.path = state_directory / "stores.json"

    def find(self, location: str) -> StoreIdentity | None:
        """What `location` was when it was last opened; None when it never was."""
        entry = self._read().get(location)
        if entry is None:
            return None
        from caldav_backup.kloset.identity import StoreIdentity

        try:
            return StoreIdentity(UUID(entry["repository_id"]), bool(entry["encrypted"]))
        except (KeyError, TypeError, ValueError):
            raise self._unreadable() from None

    def remember(self, location: str, identity: StoreIdentity) -> None:
        """From now on `location` is expected to be `identity`. Writes only when that is new."""
        if self.find(location) == identity:
            return
        with exclusive(self.path):
            stores = self._read()
            stores[location] = {"repository_id": str(identity.repository_id), "encrypted": identity.encrypted}
            document = {"version": _VERSION, "stores": stores}
            replace_file(self.path, (json.dumps(document, indent=2, sort_keys=True) + "\n").encode())

    def _read(self) -> dict[str, Any]:
        try:
            document = json.loads(self.path.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except (OSError, ValueError) as error:
            raise self._unreadable() from error
        stores = document.get("stores") if isinstance(document, dict) else None
        if not isinstance(stores, dict) or document.get("version") != _VERSION:
            raise self._unreadable()
        return stores

    def _unreadable(self) -> SettingsError:
        # Going on without it would be the very gap that it closes.
        return SettingsError(
            f"cannot read {self.path}, which remembers the stores; repair it, or remove it to forget them"
        )
