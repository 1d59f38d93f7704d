"""The way to an open store: where it is, whether it is still the same, and its passphrase.

Owns the order of these questions. Nobody is asked for a passphrase before the store is known to be the one that was
there last time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from caldav_backup.cli.exits import Usage
from caldav_backup.cli.invocation import Invocation
from caldav_backup.cli.passphrases import Given, no_passphrase, passphrase_of
from caldav_backup.cli.render import about, error_message
from caldav_backup.settings import Location
from caldav_backup.settings.passphrase import OTHER, OWN, Role

if TYPE_CHECKING:
    from caldav_backup.kloset.configuration import Configuration
    from caldav_backup.kloset.errors import Damaged
    from caldav_backup.kloset.header import Header
    from caldav_backup.kloset.repository import Repository
    from caldav_backup.kloset.storage import Storage

#: How often a person may mistype.
ATTEMPTS = 3
#: Damaged snapshots that are told one by one; they often lie in the same packfile.
WARNED_OF = 3


def open_repository(run: Invocation) -> Repository:
    """The store of this run, opened. Remembers what it is for the next time."""
    store, storage, configuration = find_store(run)
    return _open(run, store, storage, configuration, OWN)


def open_other(run: Invocation, word: str, beside: Repository) -> Repository:
    """Another store, a directory or `@name`, which has a passphrase of its own. SameStore when it is not another."""
    from caldav_backup.kloset.copying.planning import require_other_id
    from caldav_backup.kloset.identity import identity_of

    store = run.other_store(word)
    storage, configuration = _find(run, store)
    require_other_id(beside, storage.location, identity_of(configuration))
    return _open(run, store, storage, configuration, OTHER)


def _open(run: Invocation, store: Location, storage: Storage, configuration: Configuration, role: Role) -> Repository:
    from caldav_backup.kloset.errors import WrongPassphrase
    from caldav_backup.kloset.repository import Repository

    for attempt in range(ATTEMPTS):
        given = _passphrase(run, store, configuration, role)
        try:
            with about(store.location):
                repository = Repository.open(
                    storage,
                    passphrase=None if given is None else given.passphrase.reveal_bytes(),
                    expected=run.identities.find(store.location),
                    allow_kdf_cost=run.options.allow_kdf_cost,
                    unreadable=partial(_leave_out, run),
                )
        except WrongPassphrase as error:
            if given is None or not given.typed or attempt + 1 == ATTEMPTS:
                raise
            run.terminal.tell(error_message(error))
            continue
        remember(run, store, repository)
        return repository
    raise AssertionError("the loop returns or raises")


def find_store(run: Invocation) -> tuple[Location, Storage, Configuration]:
    """The store of this run, closed: what CONFIG says, and that it is what it was the last time."""
    store = run.store()
    return store, *_find(run, store)


def _find(run: Invocation, store: Location) -> tuple[Storage, Configuration]:
    from caldav_backup.kloset.errors import StoreNotFound
    from caldav_backup.kloset.repository import read_configuration
    from caldav_backup.kloset.storage import open_storage

    try:
        with about(store.location):
            storage = open_storage(store.location)
            configuration = read_configuration(storage)
    except StoreNotFound as error:
        raise StoreNotFound(f"{error}; is its disk mounted? 'caldav-backup init' makes a new store") from error
    check_identity(run, store, configuration)
    return storage, configuration


def choose_header(
    run: Invocation, repository: Repository, word: str, source: str | None, among: Sequence[Header] | None = None
) -> Header:
    """The snapshot that `word` names, as `references.choose`; Damaged where a damaged one may be what was meant.

    `among` are all snapshots of the store unless told otherwise, oldest first.
    """
    from caldav_backup.inspection.errors import NoSuchSource
    from caldav_backup.inspection.references import choose
    from caldav_backup.kloset.errors import Damaged, SnapshotNotFound

    headers = repository.snapshots() if among is None else among
    try:
        # A repacking gives new ids, and people have written down the old ones.
        return choose(headers, repository.current_id(word), partial(_failed_paths, run, repository), source)
    except (SnapshotNotFound, NoSuchSource) as error:
        if not run.damaged_snapshots:
            raise
        count = f"{run.damaged_snapshots} damaged {'one was' if run.damaged_snapshots == 1 else 'ones were'}"
        raise Damaged(f"{error}; {count} left out, of which 'caldav-backup check' tells more") from error


def choose_headers(run: Invocation, repository: Repository, words: Sequence[str], source: str | None) -> list[Header]:
    """The snapshots that `words` name, each once and in their order; errors as of `choose_header`, Usage for a path."""
    from caldav_backup.inspection.references import parse_reference

    references = [parse_reference(word) for word in words]
    for reference in references:
        if reference.path is not None:
            raise Usage(f"{reference.snapshot}:{reference.path} is a path in a snapshot; name whole snapshots")
    chosen = (choose_header(run, repository, each.snapshot, source) for each in references)
    return list({header.identifier: header for header in chosen}.values())


def _failed_paths(run: Invocation, repository: Repository, header: Header) -> Iterable[str]:
    """What could not be read when the snapshot was made; everything, where that cannot be read itself."""
    from caldav_backup.kloset.errors import Damaged
    from caldav_backup.marks import failed_paths_in

    try:
        return list(failed_paths_in(repository)(header))
    except Damaged as error:
        _leave_out(run, header.identifier, error)
        return ["/"]


def _leave_out(run: Invocation, identifier: bytes, error: Damaged) -> None:
    """One snapshot that is damaged must not stand between a person and all the others."""
    run.damaged_snapshots += 1
    if run.damaged_snapshots <= WARNED_OF:
        run.warn(f"snapshot {identifier.hex()[:8]} is damaged and left out: {error}")
    elif run.damaged_snapshots == WARNED_OF + 1:
        run.warn("more snapshots are damaged and left out; 'caldav-backup check' tells of all")


def remember(run: Invocation, store: Location, repository: Repository) -> None:
    """Expect this very store the next time. Where that cannot be written down, a restore must work all the same."""
    try:
        run.identities.remember(store.location, repository.identity)
    except OSError as error:
        run.warn(
            f"cannot remember what the store is, so a later change of it will not be noticed: {error_message(error)}"
        )


def check_identity(run: Invocation, store: Location, configuration: Configuration) -> None:
    """StoreIdentityChanged when the store is not what it was when it was last opened."""
    from caldav_backup.kloset.errors import StoreIdentityChanged

    expected = run.identities.find(store.location)
    if expected is None:
        return
    is_encrypted = configuration.encryption is not None
    if configuration.repository_id == expected.repository_id and is_encrypted == expected.encrypted:
        return
    what = "another store" if configuration.repository_id != expected.repository_id else "no longer encrypted"
    raise StoreIdentityChanged(
        f"{store.location} is {what} than when it was last opened, so nothing is done; "
        f"if that is your own doing, remove its entry from {run.identities.path}"
    )


def _passphrase(run: Invocation, store: Location, configuration: Configuration, role: Role) -> Given | None:
    if configuration.encryption is None:
        no_passphrase(run, store, role)
        return None
    return passphrase_of(run, store, role)
