"""Numbers of things, as people read them."""

from __future__ import annotations


def counted(count: int, noun: str) -> str:
    """`1 event`, `2 events`; `noun` is one whose plural has an s more."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
