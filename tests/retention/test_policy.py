"""Policies as they are written."""

from __future__ import annotations

import pytest
from hypothesis import given

from caldav_backup.marks import tags_from
from caldav_backup.retention import RULES, Duration, Policy, policy_from_options
from caldav_backup.settings import SettingsError
from tests.retention.headers import policies

WHERE = "config.yml: policies: nightly"


def test_every_rule_can_be_written() -> None:
    options = dict.fromkeys(RULES, "3") | {"keep-within": "1y6m", "keep-tag": "a, b"}
    policy = policy_from_options(options, WHERE)
    assert policy == Policy(3, 3, 3, 3, 3, 3, Duration.parse("1y6m"), ("a", "b"))


@given(policies)
def test_a_policy_comes_back_from_what_is_told_of_it(policy: Policy) -> None:
    told = {rule: value if isinstance(value, list) else str(value) for rule, value in policy.to_options().items()}
    if policy.has_rules:
        assert policy_from_options(told, WHERE) == policy
    else:
        assert not told


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"keep-dayly": "7"}, "there is no rule 'keep-dayly' (did you mean 'keep-daily'?)"),
        ({"before": "2026-01-01"}, "there is no rule 'before'"),
        ({"keep-daily": "seven"}, "keep-daily takes a number of snapshots, not 'seven'"),
        ({"keep-daily": "-1"}, "keep-daily takes a number of snapshots, not '-1'"),
        ({"keep-within": "2026-01-01"}, "keep-within takes a duration such as 30d, 2w, 6m or 1y6m"),
        ({"keep-last": ["1", "2"]}, "keep-last takes one value, not several"),
        ({}, "it has no rule; give one, such as keep-daily: 7"),
        ({"keep-last": "0"}, "it has no rule"),
    ],
)
def test_what_is_no_rule_is_told_with_its_place(options: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        policy_from_options(options, WHERE)
    assert str(caught.value).startswith(f"{WHERE}: {message}")


def test_rules_that_are_given_anew_replace_those_of_a_policy() -> None:
    named = Policy(daily=7, weekly=4, tags=("a",))
    assert named.overridden(Policy(daily=14, within=Duration.parse("3d"))) == Policy(
        daily=14, weekly=4, within=Duration.parse("3d"), tags=("a",)
    )


def test_tags_come_one_by_one_or_with_commas() -> None:
    assert tags_from(["a,b", " c ", "", "a"]) == ("a", "b", "c")
