"""Which snapshots of one group a policy keeps, and why. Pure: the same headers and the same policy, the same answer.

Owns what the rules mean. As in restic, the newest of each hour, day, week, month and year is the one that stays, and
while a rule has room left it keeps the very oldest as well, so that history grows as long as it is allowed to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING

from caldav_backup.retention.buckets import BUCKETS
from caldav_backup.retention.durations import Duration
from caldav_backup.retention.local_time import local_time
from caldav_backup.retention.reasons import FUTURE, Reason
from caldav_backup.retention.standing import Standing, age

if TYPE_CHECKING:
    from caldav_backup.kloset.header import Header
    from caldav_backup.retention.policy import Policy


def keep(
    group: Sequence[Header], standings: Mapping[bytes, Standing], policy: Policy, zone: tzinfo | None = None
) -> Mapping[bytes, tuple[Reason, ...]]:
    """By identifier, the reasons for which it stays; none: it may go.

    Days and months are those of `zone`, None for this machine's. Snapshots that do not count take nobody's place, and
    stay for their tags, their age or their standing only.
    """
    newest_first = sorted(group, key=age, reverse=True)
    counted = [header for header in newest_first if standings[header.identifier].counts]
    found = {header.identifier: list(standings[header.identifier].reasons) for header in newest_first}
    for header in counted[: policy.last]:
        found[header.identifier].append(Reason("last"))
    _keep_buckets(counted, policy, zone, found)
    if policy.within is not None:
        # Where none counts, the newest is the measure all the same, unless its time means nothing.
        told = [each for each in newest_first if Reason(FUTURE) not in standings[each.identifier].reasons]
        _keep_within(newest_first, counted or told, policy.within, zone, found)
    for header in newest_first:
        found[header.identifier] += [Reason("tag", tag) for tag in policy.tags if tag in header.tags]
    return {identifier: tuple(reasons) for identifier, reasons in found.items()}


def _keep_buckets(
    counted: Sequence[Header], policy: Policy, zone: tzinfo | None, found: Mapping[bytes, list[Reason]]
) -> None:
    """One for each of the newest hours, days, weeks, months and years that have one."""
    moments = [(header.identifier, local_time(header.timestamp_ns, zone)) for header in counted]
    unfilled = []
    for rule, bucket_of in BUCKETS.items():
        left, last = getattr(policy, rule), ""
        for identifier, moment in moments:
            if not left:
                break
            if (bucket := bucket_of(moment)) != last:
                found[identifier].append(Reason(rule, bucket))
                left, last = left - 1, bucket
        unfilled += [rule] if left else []
    if counted and unfilled:
        oldest = found[counted[-1].identifier]
        told = {reason.rule for reason in oldest}
        if further := [rule for rule in unfilled if rule not in told]:
            oldest.append(Reason("oldest", ", ".join(further)))


def _keep_within(
    newest_first: Sequence[Header],
    measures: Sequence[Header],
    within: Duration,
    zone: tzinfo | None,
    found: Mapping[bytes, list[Reason]],
) -> None:
    """All that are not older by more than a duration than the first of `measures`.

    Not counted from now: a source that was not backed up for a while, or a clock that runs ahead, removes nothing.
    """
    if not measures:
        return
    since = within.before(measures[0].timestamp_ns, zone)
    for header in newest_first:
        if header.timestamp_ns >= since:
            found[header.identifier].append(Reason("within", within.text))
