from __future__ import annotations

from dataclasses import replace

import pytest

from caldav_backup.kloset import unlocking
from caldav_backup.kloset.configuration import Configuration
from caldav_backup.kloset.errors import (
    Damaged,
    ExcessiveKDFCost,
    KlosetError,
    PassphraseNotExpected,
    PassphraseRequired,
    UnsupportedStore,
    WrongPassphrase,
)
from caldav_backup.kloset.keys import PBKDF2, Argon2id, KDFCost, Scrypt
from caldav_backup.kloset.unlocking import Unlocked, lock, parse, to_file, unlock
from tests.kloset.conftest import GOLDEN, load_golden

CHEAP = Argon2id(time=1, memory=16)
PASSPHRASE = "pässphrase".encode()
STORES = sorted(path.name.removesuffix(".json") for path in GOLDEN.glob("*.json"))


@pytest.fixture(scope="module")
def encrypted() -> bytes:
    return to_file(lock(Configuration.new(encrypted=True, kdf=CHEAP), PASSPHRASE))


@pytest.fixture(scope="module")
def plaintext() -> bytes:
    return to_file(lock(Configuration.new(encrypted=False), None))


@pytest.mark.parametrize("name", STORES)
def test_configurations_of_plakar_are_parsed_and_written_again_to_the_byte(name: str) -> None:
    storage, facts = load_golden(name)
    content = storage.read_configuration()
    configuration = parse(content)

    assert configuration.repository_id.hex == facts["repository_id"]
    assert configuration.hashing == facts["hashing"]
    assert (configuration.compression and configuration.compression.algorithm) == facts["compression"]
    assert configuration.is_encrypted == facts["encrypted"]

    key = bytes.fromhex(facts["key"]) if facts["key"] else None
    assert to_file(Unlocked(configuration, key)) == content
    assert configuration.keyed(key).mac(b"").hex() == facts["mac_of_empty"]


def test_a_store_of_plakar_is_unlocked_by_its_passphrase() -> None:
    storage, facts = load_golden("b-encrypted")
    unlocked = unlock(storage.read_configuration(), facts["passphrase"].encode())
    assert unlocked.key is not None
    assert unlocked.key.hex() == facts["key"]


@pytest.mark.parametrize("kdf", [CHEAP, Scrypt(n=2, r=1), PBKDF2(iterations=1)])
def test_what_was_locked_is_unlocked(kdf: KDFCost) -> None:
    locked = lock(Configuration.new(encrypted=True, kdf=kdf), PASSPHRASE)
    assert unlock(to_file(locked), PASSPHRASE) == locked


def test_a_wrong_passphrase_is_named(encrypted: bytes) -> None:
    for wrong in (b"", b"passphrase", PASSPHRASE + b"\n"):
        with pytest.raises(WrongPassphrase):
            unlock(encrypted, wrong)


def test_an_encrypted_store_needs_a_passphrase(encrypted: bytes) -> None:
    with pytest.raises(PassphraseRequired):
        unlock(encrypted, None)
    with pytest.raises(PassphraseRequired):
        lock(Configuration.new(encrypted=True, kdf=CHEAP), None)


def test_a_plaintext_store_takes_none(plaintext: bytes) -> None:
    assert unlock(plaintext, None).key is None
    with pytest.raises(PassphraseNotExpected):
        unlock(plaintext, b"")
    with pytest.raises(PassphraseNotExpected):
        lock(Configuration.new(encrypted=False), PASSPHRASE)


def test_an_expensive_store_is_refused_before_anything_is_derived(encrypted: bytes) -> None:
    configuration = parse(encrypted)
    assert configuration.encryption is not None
    kdf = replace(configuration.encryption.kdf, cost=Argon2id(time=1, memory=0xFFFFFFFF))
    greedy = replace(configuration, encryption=configuration.encryption._replace(kdf=kdf))
    content = to_file(Unlocked(greedy, bytes(32)))
    for allowed in (False, True):
        with pytest.raises(ExcessiveKDFCost):
            unlock(content, PASSPHRASE, allow_cost=allowed)


def test_a_newer_store_is_not_supported(plaintext: bytes) -> None:
    with pytest.raises(UnsupportedStore, match=r"1\.1\.0"):
        parse(plaintext[:12] + b"\x00\x01\x01\x00" + plaintext[16:])


def test_every_changed_byte_of_a_plaintext_configuration_is_noticed(plaintext: bytes) -> None:
    for at in range(len(plaintext)):
        changed = bytearray(plaintext)
        changed[at] ^= 0x01
        with pytest.raises(KlosetError):
            unlock(bytes(changed), None)


@pytest.mark.parametrize("flip", [0x01, 0x80])
def test_every_changed_byte_of_an_encrypted_configuration_is_noticed(encrypted: bytes, flip: int) -> None:
    for at in range(len(encrypted)):
        changed = bytearray(encrypted)
        changed[at] ^= flip
        with pytest.raises(KlosetError):
            unlock(bytes(changed), PASSPHRASE)


def test_a_configuration_cut_short_is_damaged(plaintext: bytes, encrypted: bytes) -> None:
    for content in (plaintext, encrypted):
        for keep in range(len(content)):
            with pytest.raises((Damaged, UnsupportedStore)):
                unlock(content[:keep], None)


def test_bytes_behind_the_configuration_are_noticed(plaintext: bytes) -> None:
    with pytest.raises(Damaged):
        unlock(plaintext + b"\0", None)


def test_the_old_magic_is_accepted() -> None:
    locked = lock(Configuration.new(encrypted=False), None)
    content = b"_PLAKAR_" + to_file(locked)[8:-32]
    content += unlocking._mac(None)(content)
    assert unlock(content, None) == locked
