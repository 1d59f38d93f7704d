"""Why a snapshot stays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

LAST_GOOD = "last-good"
NEWER_THAN_GOOD = "newer-than-good"
UNREADABLE = "unreadable"
FUTURE = "future"

#: What stays whatever a policy says, in words. The other reasons are named as their rules, or as their tag (pinned).
_WORDS: Mapping[str, str] = {
    LAST_GOOD: "last good one",
    NEWER_THAN_GOOD: "no good one since",
    UNREADABLE: "cannot be judged",
    FUTURE: "from the future",
}


class Reason(NamedTuple):
    """`rule` is `daily`, `within`, `pinned`, …; `detail` the day, the duration or whatever else it was kept for."""

    rule: str
    detail: str = ""

    @property
    def brief(self) -> str:
        """In a word or two, for a column."""
        if self.rule == "tag":
            return f"tag {self.detail}"
        return _WORDS.get(self.rule, self.rule)

    @property
    def text(self) -> str:
        """In full: `daily 2026-05-01`."""
        return self.brief if self.rule == "tag" or not self.detail else f"{self.brief} {self.detail}"
