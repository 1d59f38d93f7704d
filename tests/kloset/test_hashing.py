from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caldav_backup.kloset.errors import UnsupportedStore
from caldav_backup.kloset.hashing import Keyed, plain_hash

VECTORS = [
    (
        "BLAKE3",
        "a8d8cba1411e45b9a391604349759870",
        "1129c0a355698ea718294f7a93d74228a4cbdf6207f34c3d9de40c989b6a328d",
        "f6256fe9ac1f335a75ac3c42a14e94b2374700013d054465343209ac7123687f",
    ),
    (
        "SHA256",
        "cd679034c6c74d719ab4ba7b7e2aed08",
        "609944222fe8a95fd35ee6e52550f27c87e015025af72cdb382958deb2b5edc6",
        "3347d8ccfb492929bebec5aae9a3208bb4f84e72e143e0e04e638ff4e79de9f1",
    ),
]


@pytest.mark.parametrize(("algorithm", "repository", "secret", "empty"), VECTORS)
def test_secrets_and_macs_are_those_of_the_format(algorithm: str, repository: str, secret: str, empty: str) -> None:
    assert plain_hash(algorithm, bytes.fromhex(repository)).hex() == secret
    assert Keyed(algorithm, bytes.fromhex(secret)).mac(b"").hex() == empty


@pytest.mark.parametrize("algorithm", ["BLAKE3", "SHA256"])
@given(pieces=st.lists(st.binary(max_size=100), max_size=5))
def test_pieces_have_the_mac_of_the_whole(algorithm: str, pieces: list[bytes]) -> None:
    keyed = Keyed(algorithm, bytes(range(32)))
    running = keyed.start()
    for piece in pieces:
        running.update(memoryview(piece))
    assert running.digest() == keyed.mac(b"".join(pieces))


def test_an_unknown_hash_is_not_supported() -> None:
    with pytest.raises(UnsupportedStore, match="MD5"):
        plain_hash("MD5", b"")
    with pytest.raises(UnsupportedStore, match="MD5"):
        Keyed("MD5", bytes(32))


def test_the_secret_is_not_shown() -> None:
    keyed = Keyed("BLAKE3", b"secretsecretsecretsecretsecretse")
    assert "secret" not in repr(keyed)
    assert "secret" not in repr(keyed.start())
