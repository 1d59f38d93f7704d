"""What is known of a calendar as the metadata files of a vdir, in the form that their readers take.

Owns the forms (https://vdirsyncer.pimutils.org/en/stable/vdir.html: text in UTF-8, and `#rrggbb` as a colour). Which
files there are is `directory`'s.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from caldav_backup.connectors.directory import METADATA

_COLOR = re.compile(r"#?(?P<rgb>[0-9a-f]{6})(?P<alpha>[0-9a-f]{2})?", re.IGNORECASE)
_SHORT_COLOR = re.compile(r"#(?P<rgb>[0-9a-f]{3})(?P<alpha>[0-9a-f])?", re.IGNORECASE)


class Metadata(NamedTuple):
    """Contents of the metadata files by their names, and what they cannot hold (`color: …`)."""

    files: Mapping[str, bytes]
    not_kept: Sequence[str] = ()


def metadata_of(attributes: Mapping[str, bytes]) -> Metadata:
    """The files for a calendar of these attributes; only for those that are known."""
    files: dict[str, bytes] = {}
    not_kept: list[str] = []
    for name in METADATA:
        # Whatever else a store holds: khal 0.14 ends with an error where one of these files is not UTF-8.
        text = attributes.get(name, b"").decode("utf-8", "replace").strip()
        if name == "color":
            text, lost = _plain_color(text)
            not_kept += [f"color: {lost}"] if lost else []
        if text:
            files[name] = text.encode("utf-8")
    return Metadata(files, not_kept)


def _plain_color(text: str) -> tuple[str, str]:
    """`text` as `#rrggbb`, and what that does not say.

    Apple's calendar-color is `#RRGGBBAA`, which khal 0.14 takes for no colour. What is no colour in hexadecimal digits
    is kept: readers pass over it, and nothing is lost.
    """
    if short := _SHORT_COLOR.fullmatch(text):
        digits, alpha = ("".join(2 * digit for digit in short[group] or "") for group in ("rgb", "alpha"))
    elif full := _COLOR.fullmatch(text):
        digits, alpha = full["rgb"], full["alpha"] or ""
    else:
        return text, ""
    lost = "" if alpha.lower() in ("", "ff") else f"{text} is kept without its transparency"
    return f"#{digits}", lost
