"""What holds for every history and every policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caldav_backup.kloset import Header
from caldav_backup.marks import BEFORE_RESTORE, PINNED, SUSPICIOUS
from caldav_backup.retention import Duration, Policy, Reason, policy_from_options
from caldav_backup.retention.buckets import BUCKETS
from caldav_backup.retention.groups import Group, group_of, lineage_of
from caldav_backup.retention.keeping import keep
from caldav_backup.retention.local_time import local_time
from caldav_backup.retention.standing import AHEAD_NS, standings
from tests.retention.headers import BERLIN, NOW, histories, is_good, policies

pytestmark = pytest.mark.full

Reasons = Mapping[bytes, tuple[Reason, ...]]


def decide(history: Sequence[Header], policy: Policy, *, backwards: bool = False) -> Reasons:
    """For a whole store, group by group, as a plan does it. `history` is in the order of commits, the latest first."""
    standing = standings(history, is_good, NOW)
    groups: dict[Group, list[Header]] = {}
    for header in reversed(history) if backwards else history:
        groups.setdefault(group_of(header), []).append(header)
    found: dict[bytes, tuple[Reason, ...]] = {}
    for members in groups.values():
        found |= keep(members, standing, policy, BERLIN)
    return found


def left(history: Sequence[Header], policy: Policy) -> list[Header]:
    found = decide(history, policy)
    return [header for header in history if found[header.identifier]]


@given(histories, policies)
def test_whatever_is_pinned_or_yet_to_come_stays(history: list[Header], policy: Policy) -> None:
    gone = {header.identifier for header in history} - {header.identifier for header in left(history, policy)}
    for header in history:
        if PINNED in header.tags or header.timestamp_ns > NOW + AHEAD_NS:
            assert header.identifier not in gone


@given(histories, policies)
def test_the_newest_good_one_of_every_source_and_selection_stays_or_is_covered(
    history: list[Header], policy: Policy
) -> None:
    stay = left(history, policy)
    good = [header for header in history if is_good(header) and header.timestamp_ns <= NOW + AHEAD_NS]
    for header in good:
        as_new = [
            each
            for each in stay
            if is_good(each)
            and lineage_of(each) == lineage_of(header)
            and each.perimeter in {"", header.perimeter}
            and each.timestamp_ns >= header.timestamp_ns
        ]
        assert as_new


@given(histories, policies)
def test_the_good_one_of_every_source_that_was_stored_last_stays_or_is_covered(
    history: list[Header], policy: Policy
) -> None:
    stay = set(left(history, policy))
    good = [header for header in history if is_good(header) and header.timestamp_ns <= NOW + AHEAD_NS]
    for place, header in enumerate(good):
        later = (each for each in good[: place + 1] if each in stay and lineage_of(each) == lineage_of(header))
        assert any(each.perimeter in {"", header.perimeter} for each in later)


@given(histories, policies)
def test_what_is_not_good_stays_while_nothing_good_is_newer(history: list[Header], policy: Policy) -> None:
    stay = set(left(history, policy))
    good = [each for each in history if is_good(each) and each.timestamp_ns <= NOW + AHEAD_NS]
    for header in history:
        if BEFORE_RESTORE in header.tags or is_good(header):
            continue
        if not any(
            lineage_of(each) == lineage_of(header)
            and each.perimeter in {"", header.perimeter}
            and each.timestamp_ns >= header.timestamp_ns
            for each in good
        ):
            assert header in stay


@given(histories, policies)
def test_pruning_again_removes_nothing_more(history: list[Header], policy: Policy) -> None:
    stay = left(history, policy)
    assert left(stay, policy) == stay


@given(histories, policies, policies)
def test_a_policy_that_asks_for_more_keeps_more(history: list[Header], policy: Policy, other: Policy) -> None:
    counts = ("last", "hourly", "daily", "weekly", "monthly", "yearly")
    more = replace(
        policy,
        **{name: getattr(policy, name) + getattr(other, name) for name in counts},
        tags=(*policy.tags, *other.tags),
        within=policy.within and Duration(policy.within.months + 2, policy.within.days, policy.within.hours, "more"),
    )
    assert set(left(history, policy)) <= set(left(history, more))


@given(histories, policies)
def test_the_order_in_which_they_come_does_not_matter(history: list[Header], policy: Policy) -> None:
    assert decide(history, policy, backwards=True) == decide(history, policy)


@given(histories, st.sampled_from(sorted(BUCKETS)), st.integers(1, 5))
def test_of_the_newest_hours_days_weeks_months_and_years_each_has_its_newest(
    history: list[Header], rule: str, count: int
) -> None:
    standing = standings(history, is_good, NOW)
    found = decide(history, policy_from_options({f"keep-{rule}": str(count)}, ""))
    for group in {group_of(header) for header in history}:
        counted = [each for each in history if group_of(each) == group and standing[each.identifier].counts]
        counted.sort(key=lambda each: (each.timestamp_ns, each.identifier))
        newest = {BUCKETS[rule](local_time(each.timestamp_ns, BERLIN)): each for each in counted}
        expected = set(list(newest.values())[-count:])
        assert {each for each in counted if any(one.rule == rule for one in found[each.identifier])} == expected


@given(histories, policies)
def test_suspicious_ones_change_nothing_for_the_others(history: list[Header], policy: Policy) -> None:
    others = [each for each in history if SUSPICIOUS not in each.tags or BEFORE_RESTORE in each.tags]
    counts = standings(others, is_good, NOW)
    with_them, without = decide(history, policy), decide(others, policy)
    for header in others:
        # Age is counted from the newest that counts, and only without any from the newest at all.
        if counts[header.identifier].counts:
            assert with_them[header.identifier] == without[header.identifier]
