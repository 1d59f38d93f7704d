"""Every parser of the store takes changed bytes by the ten thousand, and only the store's own errors come out.

`CALDAV_BACKUP_TEST_SEED` repeats a run. The soak tier has the whole million and prints its table.
"""

from __future__ import annotations

import random
import resource
import sys
import time

import pytest

from tests.fuzz.running import SECONDS, lines, run
from tests.fuzz.structures import forge, forged, use_everything
from tests.fuzz.targets import targets

MIB = 1 << 10
"""In the unit of `ru_maxrss`, on Linux."""


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def test_some_changed_bytes_are_refused_by_name(chance: random.Random) -> None:
    run(targets(), 1000, chance)


@pytest.mark.full
def test_changed_bytes_are_refused_by_name(chance: random.Random) -> None:
    before = peak()
    counts = run(targets(), 50_000, chance)
    assert sum(count.inputs for count in counts.values()) == 50_000
    assert peak() - before < 256 * MIB


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_a_million_changed_bytes_are_refused_by_name(chance: random.Random) -> None:
    before, begin = peak(), time.monotonic()
    counts = run(targets(), 1_000_000, chance)
    grown = peak() - before
    assert grown < 256 * MIB
    sys.stdout.write("\n" + "\n".join(lines(counts)) + "\n")
    sys.stdout.write(f"{time.monotonic() - begin:.0f} s, memory grew by {grown // MIB} MiB\n")


def test_a_forged_record_leads_to_named_errors(chance: random.Random) -> None:
    for _ in range(4):
        use_everything(forged(forge(chance)))


@pytest.mark.full
def test_forged_records_lead_to_named_errors(chance: random.Random) -> None:
    for _ in range(200):
        forgery = forge(chance)
        begin = time.monotonic()
        use_everything(forged(forgery))
        assert time.monotonic() - begin < 20 * SECONDS, forgery


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_twenty_thousand_forged_records_lead_to_named_errors(chance: random.Random) -> None:
    begin = time.monotonic()
    for _ in range(20_000):
        use_everything(forged(forge(chance)))
    sys.stdout.write(f"\n20,000 forged records: {time.monotonic() - begin:.0f} s\n")
