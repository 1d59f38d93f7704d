"""The file CONFIG, and how a passphrase opens the store that it describes.

Owns the one MAC that differs from all others (`docs/design/format.md`, "Hashes, keys and MACs": always BLAKE3, without
a key in a plaintext store) and the order of opening: parse, derive, try the canary, then the MAC. Until that is done
nothing in CONFIG is to be believed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from blake3 import blake3

from caldav_backup.kloset import envelope
from caldav_backup.kloset.configuration import Configuration
from caldav_backup.kloset.encryption import check_canary, make_canary
from caldav_backup.kloset.errors import Damaged, PassphraseNotExpected, PassphraseRequired
from caldav_backup.kloset.keys import derive_key
from caldav_backup.kloset.resources import MAC_SIZE, VERSION_1_0_0, BytesLike, ResourceType

_NAME = "the store's file CONFIG"


class Unlocked(NamedTuple):
    """A configuration that is genuine, and the key that proved it; None in a plaintext store."""

    configuration: Configuration
    key: bytes | None


def parse(content: bytes) -> Configuration:
    """What a file CONFIG says, genuine or not when the store is encrypted; `unlock` tells.

    Damaged, also for any changed byte of a plaintext store's; UnsupportedStore.
    """
    envelope.read_header(ResourceType.CONFIG, content, _NAME)
    try:
        configuration = Configuration.from_bytes(content[envelope.HEADER_SIZE : -MAC_SIZE])
    except Damaged as exc:
        raise Damaged(f"{_NAME} is damaged or cut short ({exc}); use another copy of it if there is one") from exc
    if not configuration.is_encrypted:
        envelope.unwrap(ResourceType.CONFIG, content, _mac(None), _NAME)
    return configuration


def unlock(content: bytes, passphrase: bytes | None, *, allow_cost: bool = False) -> Unlocked:
    """Open a store with its file CONFIG and a passphrase, which is None for a plaintext store.

    PassphraseRequired, PassphraseNotExpected, WrongPassphrase, ExcessiveKDFCost (see `keys.derive_key`), Damaged,
    UnsupportedStore.
    """
    configuration = parse(content)
    if configuration.encryption is None:
        if passphrase is not None:
            raise PassphraseNotExpected("a passphrase was given, but the store is not encrypted; is it the right one?")
        return Unlocked(configuration, None)
    if passphrase is None:
        raise PassphraseRequired("the store is encrypted; give its passphrase")
    key = derive_key(passphrase, configuration.encryption.kdf, allow_cost=allow_cost)
    check_canary(key, configuration.encryption.canary, configuration.encryption.subkey_algorithm)
    envelope.unwrap(ResourceType.CONFIG, content, _mac(key), _NAME)
    return Unlocked(configuration, key)


def lock(configuration: Configuration, passphrase: bytes | None) -> Unlocked:
    """The same for a store that is to be created: the configuration gets its canary. Errors as `unlock`."""
    if configuration.encryption is None:
        if passphrase is not None:
            raise PassphraseNotExpected("a passphrase was given for a store that is not to be encrypted")
        return Unlocked(configuration, None)
    if passphrase is None:
        raise PassphraseRequired("an encrypted store needs a passphrase")
    key = derive_key(passphrase, configuration.encryption.kdf)
    encryption = configuration.encryption._replace(canary=make_canary(key))
    return Unlocked(replace(configuration, encryption=encryption), key)


def to_file(unlocked: Unlocked) -> bytes:
    """The file CONFIG."""
    body = unlocked.configuration.to_bytes()
    return envelope.wrap(ResourceType.CONFIG, VERSION_1_0_0, body, _mac(unlocked.key))


def _mac(key: bytes | None) -> envelope.MacFunction:
    def mac(content: BytesLike) -> bytes:
        return blake3(content).digest() if key is None else blake3(content, key=key).digest()

    return mac
