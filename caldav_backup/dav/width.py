"""How many requests one host gets at once: three, fewer where that is no gain or where the host asks for it, more where
that is allowed and costs the host nothing.

Owns the number, from measurements that it is given. Pure: no clock, no waiting (`turns` does that).
"""

from __future__ import annotations

from typing import NamedTuple

#: Answers in a row after which one more at once is tried again.
_GOOD_TO_GROW = 20
#: How many requests are measured at full width, then one at a time, before the two are compared.
_WIDE, _ALONE = 9, 3
#: How much worse than in turn requests at once must be before they are sent in turn: measurements vary.
_MARGIN = 1.5
#: How much longer than one alone each of several may take where the host is said to have time to spare: then most of it
#: is the way there and back.
_SPARE = 1.5
#: Requests before the next comparison; each comparison doubles it, up to the most.
_NEXT, _NEXT_MOST = 100, 1600
#: Every answer costs something besides its bytes; so many bytes stand for that.
_FIXED = 2048


class Sample(NamedTuple):
    """One request that was answered: its method, how many were under way when it began, itself included, the seconds
    that the server let us wait, and the bytes it sent."""

    method: str
    at_once: int
    seconds: float
    size: int


class Width:
    """The number for one host, at most `most`; where there is time to spare at the host, at most `room`.

    - A server that works on one request at a time (Radicale 3.9, `php -S`) lets three at once wait three times as long;
      one that gets slower still is asked one at a time. To know that, now and then a few requests are sent alone, and
      the time that they take for their size is compared.
    - Where each of three takes hardly longer than one alone, twice as many are tried, until that is no gain or there is
      no more `room`. At 20 ms from Cyrus 3.6, eight PUTs at once are 2.3 times as fast as three.
    - A refusal for being busy, or a timeout, halves the number; twenty good answers in a row add one again, and beyond
      `most` it does not go any more.
    """

    def __init__(self, most: int = 3, room: int | None = None) -> None:
        self.most = most
        self._room = most if room is None else room
        self._allowed = most
        self._good = 0
        self._is_slower_together = False
        self._wide: list[Sample] = []
        self._alone: list[Sample] = []
        self._until_next = 0
        self._next = _NEXT

    @property
    def limit(self) -> int:
        """How many requests may be under way now."""
        return 1 if self._is_slower_together or self._is_measuring_alone else self._allowed

    @property
    def _is_measuring_alone(self) -> bool:
        return len(self._wide) >= _WIDE and len(self._alone) < _ALONE

    def answered(self, sample: Sample) -> None:
        """A request was answered."""
        self._good += 1
        if self._good >= _GOOD_TO_GROW and self._allowed < self.most:
            self._allowed += 1
            self._good = 0
        if self._until_next > 0:
            self._until_next -= 1
            self._is_slower_together = self._is_slower_together and self._until_next > 0
        elif self._is_measuring_alone:
            if sample.at_once == 1:  # else it was under way already
                self._alone.append(sample)
                self._compare()
        elif sample.at_once == self._allowed > 1:
            self._wide.append(sample)
            self._compare()

    def turned_away(self) -> None:
        """The host was busy, or did not answer in time."""
        self._allowed = max(1, self._allowed // 2)
        self._room = self.most
        self._good = 0
        self._wide.clear()
        self._alone.clear()

    def _compare(self) -> None:
        if len(self._wide) < _WIDE or len(self._alone) < _ALONE:
            return
        at_once = self._wide[-1].at_once
        times = _times_longer(self._wide, self._alone)
        self._wide.clear()
        if times is not None and times < _SPARE and self._allowed < self._room:
            self._allowed = min(2 * self._allowed, self._room)
            return  # what one takes alone is known
        if times is not None and at_once < self.most * times:
            self._allowed = min(self._allowed, self.most)  # that many would be served as fast
        self._is_slower_together = times is not None and times > _MARGIN * at_once
        # The more are sent at once, the more it costs to send some alone: a tenth of the time at eight, every 200.
        self._until_next = self._next if times is None or self._allowed <= self.most else _NEXT_MOST
        self._next = min(2 * self._next, _NEXT_MOST)
        self._alone.clear()


def _times_longer(wide: list[Sample], alone: list[Sample]) -> float | None:
    """How many times as long as alone a request took among others; None where there is no like to compare with."""
    method = alone[-1].method
    together, single = (
        [each.seconds / (each.size + _FIXED) for each in samples if each.method == method] for samples in (wide, alone)
    )
    if len(together) < _ALONE or len(single) < 2:
        return None
    # The fastest say what the server can do; the slow ones may have had other causes.
    return _lower_half(together) / _lower_half(single)


def _lower_half(values: list[float]) -> float:
    faster = sorted(values)[: (len(values) + 1) // 2]
    return sum(faster) / len(faster)
