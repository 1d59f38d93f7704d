"""Typed access to the map of one decoded record.

Owns the rule of reading (`docs/design/format.md`, "MessagePack rules"): unknown keys are ignored, an absent key or a
nil reads as the zero value of its type, a value of another type is damage. Does not know any particular record.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Any, TypeVar

from caldav_backup.kloset.errors import Damaged
from caldav_backup.kloset.records import decode, instant
from caldav_backup.kloset.resources import MAC_SIZE, ZERO_MAC

GO_ZERO_TIME = -62_135_596_800 * 1_000_000_000

Value = TypeVar("Value")


class Fields:
    """The fields of one record, named `what` in every error."""

    __slots__ = ("_values", "what")

    def __init__(self, values: object, what: str) -> None:
        if type(values) is not dict:
            raise Damaged(f"{what} is not a map of fields; the store is damaged there")
        self._values: dict[Any, Any] = values
        self.what = what

    def _get(self, name: str, kind: type[Value], zero: Value) -> Value:
        value = self._values.get(name)
        if value is None:
            return zero
        if type(value) is not kind:
            raise Damaged(f"{self.what} has a field {name!r} of an unexpected type; the store is damaged there")
        return value

    def known(self, names: AbstractSet[str]) -> list[str]:
        """Which of `names` the record has."""
        return [name for name in self._values if name in names]

    def signed(self, name: str) -> int:
        return self._get(name, int, 0)

    def unsigned(self, name: str) -> int:
        value = self._get(name, int, 0)
        if value < 0:
            raise Damaged(f"{self.what} has a negative {name!r}; the store is damaged there")
        return value

    def time(self, name: str) -> int:
        """Nanoseconds since the Unix epoch; Go's zero time when absent."""
        value = self._values.get(name)
        return GO_ZERO_TIME if value is None else instant(value)

    def number(self, name: str) -> float:
        return self._get(name, float, 0.0)

    def flag(self, name: str) -> bool:
        return self._get(name, bool, False)

    def text(self, name: str) -> str:
        return self._get(name, str, "")

    def data(self, name: str) -> bytes:
        return self._get(name, bytes, b"")

    def mac(self, name: str) -> bytes:
        """32 bytes; all zero when absent."""
        return self._exact(name, self._get(name, bytes, ZERO_MAC), MAC_SIZE)

    def uuid(self, name: str) -> bytes:
        """16 bytes; all zero when absent."""
        return self._exact(name, self._get(name, bytes, bytes(16)), 16)

    def _exact(self, name: str, value: bytes, size: int) -> bytes:
        if len(value) != size:
            raise Damaged(
                f"{self.what} has {len(value)} bytes in {name!r} instead of {size}; the store is damaged there"
            )
        return value

    def _array(self, name: str, kind: type[Value]) -> list[Value]:
        values: list[Any] = self._get(name, list, [])
        for value in values:
            if type(value) is not kind:
                raise Damaged(f"{self.what} has an unexpected value in {name!r}; the store is damaged there")
        return values

    def values(self, name: str) -> list[Any]:
        """An array as it was decoded, its values unchecked."""
        return self._get(name, list, [])

    def texts(self, name: str) -> tuple[str, ...]:
        return tuple(self._array(name, str))

    def macs(self, name: str) -> list[bytes]:
        macs = self._array(name, bytes)
        if any(len(mac) != MAC_SIZE for mac in macs):
            raise Damaged(f"{self.what} has a MAC of a wrong length in {name!r}; the store is damaged there")
        return macs

    def record(self, name: str) -> Fields:
        return Fields(self._get(name, dict, {}), f"{name} of {self.what}")

    def records(self, name: str) -> Iterator[Fields]:
        for value in self._array(name, dict):
            yield Fields(value, f"{name} of {self.what}")

    def has(self, name: str) -> bool:
        return self._values.get(name) is not None


def read_fields(encoded: bytes, what: str) -> Fields:
    """Fields of the record `encoded`; Damaged when it is malformed or something follows it."""
    return Fields(decode(encoded), what)
