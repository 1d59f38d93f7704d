"""What the rules keep of one group."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from caldav_backup.kloset import Header
from caldav_backup.marks import BEFORE_RESTORE, PINNED, SUSPICIOUS
from caldav_backup.retention import Duration, Policy
from caldav_backup.retention.keeping import keep
from caldav_backup.retention.standing import age, standings
from tests.retention.headers import BERLIN, DAY, HOUR, NOW, at, header, is_good, nightly


def texts(group: Sequence[Header], policy: Policy) -> dict[int, list[str]]:
    """By number, the reasons in full of those that stay."""
    found = keep(group, standings(sorted(group, key=age, reverse=True), is_good, NOW), policy, BERLIN)
    return {int.from_bytes(one, "big"): [each.text for each in reasons] for one, reasons in found.items() if reasons}


def kept(group: Sequence[Header], policy: Policy) -> list[int]:
    return sorted(texts(group, policy))


def test_the_newest_of_each_day_stays() -> None:
    twice = [header(1, at("2026-05-01T03:00")), header(2, at("2026-05-01T23:59")), header(3, at("2026-05-02T03:00"))]
    assert texts(twice, Policy(daily=2)) == {2: ["daily 2026-05-01"], 3: ["last good one", "daily 2026-05-02"]}


def test_days_without_a_snapshot_take_no_place() -> None:
    every = [header(number, NOW - (30 - 10 * number) * DAY) for number in (1, 2, 3)]
    assert kept(every, Policy(daily=3)) == [1, 2, 3]


def test_while_a_rule_has_room_left_it_keeps_the_very_oldest() -> None:
    every = nightly(20)
    assert texts(every, Policy(monthly=12))[1] == ["oldest monthly"]
    assert kept(every, Policy(monthly=12)) == [1, 20]
    assert kept(every, Policy(monthly=1)) == [20]
    assert kept(nightly(25), Policy(monthly=2)) == [5, 25]


def test_the_rules_add_up() -> None:
    found = texts(nightly(60), Policy(last=1, daily=3, weekly=2, monthly=3, yearly=1))
    assert found == {
        10: ["monthly 2026-03"],
        40: ["monthly 2026-04"],
        57: ["weekly 2026-W20"],
        58: ["daily 2026-05-18"],
        59: ["daily 2026-05-19"],
        60: [
            "last good one",
            "last",
            "daily 2026-05-20",
            "weekly 2026-W21",
            "monthly 2026-05",
            "yearly 2026",
        ],
    }


def test_within_is_counted_from_the_newest_and_not_from_now() -> None:
    old = nightly(20, NOW - 200 * DAY)
    assert kept(old, Policy(within=Duration.parse("3d"))) == [17, 18, 19, 20]


def test_tags_keep_what_has_one_of_them() -> None:
    every = [header(1, NOW - 3 * DAY, "a"), header(2, NOW - 2 * DAY, "b", "c"), header(3, NOW - DAY), header(4, NOW)]
    assert texts(every, Policy(tags=("a", "c"))) == {1: ["tag a"], 2: ["tag c"], 4: ["last good one"]}


@pytest.mark.parametrize("policy", [Policy(last=2), Policy(daily=2), Policy(hourly=2)])
def test_suspicious_ones_take_nobodys_place(policy: Policy) -> None:
    every = [header(1, NOW - 4 * DAY), header(2, NOW - 3 * DAY), header(3, NOW - DAY, SUSPICIOUS)]
    assert texts(every, policy)[3] == ["no good one since"]
    assert kept(every, policy) == [1, 2, 3]
    assert kept([*every, header(4, NOW)], policy) == [2, 4]


def test_suspicious_ones_stay_for_their_age_and_their_tags() -> None:
    every = [header(1, NOW - DAY, SUSPICIOUS), header(2, NOW - 9 * DAY, SUSPICIOUS, "a"), header(3, NOW)]
    assert kept(every, Policy(within=Duration.parse("2d"), tags=("a",))) == [1, 2, 3]


def test_where_none_counts_age_is_told_from_the_newest_of_them() -> None:
    whole = header(9, NOW)
    every = [header(number, NOW - (9 - number) * DAY, SUSPICIOUS, selection="calendar=a") for number in range(1, 9)]
    found = keep(every, standings([whole, *every[::-1]], is_good, NOW), Policy(within=Duration.parse("2d")), BERLIN)
    assert [int.from_bytes(one, "big") for one, reasons in found.items() if reasons] == [8, 7, 6]


def test_a_snapshot_from_the_future_is_no_measure() -> None:
    every = [*nightly(5), header(9, NOW + 400 * DAY)]
    assert kept(every, Policy(within=Duration.parse("2d"))) == [3, 4, 5, 9]
    assert kept(every, Policy(last=1)) == [5, 9]


def test_pinned_ones_count_like_others() -> None:
    every = [header(1, NOW - 2 * DAY), header(2, NOW - DAY, PINNED), header(3, NOW)]
    assert kept(every, Policy(daily=2)) == [2, 3]
    assert kept(every, Policy(daily=1)) == [2, 3]


def test_what_restores_put_aside_goes_like_the_rest() -> None:
    every = [header(number, NOW - (5 - number) * DAY, BEFORE_RESTORE) for number in range(1, 6)]
    assert kept(every, Policy(last=2)) == [4, 5]


def test_hours_are_hours_of_the_clock() -> None:
    every = [header(number, at("2026-05-01T10:00") + number * HOUR // 3) for number in range(6)]
    assert kept(every, Policy(hourly=2)) == [2, 5]


def test_nothing_of_nothing() -> None:
    assert keep([], {}, Policy(daily=3), BERLIN) == {}
