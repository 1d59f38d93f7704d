"""A plan of what to remove by a policy, and its deed.

Owns that nothing is removed that was not planned, nor what has become worth keeping since then. Removing is one commit
that marks snapshots as removed (`docs/design/format.md`, "States"); their bytes go with a later maintenance.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import TYPE_CHECKING, NamedTuple

from caldav_backup.retention.errors import NoRule
from caldav_backup.retention.goodness import standings_in
from caldav_backup.retention.groups import Group, group_of, is_ours
from caldav_backup.retention.keeping import keep
from caldav_backup.retention.policy import Policy
from caldav_backup.retention.reasons import FUTURE, Reason

if TYPE_CHECKING:
    from caldav_backup.kloset.header import Header
    from caldav_backup.kloset.repository import Repository


class Verdict(NamedTuple):
    """A snapshot and why it stays; without a reason it goes."""

    header: Header
    reasons: tuple[Reason, ...]

    @property
    def is_kept(self) -> bool:
        return bool(self.reasons)


class GroupPlan(NamedTuple):
    """The snapshots of one group, the oldest first."""

    group: Group
    verdicts: tuple[Verdict, ...]

    @property
    def removed(self) -> list[Header]:
        return [verdict.header for verdict in self.verdicts if not verdict.is_kept]


@dataclass(frozen=True, slots=True)
class Question:
    """What a plan is made for: `policy`, and of which snapshots.

    `wants` chooses among sources; snapshots of other programs are left alone unless `others_too`. Days and months are
    those of `zone`, None for this machine's; `now_ns` in Unix ns.
    """

    policy: Policy
    now_ns: int
    zone: tzinfo | None = None
    wants: Callable[[Header], bool] = lambda _: True
    others_too: bool = False


@dataclass(frozen=True, slots=True)
class PrunePlan:
    """What `apply` would remove. `others` snapshots of other programs were left alone."""

    repository: Repository
    question: Question
    groups: tuple[GroupPlan, ...]
    others: int

    @property
    def removed(self) -> list[Header]:
        """All that go, group by group."""
        return [header for group in self.groups for header in group.removed]

    @property
    def future(self) -> int:
        """How many snapshots stay for their time is still to come."""
        every = (verdict for group in self.groups for verdict in group.verdicts)
        return sum(any(reason.rule == FUTURE for reason in verdict.reasons) for verdict in every)

    def apply(self) -> Sequence[Header]:
        """Remove, in one commit, what was planned and would be planned again now; returns what was removed.

        What somebody pinned or removed meanwhile, or what became the last good one, is left as it is.
        """
        self.repository.refresh()
        again = {header.identifier for header in plan_prune(self.repository, self.question).removed}
        removed = [header for header in self.removed if header.identifier in again]
        self.repository.remove_snapshots(header.identifier for header in removed)
        return removed


def plan_prune(repository: Repository, question: Question) -> PrunePlan:
    """Look at all snapshots and change nothing. NoRule for a policy that says nothing; Damaged."""
    if not question.policy.has_rules:
        raise NoRule("no rule says what to keep, and then nothing is removed; give one, such as --keep-daily 7")
    # Whether a good one of its source is newer is asked of all snapshots, chosen or not.
    standing = standings_in(repository, question.now_ns)
    complete = (header for header in repository.snapshots() if header.identifier in standing)
    wanted = list(filter(question.wants, complete))
    chosen = [header for header in wanted if question.others_too or is_ours(header)]
    groups: dict[Group, list[Header]] = {}
    for header in chosen:
        groups.setdefault(group_of(header), []).append(header)
    plans = []
    for group, members in groups.items():
        reasons = keep(members, standing, question.policy, question.zone)
        plans.append(GroupPlan(group, tuple(Verdict(each, reasons[each.identifier]) for each in members)))
    return PrunePlan(repository, question, tuple(plans), others=len(wanted) - len(chosen))
