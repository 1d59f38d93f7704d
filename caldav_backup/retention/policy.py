"""Which snapshots are worth keeping, as somebody wishes it: so many for each day, week or month, or by their age.

Owns the names of the rules and the forms of their values, on a command line and in the settings. Durations, never
dates: a policy says the same every night.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from caldav_backup.marks import tags_from
from caldav_backup.retention.durations import Duration
from caldav_backup.settings import SettingsError
from caldav_backup.settings.names import suggestion

#: What each rule means, as help and the reference page print it.
RULES: Mapping[str, str] = {
    "keep-last": "keep the N newest",
    "keep-hourly": "keep one an hour, for the N newest hours that have one",
    "keep-daily": "keep one a day, for the N newest days that have one",
    "keep-weekly": "keep one a week, for the N newest weeks that have one",
    "keep-monthly": "keep one a month, for the N newest months that have one",
    "keep-yearly": "keep one a year, for the N newest years that have one",
    "keep-within": "keep all that are at most so much older than the newest: 30d, 2w, 6m, 1y6m",
    "keep-tag": "keep all that have this tag, or one of these, separated by commas",
}

#: Rules whose value is a count.
COUNTED = ("last", "hourly", "daily", "weekly", "monthly", "yearly")

_COUNT = re.compile(r"\d{1,6}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Policy:
    """How many to keep by each rule, 0 for a rule that was not given; what any rule wants is kept."""

    last: int = 0
    hourly: int = 0
    daily: int = 0
    weekly: int = 0
    monthly: int = 0
    yearly: int = 0
    within: Duration | None = None
    tags: tuple[str, ...] = ()

    @property
    def has_rules(self) -> bool:
        """False where nothing is said, which must not mean that nothing is kept."""
        return self != Policy()

    def overridden(self, other: Policy) -> Policy:
        """This one, but for the rules that `other` gives."""
        given = {name: value for name in _FIELDS if (value := getattr(other, name))}
        return replace(self, **given)

    def to_options(self) -> dict[str, int | str | list[str]]:
        """The rules that were given, by their names in settings and on command lines."""
        found: dict[str, int | str | list[str]] = {
            f"keep-{name}": count for name in COUNTED if (count := getattr(self, name))
        }
        if self.within is not None:
            found["keep-within"] = self.within.text
        return found | ({"keep-tag": list(self.tags)} if self.tags else {})


_FIELDS = tuple(Policy.__dataclass_fields__)


def policy_from_options(options: Mapping[str, str | Sequence[str]], where: str) -> Policy:
    """A policy of the settings, such as ``{"keep-daily": "7"}``; SettingsError, beginning with `where`, else."""
    values: dict[str, Any] = {}
    for rule, value in options.items():
        if rule not in RULES:
            raise SettingsError(f"{where}: there is no rule {rule!r}{suggestion(rule, RULES)}")
        name = rule.removeprefix("keep-")
        try:
            values["tags" if name == "tag" else name] = _value(name, value)
        except ValueError as error:
            raise SettingsError(f"{where}: {rule} takes {error}") from None
    policy = Policy(**values)
    if not policy.has_rules:
        raise SettingsError(f"{where}: it has no rule; give one, such as keep-daily: 7")
    return policy


def _value(name: str, value: str | Sequence[str]) -> object:
    if name == "tag":
        return tags_from([value] if isinstance(value, str) else value)
    if not isinstance(value, str):
        raise ValueError("one value, not several")
    if name == "within":
        return Duration.parse(value)
    if not _COUNT.fullmatch(value):
        raise ValueError(f"a number of snapshots, not {value!r}")
    return int(value)
