"""Typed access to decoded records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgpack
import pytest

from caldav_backup.kloset.errors import Damaged
from caldav_backup.kloset.fields import GO_ZERO_TIME, Fields, read_fields
from caldav_backup.kloset.resources import ZERO_MAC

EMPTY = Fields({}, "a record")


def test_absent_fields_have_the_zero_value_of_their_type() -> None:
    assert (EMPTY.signed("x"), EMPTY.unsigned("x"), EMPTY.number("x"), EMPTY.flag("x")) == (0, 0, 0.0, False)
    assert (EMPTY.text("x"), EMPTY.data("x"), EMPTY.mac("x"), EMPTY.uuid("x")) == ("", b"", ZERO_MAC, bytes(16))
    assert (EMPTY.texts("x"), EMPTY.macs("x"), EMPTY.values("x"), list(EMPTY.records("x"))) == ((), [], [], [])
    assert EMPTY.record("x").signed("y") == 0
    assert EMPTY.time("x") == GO_ZERO_TIME
    assert not EMPTY.has("x")
    assert not Fields({"x": None}, "a record").has("x")


def test_fields_are_read_as_what_they_are() -> None:
    fields = read_fields(
        msgpack.packb({"n": -3, "t": "a", "d": b"b", "f": 0.5, "b": True, "l": ["x"], "m": {"k": 1}}), "it"
    )
    assert (fields.signed("n"), fields.text("t"), fields.data("d")) == (-3, "a", b"b")
    assert (fields.number("f"), fields.flag("b"), fields.texts("l")) == (0.5, True, ("x",))
    assert fields.record("m").unsigned("k") == 1
    assert fields.has("n")


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("1", Fields.signed),
        (True, Fields.signed),
        (-1, Fields.unsigned),
        (1, Fields.number),
        (1, Fields.flag),
        (b"x", Fields.text),
        ("x", Fields.data),
        (bytes(31), Fields.mac),
        (bytes(17), Fields.uuid),
        ([1], Fields.texts),
        ([bytes(31)], Fields.macs),
        ("x", Fields.macs),
        ({}, Fields.values),
        ([], Fields.record),
        ("yesterday", Fields.time),
    ],
)
def test_value_of_another_type_is_refused_by_the_records_name(value: object, read: Callable[..., Any]) -> None:
    with pytest.raises(Damaged, match="record"):
        read(Fields({"x": value}, "a record"), "x")


def test_record_that_is_no_map_is_refused() -> None:
    with pytest.raises(Damaged, match="a record is not a map"):
        read_fields(b"\x90", "a record")
    with pytest.raises(Damaged):
        list(Fields({"x": [1]}, "a record").records("x"))
