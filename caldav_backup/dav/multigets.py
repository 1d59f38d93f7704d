"""What is known of multigets in one calendar: how large they may be, and whether they are worth a try.

Owns the decision, over all batches of a run; pure, nothing is asked here. A server may refuse large batches, all
batches, or only those with one certain member in them, and each has to cost little.
"""

from __future__ import annotations

#: Members of one batch.
BATCH = 100
#: The same where somebody asks for so many at once, until a batch above `BATCH` fails.
LARGE_BATCH = 200
#: Failures in a row after which members are fetched alone; those that were waited for count twice. One bad member makes
#: two in a row at most, since the other half of its batch succeeds; a server that takes four at once makes nine.
_MOST_FAILURES = 10
#: Failures in a row that look as if the size were the cause, when a smaller batch succeeds then.
_TOO_LARGE = 4
#: Members that are fetched alone before the next try; twice as many after each that fails.
_PAUSE = 100
_LONGEST_PAUSE = 100_000
#: Successes in a row after which a larger batch is tried again.
_STREAK = 8


class Multigets:
    """The memory of one calendar, kept as long as its client."""

    def __init__(self) -> None:
        #: Members of one batch at most.
        self.most = LARGE_BATCH
        #: True when line ends that XML lost were CR LF where that could be seen; None while nobody has looked.
        self.has_crlf: bool | None = None
        self._is_unknown = False
        self._failures = 0
        self._cost = 0
        self._successes = 0
        self._next_pause = _PAUSE
        self._pause = 0

    def allow(self, members: int) -> bool:
        """True when a batch of so many is worth a try; else they are counted as fetched alone."""
        if self._is_unknown:
            return False
        if self._pause > 0:
            self._pause -= members
            return False
        return True

    def give_up(self) -> None:
        """The server does not know the report, or what it answers is of no use."""
        self._is_unknown = True

    def succeeded(self, members: int) -> None:
        """A batch of so many brought what was asked."""
        if self._failures >= _TOO_LARGE:
            self.most = max(members, 2)
        self._failures = self._cost = 0
        self._next_pause = _PAUSE
        self._successes += 1
        if self._successes >= _STREAK and self.most < BATCH:
            self.most = min(BATCH, self.most * 2)
            self._successes = 0

    def failed(self, members: int, *, is_slow: bool = False) -> None:
        """A batch of so many failed; `is_slow` when the server did not say so, but kept us waiting or hung up."""
        self._successes = 0
        if members > BATCH:
            self.most = min(self.most, BATCH)  # nothing is known of usual batches yet
            return
        self._failures += 1
        self._cost += 2 if is_slow else 1
        if self._cost >= _MOST_FAILURES or self._next_pause > _PAUSE:
            self._pause = self._next_pause
            self._next_pause = min(self._next_pause * 2, _LONGEST_PAUSE)
            self._failures = self._cost = 0
        elif self.most < BATCH:
            self.most = max(2, min(self.most, members // 2))
