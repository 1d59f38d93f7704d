"""Names that a store may hold and that must lead nowhere."""

from __future__ import annotations

import os

from hypothesis import strategies as st

HOSTILE = [
    "..",
    ".",
    "/etc/passwd",
    "../../etc/passwd",
    "..\\..\\evil",
    "a/b",
    "a\\b",
    "C:\\x",
    "nul",
    "COM1.ics",
    "CON.ics",
    "con",
    ".hidden",
    "a\nb",
    "\0",
    "a\0b",
    "",
    " ",
    " .. ",
    "x.",
    "x. .",
    "~",
    "-rf",
    "x" * 400,
    "x" * 255,
    "é" * 127,
    "\udcff",
    "displayname",
    "color",
    "Straße",
    "STRASSE",
    "caf\u00e9",
    "cafe\u0301",
    "CAFE\u0301",
]

#: Names as they come from a store: any bytes at all, by way of `os.fsdecode`.
NAMES = st.text(st.characters(codec="utf-8"), max_size=40) | st.binary(max_size=40).map(os.fsdecode)
