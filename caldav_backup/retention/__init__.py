"""Which snapshots a store keeps: by a policy, by name, and because somebody wants them kept.

Owns plans of what to remove or to mark, and their deeds. Nothing here deletes bytes: a removed snapshot is no longer
listed, and a later maintenance reclaims what no other one needs.
"""

from __future__ import annotations

from caldav_backup.retention.durations import Duration
from caldav_backup.retention.errors import NoRule, NotToBePinned, SnapshotProtected
from caldav_backup.retention.groups import Group, is_ours
from caldav_backup.retention.plan import GroupPlan, PrunePlan, Question, Verdict, plan_prune
from caldav_backup.retention.policy import RULES, Policy, policy_from_options, tags_from
from caldav_backup.retention.reasons import Reason

__all__ = [
    "RULES",
    "Duration",
    "Group",
    "GroupPlan",
    "NoRule",
    "NotToBePinned",
    "Policy",
    "PrunePlan",
    "Question",
    "Reason",
    "SnapshotProtected",
    "Verdict",
    "is_ours",
    "plan_prune",
    "policy_from_options",
    "tags_from",
]
