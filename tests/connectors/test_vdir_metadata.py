"""Calendars' names and colours in the form that readers of vdirs take."""

from __future__ import annotations

import pytest

from caldav_backup.connectors.vdir_metadata import Metadata, metadata_of


@pytest.mark.parametrize(
    ("stored", "written"),
    [
        ("#FF2968FF", "#FF2968"),
        ("#ff2968", "#ff2968"),
        (" #0082c9\n", "#0082c9"),
        ("0082C9", "#0082C9"),
        ("#f80", "#ff8800"),
        ("#f80f", "#ff8800"),
        ("tomato", "tomato"),
        ("#12345", "#12345"),
    ],
)
def test_a_color_is_what_khal_takes_where_it_is_one(stored: str, written: str) -> None:
    assert metadata_of({"color": stored.encode()}) == Metadata({"color": written.encode()}, [])


def test_transparency_that_no_reader_knows_is_told() -> None:
    found = metadata_of({"color": b"#FF296880"})
    assert found == Metadata({"color": b"#FF2968"}, ["color: #FF296880 is kept without its transparency"])


def test_what_is_no_utf8_is_written_as_text_and_what_is_empty_not_at_all() -> None:
    attributes = {"displayname": b"B\xfcro", "description": b" \n", "order": b"3", "href": b"/alice/"}
    assert metadata_of(attributes).files == {"displayname": "B\ufffdro".encode(), "order": b"3"}
