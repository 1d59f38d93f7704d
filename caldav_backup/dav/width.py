"""How many requests one host gets at once: three, fewer where that is no gain or where the host asks for it.

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
    """The number for one host, at most `most`.

    - A server that works on one request at a time (Radicale 3.9, `php -S`) lets three at once wait three times as long;
      one that gets slower still is asked one at a time. To know that, now and then a few requests are sent alone, and
      the time that they take for their size is compared.
    - A refusal for being busy, or a timeout, halves the number; twenty good answers in a row add one again.
    """

    def __init__(self, most: int = 3) -> None:
        self.most = most
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
        return len(self._wide) >= _WIDE

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
            self._measure_alone(sample)
        elif sample.at_once == self._allowed > 1:
            self._wide.append(sample)

    def turned_away(self) -> None:
        """The host was busy, or did not answer in time."""
        self._allowed = max(1, self._allowed // 2)
        self._good = 0
        self._wide.clear()
        self._alone.clear()

    def _measure_alone(self, sample: Sample) -> None:
        if sample.at_once != 1:
            return  # one that was under way already
        self._alone.append(sample)
        if len(self._alone) < _ALONE:
            return
        self._is_slower_together = _are_slower_together(self._wide, self._alone)
        self._until_next = self._next
        self._next = min(2 * self._next, _NEXT_MOST)
        self._wide.clear()
        self._alone.clear()


def _are_slower_together(wide: list[Sample], alone: list[Sample]) -> bool:
    """True when sending at once took longer than sending the same in turn; only like is compared with like."""
    method = alone[-1].method
    together, single = (
        [each.seconds / (each.size + _FIXED) for each in samples if each.method == method] for samples in (wide, alone)
    )
    if len(together) < _ALONE or len(single) < 2:
        return False
    # The fastest say what the server can do; the slow ones may have had other causes.
    return _lower_half(together) > _MARGIN * wide[-1].at_once * _lower_half(single)


def _lower_half(values: list[float]) -> float:
    faster = sorted(values)[: (len(values) + 1) // 2]
    return sum(faster) / len(faster)
