"""The same snapshots stay as with restic, where it is installed: people bring their rules along.

But for those that are older by exactly the duration of `--keep-within`: they stay here, and go with restic 0.14.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from caldav_backup.retention import Duration, Policy
from caldav_backup.retention.keeping import keep
from caldav_backup.retention.reasons import LAST_GOOD
from caldav_backup.retention.standing import age, standings
from tests.retention.headers import NOW, header, is_good

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(shutil.which("restic") is None, reason="no restic on PATH: nothing to compare with here"),
]

MOMENTS = [
    "2022-12-31 23:30:00",
    "2023-01-01 00:30:00",
    "2026-02-28 08:00:00",
    "2026-05-03 23:59:59",
    "2026-05-04 00:00:00",
    "2026-05-18 12:00:00",
    "2026-05-19 10:00:00",
    "2026-05-19 10:59:00",
    "2026-05-20 11:00:00",
]

POLICIES = [
    Policy(last=2, hourly=2),
    Policy(daily=3, weekly=2),
    Policy(monthly=3, yearly=1),
    Policy(daily=1, yearly=10),
    Policy(last=1, within=Duration.parse("1y3m1d2h")),
]


class Restic:
    """One repository of its own."""

    def __init__(self, home: Path) -> None:
        self._home = home
        (home / "directory").mkdir()
        self.run("init")

    def run(self, *arguments: str) -> str:
        environment = {
            "RESTIC_PASSWORD": "throw-away",
            "RESTIC_REPOSITORY": str(self._home / "repository"),
            "RESTIC_CACHE_DIR": str(self._home / "cache"),
            "PATH": os.environ["PATH"],
            "TZ": "UTC",
        }
        argv = ["restic", "--quiet", *arguments]
        return subprocess.run(argv, env=environment, check=True, capture_output=True, text=True).stdout

    def back_up(self, moments: Sequence[str]) -> None:
        for moment in moments:
            self.run("backup", "--time", moment, str(self._home / "directory"))

    def kept(self, policy: Policy) -> set[str]:
        rules = [f"--{rule}={value}" for rule, value in policy.to_options().items()]
        (group,) = json.loads(self.run("forget", "--dry-run", "--json", "--group-by=paths", *rules))
        return {each["time"][:19].replace("T", " ") for each in group["keep"]}


def test_the_same_snapshots_stay(tmp_path: Path) -> None:
    restic = Restic(tmp_path)
    restic.back_up(MOMENTS)
    times = [int(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp()) * 10**9 for moment in MOMENTS]
    headers = [header(number, time) for number, time in enumerate(times)]
    standing = standings(sorted(headers, key=age, reverse=True), is_good, NOW)
    for policy in POLICIES:
        found = keep(headers, standing, policy, UTC)
        by_rule = {
            moment
            for moment, each in zip(MOMENTS, headers, strict=True)
            if any(reason.rule != LAST_GOOD for reason in found[each.identifier])
        }
        assert by_rule == restic.kept(policy), policy
