"""Rules for the scripted server that many tests share: which requests, which of them, and what becomes of members.

Owns words only; every one of them makes a rule, a question about a request, or a change of a multistatus.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from tests.servers.scripted import Answer, Asked, Rule
from tests.servers.scripted_xml import Member, Multistatus

__all__ = [
    "Question",
    "any_request",
    "any_rule",
    "each_member",
    "gets",
    "lists",
    "of",
    "reports",
    "then_members",
    "when",
]

Question = Callable[[Asked], bool]


def when(asks: Question, answer: Answer, *, times: int = 1 << 30, after: int = 0) -> Rule:
    """`answer` to the requests that `asks` is true for: not to the first `after` of them, then to `times` of them."""
    lock = threading.Lock()
    seen = 0

    def rule(asked: Asked) -> Answer | None:
        nonlocal seen
        if not asks(asked):
            return None
        with lock:
            seen += 1
            return answer if after < seen <= after + times else None

    return rule


def any_rule(*rules: Rule) -> Rule:
    """What the first rule says that says anything."""

    def rule(asked: Asked) -> Answer | None:
        answers = [rule(asked) for rule in rules]
        return next((answer for answer in answers if answer is not None), None)

    return rule


def any_request(asked: Asked) -> bool:
    """True."""
    del asked
    return True


def of(method: str) -> Question:
    return lambda asked: asked.method == method


def reports(kind: str = "calendar-multiget") -> Question:
    return lambda asked: asked.is_report(kind)


def lists(calendar: str) -> Question:
    """The listing of a calendar's events, by any way of PROPFIND."""
    return lambda asked: asked.method == "PROPFIND" and asked.depth == "1" and asked.path.endswith(f"/{calendar}/")


def gets(segment: str) -> Question:
    """A GET of that object."""
    return lambda asked: asked.method == "GET" and asked.path.endswith(f"/{segment}")


def each_member(change: Callable[[Member], Member | None]) -> Answer:
    """Every member changed; None leaves it out."""
    return then_members(lambda members: [each for member in members if (each := change(member)) is not None])


def then_members(change: Callable[[Sequence[Member]], Sequence[Member]]) -> Answer:
    """All members as `change` makes them."""

    def alter(found: Multistatus) -> Multistatus:
        return found._replace(members=change(found.members))

    return Answer(alter=alter)
