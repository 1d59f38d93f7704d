"""Which snapshots a store keeps: by a policy, by name, and because somebody wants them kept.

Owns plans of what to remove or to mark, and their deeds. Nothing here deletes bytes: a removed snapshot is no longer
listed, and a later maintenance reclaims what no other one needs.
"""

from __future__ import annotations

from caldav_backup.retention.durations import Duration
from caldav_backup.retention.errors import NoRule, NotToBePinned, SnapshotProtected
from caldav_backup.retention.groups import Group, is_ours
from caldav_backup.retention.pinning import PinPlan, plan_pins, plan_unpins
from caldav_backup.retention.plan import GroupPlan, PrunePlan, Question, Verdict, plan_prune
from caldav_backup.retention.policy import RULES, Policy, policy_from_options
from caldav_backup.retention.reasons import Reason
from caldav_backup.retention.removal import RemovalPlan, plan_removal, plan_removal_among, told

__all__ = [
    "RULES",
    "Duration",
    "Group",
    "GroupPlan",
    "NoRule",
    "NotToBePinned",
    "PinPlan",
    "Policy",
    "PrunePlan",
    "Question",
    "Reason",
    "RemovalPlan",
    "SnapshotProtected",
    "Verdict",
    "is_ours",
    "plan_pins",
    "plan_prune",
    "plan_removal",
    "plan_removal_among",
    "plan_unpins",
    "policy_from_options",
    "told",
]
