"""Bytes that are almost right: valid ones with a few changes, as damage or somebody with the key would make them."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

EXTREMES = (
    bytes.fromhex("c0"),  # nil
    bytes.fromhex("c2"),
    bytes.fromhex("00"),
    bytes.fromhex("ff"),
    bytes.fromhex("80"),  # an empty map
    bytes.fromhex("90"),  # an empty array
    bytes.fromhex("a0"),  # an empty text
    bytes.fromhex("c400"),
    bytes.fromhex("c4ff"),
    bytes.fromhex("c6ffffffff"),
    bytes.fromhex("dbffffffff"),
    bytes.fromhex("ddffffffff"),
    bytes.fromhex("dfffffffff"),
    bytes.fromhex("ceffffffff"),
    bytes.fromhex("cfffffffffffffffff"),
    bytes.fromhex("d38000000000000000"),
    bytes.fromhex("d37fffffffffffffff"),
    bytes.fromhex("cb7ff0000000000000"),  # infinity
    bytes.fromhex("cb7ff8000000000000"),  # not a number
    bytes.fromhex("d6ffffffffff"),  # times
    bytes.fromhex("d7ffffffffffffffffff"),
    bytes.fromhex("c70cff000000007fffffffffffffff"),
    bytes.fromhex("c70cff3b9ac9ff8000000000000000"),
    bytes.fromhex("c70c0d3b9ac9ff8000000000000000"),
    b"\xb92026-02-30T00:00:00+00:00",
    b"\xb90001-01-01T00:00:00+23:59",
    b"\xa2..",
    b"\xa1/",
    b"\xa1\0",
    b"\xa3\xed\xb2\x80",  # a surrogate, which is no UTF-8
    b"\xa1\x80",
)
NUMBERS = (
    b"\0" * 4,
    b"\xff" * 4,
    b"\0\0\0\x80",
    b"\xff\xff\xff\x7f",
    b"\0" * 8,
    b"\xff" * 8,
    b"\xff" * 7 + b"\x7f",
    b"\0" * 7 + b"\x80",
    b"\x01" + b"\0" * 7,
)

Mutation = Callable[[bytes, random.Random, Sequence[bytes]], bytes]


def _flip(content: bytes, chance: random.Random, _: Sequence[bytes]) -> bytes:
    changed = bytearray(content)
    changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _set(content: bytes, chance: random.Random, _: Sequence[bytes]) -> bytes:
    changed = bytearray(content)
    changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def _cut(content: bytes, chance: random.Random, _: Sequence[bytes]) -> bytes:
    return content[: chance.randrange(len(content))]


def _remove(content: bytes, chance: random.Random, _: Sequence[bytes]) -> bytes:
    start, end = _range(content, chance)
    return content[:start] + content[end:]


def _repeat(content: bytes, chance: random.Random, _: Sequence[bytes]) -> bytes:
    start, end = _range(content, chance)
    return content[:end] + content[start:end] * chance.choice((1, 1, 2, 20)) + content[end:]


def _splice(content: bytes, chance: random.Random, samples: Sequence[bytes]) -> bytes:
    other = chance.choice(samples)
    return content[: chance.randrange(len(content))] + other[chance.randrange(len(other) + 1) :]


def _transplant(content: bytes, chance: random.Random, samples: Sequence[bytes]) -> bytes:
    other = chance.choice(samples)
    if not other:
        return content
    start, end = _range(other, chance)
    at = chance.randrange(len(content))
    return content[:at] + other[start:end] + content[at + (end - start) * chance.randrange(2) :]


def _insert_extreme(content: bytes, chance: random.Random, _: Sequence[bytes]) -> bytes:
    at = chance.randrange(len(content) + 1)
    return content[:at] + chance.choice(EXTREMES) + content[at:]


def _overwrite(content: bytes, chance: random.Random, _: Sequence[bytes]) -> bytes:
    new = chance.choice(NUMBERS + EXTREMES)
    at = chance.randrange(len(content))
    return content[:at] + new + content[at + len(new) :]


#: What a MessagePack value that follows a field's name may be, by its first byte, and how many bytes it has.
_WIDTHS = {0xC0: 1, 0xC2: 1, 0xC3: 1, 0xCC: 2, 0xCD: 3, 0xCE: 5, 0xCF: 9, 0xD3: 9, 0xCB: 9, 0xD6: 6, 0xD7: 10, 0xC7: 15}


def _replace_value(content: bytes, chance: random.Random, _: Sequence[bytes]) -> bytes:
    """Another value in the place of a whole one, so that the record stays well formed."""
    start = chance.randrange(len(content))
    for at in range(start, min(len(content), start + 64)):
        width = _WIDTHS.get(content[at]) or (content[at] - 0x9F if 0xA0 <= content[at] <= 0xBF else 0)
        if width:
            return content[:at] + chance.choice(EXTREMES) + content[at + width :]
    return _flip(content, chance, ())


def _range(content: bytes, chance: random.Random) -> tuple[int, int]:
    start = chance.randrange(len(content))
    return start, min(len(content), start + 1 + int(chance.expovariate(1 / 12)))


MUTATIONS: tuple[Mutation, ...] = (
    _flip,
    _set,
    _cut,
    _remove,
    _repeat,
    _splice,
    _transplant,
    _insert_extreme,
    _overwrite,
    _replace_value,
    _replace_value,
    _replace_value,
)


def mutate(samples: Sequence[bytes], chance: random.Random) -> bytes:
    """One of the samples with one to four changes; of `samples` others may lend parts."""
    content = chance.choice(samples)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        if content:
            content = chance.choice(MUTATIONS)(content, chance, samples)
    return content
