from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caldav_backup.kloset.errors import Damaged, ExcessiveKDFCost, UnsupportedStore
from caldav_backup.kloset.keys import PBKDF2, Argon2id, KDFCost, KDFParameters, Scrypt, derive_key

SALT = bytes.fromhex("1fb0974bd1bb4dbd00b74a6721e8e851")
GIB = 1 << 30


def test_the_default_derivation_is_plakars() -> None:
    key = derive_key(b"golden passphrase 2024", KDFParameters(SALT, Argon2id()))
    assert key.hex() == "ae74180f6fbe368e3c677a499f90d7114123b01e0ad0305ca8c0290dcde5b1f6"


def test_scrypt_is_that_of_the_rfc() -> None:
    # RFC 7914 §12, the second vector cut to 32 bytes.
    parameters = KDFParameters(b"SodiumChloride", Scrypt(n=16384, r=8, p=1, salt_size=14))
    assert derive_key(b"pleaseletmein", parameters).hex() == (
        "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
    )


@given(passphrase=st.binary(max_size=80), salt=st.binary(min_size=16, max_size=16), iterations=st.integers(1, 50))
def test_pbkdf2_is_that_of_the_standard_library(passphrase: bytes, salt: bytes, iterations: int) -> None:
    key = derive_key(passphrase, KDFParameters(salt, PBKDF2(iterations=iterations)))
    assert key == hashlib.pbkdf2_hmac("sha256", passphrase, salt, iterations)


@pytest.mark.parametrize(
    "cost",
    [
        Argon2id(memory=GIB // 1024 + 1),
        Argon2id(time=17),
        Scrypt(n=1 << 20, r=9),
        Scrypt(n=1 << 23, r=1),
        Scrypt(n=2, r=1, p=17),
        PBKDF2(iterations=10_000_001),
    ],
)
def test_costs_above_the_bounds_need_consent(cost: KDFCost) -> None:
    with pytest.raises(ExcessiveKDFCost, match="allow it only if"):
        derive_key(b"x", KDFParameters(SALT, cost))


def test_consent_lifts_the_bounds() -> None:
    assert len(derive_key(b"x", KDFParameters(SALT, Argon2id(time=17, memory=8)), allow_cost=True)) == 32


@pytest.mark.parametrize(
    "cost",
    [
        Argon2id(memory=0xFFFFFFFF),
        Argon2id(time=0xFFFFFFFF),
        Scrypt(n=1 << 40),
        Scrypt(p=1 << 20),
        PBKDF2(iterations=1 << 62),
    ],
)
def test_absurd_costs_are_refused_even_with_consent(cost: KDFCost) -> None:
    with pytest.raises(ExcessiveKDFCost, match="never"):
        derive_key(b"x", KDFParameters(SALT, cost), allow_cost=True)


@pytest.mark.parametrize(
    "cost",
    [
        Argon2id(time=0),
        Argon2id(threads=0),
        Argon2id(memory=7),
        Argon2id(memory=15, threads=2),
        Scrypt(n=0),
        Scrypt(n=1),
        Scrypt(n=32769),
        Scrypt(r=0),
        Scrypt(p=-1),
        Scrypt(n=2, r=1 << 15, p=1 << 15),
        PBKDF2(iterations=0),
        Argon2id(key_size=16),
        Argon2id(salt_size=15),
    ],
)
def test_impossible_parameters_are_damage(cost: KDFCost) -> None:
    with pytest.raises(Damaged):
        derive_key(b"x", KDFParameters(SALT, cost), allow_cost=True)


def test_a_salt_that_is_too_short_is_damage() -> None:
    with pytest.raises(Damaged):
        derive_key(b"x", KDFParameters(b"short", Argon2id(salt_size=5)))


def test_an_unknown_hash_of_pbkdf2_is_not_supported() -> None:
    with pytest.raises(UnsupportedStore, match="MD5"):
        derive_key(b"x", KDFParameters(SALT, PBKDF2(hashing="MD5")))


def test_each_parameter_makes_another_key() -> None:
    small = Argon2id(time=1, memory=16)
    costs = [small, replace(small, time=2), replace(small, memory=17), replace(small, threads=2)]
    assert len({derive_key(b"x", KDFParameters(SALT, cost)) for cost in costs}) == len(costs)


TOO_LITTLE = """
import resource
resource.setrlimit(resource.RLIMIT_AS, (400 << 20, 400 << 20))
from caldav_backup.kloset.errors import ExcessiveKDFCost
from caldav_backup.kloset.keys import Argon2id, KDFParameters, derive_key
try:
    derive_key(b"x", KDFParameters(bytes(16), Argon2id(memory=1 << 20)))
except ExcessiveKDFCost as exc:
    print(exc)
"""


def test_too_little_memory_is_said_plainly() -> None:
    answer = subprocess.run([sys.executable, "-c", TOO_LITTLE], capture_output=True, text=True, check=True, timeout=60)
    assert "not enough memory" in answer.stdout
