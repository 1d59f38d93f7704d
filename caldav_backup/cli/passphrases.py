"""A passphrase for the store at hand: supplied, or typed by a person where there is one.

Owns when somebody is asked, and that a passphrase for a plaintext store is refused.
"""

from __future__ import annotations

from typing import NamedTuple

from caldav_backup.cli.exits import Usage
from caldav_backup.cli.invocation import Invocation
from caldav_backup.settings import Location, Secret, Supply, find_supply
from caldav_backup.settings.passphrase import OWN, Role, missing

LOST = "a lost passphrase means lost backups: nobody can open the store without it, so keep it where you will find it"


class Given(NamedTuple):
    """A passphrase, and whether a person typed it: then it may be a mistake worth another try."""

    passphrase: Secret
    typed: bool


def passphrase_of(run: Invocation, store: Location, role: Role = OWN) -> Given:
    """The passphrase of an encrypted store that exists."""
    supply = _supply(run, store, role)
    if supply is not None:
        return Given(supply.read(), typed=False)
    if not run.terminal.can_ask:
        raise missing(f"the store {store.location}", role)
    return Given(run.terminal.ask_secret(f"Passphrase of {store.location}"), typed=True)


def new_passphrase(run: Invocation, store: Location, role: Role = OWN) -> Secret:
    """The passphrase that a store is made with; typed twice, after a warning."""
    supply = _supply(run, store, role)
    if supply is not None:
        run.note(LOST)
        return supply.read()
    if not run.terminal.can_ask:
        raise missing(f"the new store {store.location}", role)
    run.terminal.tell(LOST)
    passphrase = run.terminal.ask_secret("New passphrase")
    if not passphrase:
        raise Usage("the passphrase is empty; --plaintext makes a store without one")
    if run.terminal.ask_secret("The same once more") != passphrase:
        raise Usage("the two passphrases differ; nothing was made")
    return passphrase


def no_passphrase(run: Invocation, store: Location, role: Role = OWN) -> None:
    """PassphraseNotExpected when one is configured for a store that is, or is to be, plaintext."""
    from caldav_backup.kloset.errors import PassphraseNotExpected

    supply = _supply(run, store, role)
    if supply is not None:
        raise PassphraseNotExpected(
            f"a plaintext store takes no passphrase, and {supply.title} gives one for {store.location}; "
            f"take that away if the store is meant to be readable by everybody"
        )


def _supply(run: Invocation, store: Location, role: Role) -> Supply | None:
    return find_supply(store.options, store.secrets, run.environ, role)
