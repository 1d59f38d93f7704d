"""What stays whatever a policy says."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from caldav_backup.kloset import Header
from caldav_backup.marks import BEFORE_RESTORE, PARTIAL, PINNED, SUSPICIOUS
from caldav_backup.retention.standing import age, standings
from tests.retention.headers import CALENDAR_FAILED, DAY, HOUR, NOW, header, is_good


def reasons(*headers: Header) -> list[list[str]]:
    """Why each of them stays, in their order."""
    return by_commits(sorted(headers, key=age, reverse=True), headers)


def by_commits(latest_first: Sequence[Header], headers: Sequence[Header]) -> list[list[str]]:
    found = standings(latest_first, is_good, NOW)
    return [[reason.rule for reason in found[each.identifier].reasons] for each in headers]


def test_the_last_good_one_of_each_source_stays() -> None:
    mine = [header(1, NOW - 3 * DAY), header(2, NOW - 2 * DAY)]
    other = [header(3, NOW - 9 * DAY, job="home"), header(4, NOW - 8 * DAY, job="", origin="bob@host/dav")]
    assert reasons(*mine, *other) == [[], ["last-good"], ["last-good"], ["last-good"]]


def test_single_records_that_failed_make_no_snapshot_bad() -> None:
    assert reasons(header(1, NOW - DAY), header(2, NOW, PARTIAL)) == [[], ["last-good"]]


@pytest.mark.parametrize(
    "bad", [header(2, NOW - DAY, SUSPICIOUS), header(2, NOW - DAY, PARTIAL, errors=CALENDAR_FAILED)]
)
def test_what_is_not_good_stays_until_something_good_is_newer(bad: Header) -> None:
    good, later = header(1, NOW - 2 * DAY), header(3, NOW)
    assert reasons(good, bad) == [["last-good"], ["newer-than-good"]]
    assert reasons(bad) == [["newer-than-good"]]
    assert reasons(good, bad, later) == [[], [], ["last-good"]]


def test_a_backup_of_some_calendars_never_stands_for_one_of_all() -> None:
    whole, part = header(1, NOW - DAY), header(2, NOW, selection="calendar=a")
    other = header(3, NOW, selection="calendar=b")
    assert reasons(whole, part, other) == [["last-good"], ["last-good"], ["last-good"]]


def test_a_backup_of_all_calendars_stands_for_those_of_some() -> None:
    part, whole = header(1, NOW - DAY, selection="calendar=a"), header(2, NOW)
    doubtful = header(3, NOW - DAY, SUSPICIOUS, selection="calendar=a")
    assert reasons(part, doubtful, whole) == [[], [], ["last-good"]]


def test_a_source_of_another_program_is_another_source_although_its_job_has_the_same_name() -> None:
    ours, theirs = header(1, NOW - DAY), header(2, NOW, program="caldav", origin="https://host/dav")
    elsewhere = header(3, NOW, program="caldav", origin="https://host/other")
    assert reasons(ours, theirs, elsewhere) == [["last-good"], ["last-good"], ["last-good"]]


def test_pinned_ones_stay_good_or_not() -> None:
    assert reasons(header(1, NOW - DAY, PINNED), header(2, NOW - DAY, SUSPICIOUS, PINNED), header(3, NOW)) == [
        ["pinned"],
        ["pinned"],
        ["last-good"],
    ]


def test_what_a_restore_put_aside_is_nobodys_last_good_one() -> None:
    assert reasons(header(1, NOW - DAY), header(2, NOW, BEFORE_RESTORE)) == [["last-good"], []]


def test_a_snapshot_from_the_future_stays_and_replaces_nothing() -> None:
    good, bad = header(1, NOW - 2 * DAY), header(2, NOW - DAY, SUSPICIOUS)
    future = header(3, NOW + 2 * HOUR)
    assert reasons(good, bad, future) == [["last-good"], ["newer-than-good"], ["future"]]


def test_the_clock_of_another_machine_may_be_a_little_ahead() -> None:
    assert reasons(header(1, NOW - DAY), header(2, NOW + HOUR // 2)) == [[], ["last-good"]]


def test_what_cannot_be_judged_stays_and_replaces_nothing() -> None:
    good, broken = header(1, NOW - DAY), header(2, NOW, PARTIAL)
    found = standings([broken, good], lambda each: None if each is broken else True, NOW)
    assert [[one.rule for one in found[each.identifier].reasons] for each in (good, broken)] == [
        ["last-good"],
        ["unreadable"],
    ]


def test_only_good_ones_and_those_of_restores_count_for_rules() -> None:
    every = [
        header(1, NOW - DAY),
        header(2, NOW - DAY, SUSPICIOUS),
        header(3, NOW - DAY, BEFORE_RESTORE),
        header(4, NOW + DAY),
    ]
    found = standings(every, is_good, NOW)
    assert [found[each.identifier].counts for each in every] == [True, False, True, False]


def test_equal_times_have_an_order() -> None:
    assert reasons(header(1, NOW), header(2, NOW)) == [[], ["last-good"]]
    assert standings([], is_good, NOW) == {}


def test_the_one_that_was_stored_last_stays_although_its_clock_had_stopped() -> None:
    first, second, third = header(1, NOW - 2 * DAY), header(2, NOW - DAY), header(3, NOW - 9 * DAY)
    assert by_commits([third, second, first], [first, second, third]) == [[], ["last-good"], ["last-good"]]
    fourth = header(4, NOW)
    assert by_commits([fourth, third, second, first], [first, second, third]) == [[], [], []]


def test_a_suspicious_one_that_was_stored_last_stays_although_its_clock_had_stopped() -> None:
    good, bad = header(1, NOW - DAY), header(2, NOW - 9 * DAY, SUSPICIOUS)
    assert by_commits([bad, good], [good, bad]) == [["last-good"], ["newer-than-good"]]
    assert by_commits([good, bad], [good, bad]) == [["last-good"], []]


def test_one_from_the_future_stands_for_nothing_in_either_order() -> None:
    good, future = header(1, NOW - DAY), header(2, NOW + DAY)
    assert by_commits([future, good], [good, future]) == [["last-good"], ["future"]]
