"""Where a store's passphrase comes from, and in which order.

Owns the order of PASSPHRASE_SOURCES. Finding who supplies it and asking it are two steps, so that a passphrase given
for a plaintext store is noticed without running anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from caldav_backup.settings.errors import PassphraseMissing, SecretUnavailable
from caldav_backup.settings.lookup import passphrase_from_file, secret_from_command
from caldav_backup.settings.secret import Secret

#: File name of the systemd credential (`LoadCredential=caldav-backup-passphrase:…`).
CREDENTIAL = "caldav-backup-passphrase"


@dataclass(frozen=True, slots=True)
class Role:
    """Which of a run's stores a passphrase is for, for a variable that gives one's must not be tried on the other.

    `variable` is the variable, and with `_FILE` and `_COMMAND` behind it two more; `credential` is systemd's.
    """

    variable: str
    credential: str
    plakars: bool

    @property
    def suppliers(self) -> str:
        """What a person can do where nothing supplies a passphrase."""
        name = self.variable
        return f"set {name}_FILE, {name}_COMMAND or {name}, or passphrase_file or passphrase_cmd of the store"


OWN: Final = Role("CALDAV_BACKUP_PASSPHRASE", CREDENTIAL, plakars=True)
"""The store of the run."""
OTHER: Final = Role("CALDAV_BACKUP_OTHER_PASSPHRASE", "caldav-backup-other-passphrase", plakars=False)
"""The second store of a run that has two."""


@dataclass(frozen=True, slots=True)
class Supply:
    """One place that gives the passphrase: `title` for messages, `read` to have it (SecretUnavailable)."""

    title: str
    read: Callable[[], Secret]


def find_supply(
    options: Mapping[str, str], secrets: Mapping[str, Secret], environ: Mapping[str, str], role: Role = OWN
) -> Supply | None:
    """The first configured of: our three variables, the systemd credential, the store's own options, plakar's variable.

    None when nothing is configured. An empty variable counts as not set.
    """
    found = _from_environment(environ, role) or _from_store(options, secrets, environ)
    return found or (_from_plakar(environ) if role.plakars else None)


def missing(what: str, role: Role = OWN) -> PassphraseMissing:
    """The error for a run that has neither a supply nor a terminal."""
    return PassphraseMissing(f"{what} needs a passphrase and there is no terminal to ask on: {role.suppliers}")


def _from_environment(environ: Mapping[str, str], role: Role) -> Supply | None:
    name = role.variable
    if text := environ.get(name):
        return Supply(name, lambda: Secret(text))
    if path := environ.get(f"{name}_FILE"):
        return Supply(f"{name}_FILE", lambda: passphrase_from_file(path, f"{name}_FILE"))
    if command := environ.get(f"{name}_COMMAND"):
        return Supply(f"{name}_COMMAND", lambda: secret_from_command(command, environ, f"{name}_COMMAND"))
    if directory := environ.get("CREDENTIALS_DIRECTORY"):
        return _from_credential(directory, role.credential)
    return None


def _from_credential(directory: str, name: str) -> Supply | None:
    from pathlib import Path

    path, title = f"{directory}/{name}", f"the systemd credential {name}"
    # A unit may have other credentials and none for us.
    return Supply(title, lambda: passphrase_from_file(path, title)) if Path(path).exists() else None


def _from_store(options: Mapping[str, str], secrets: Mapping[str, Secret], environ: Mapping[str, str]) -> Supply | None:
    if "passphrase" in secrets:
        return Supply("passphrase of the store", lambda: _given(secrets["passphrase"]))
    if command := options.get("passphrase_cmd"):
        return Supply("passphrase_cmd", lambda: secret_from_command(command, environ, "passphrase_cmd of the store"))
    if path := options.get("passphrase_file"):
        return Supply("passphrase_file", lambda: passphrase_from_file(path, "passphrase_file of the store"))
    return None


def _from_plakar(environ: Mapping[str, str]) -> Supply | None:
    text = environ.get("PLAKAR_PASSPHRASE")
    return Supply("PLAKAR_PASSPHRASE", lambda: Secret(text)) if text else None


def _given(secret: Secret) -> Secret:
    if not secret:
        raise SecretUnavailable("passphrase of the store is empty")
    return secret
