"""Which servers are restored to which, one account saved for all pairs that begin with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from tests.compatibility.servers import NAMES
from tests.compatibility.trial import FreshHome, Trial, saved, tried

#: Each server gives once and takes once. Neighbours of those that need long for ten megabytes are not the fast ones.
RING = (
    ("sabredav", "cyrus"),
    ("cyrus", "davical"),
    ("davical", "sogo"),
    ("sogo", "radicale"),
    ("radicale", "xandikos"),
    ("xandikos", "sabredav"),
)
#: Does not get the event of ten megabytes from us: that takes Radicale 3.9 a minute or more. It does get it restored.
SLOW = frozenset({"radicale"})


def all_pairs() -> list[tuple[str, str]]:
    """All thirty-six, those of one source together."""
    return [(source, target) for source in NAMES for target in NAMES]


def tried_pairs(
    pairs: Sequence[tuple[str, str]], fresh_home: FreshHome, *, sample: int = 1, huge: bool
) -> Iterator[Trial]:
    """One trial after another; neighbouring pairs of one source share its account and its snapshot.

    Pairs of the ring restore twice.
    """
    for source, group in groupby(pairs, key=lambda pair: pair[0]):
        targets = {target: fresh_home(target) for _, target in group}
        saving = saved(source, targets, fresh_home, sample=sample, huge=huge and source not in SLOW)
        for target, home in targets.items():
            # The one account of Xandikos is emptied for each test, so that here it is asked for once more.
            yield tried(saving, home if home.user else fresh_home(target), twice=(source, target) in RING)
