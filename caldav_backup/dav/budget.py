"""How much repeating a whole run may do, whatever each single request could.

Owns the count. A server that fails one request in two would otherwise be asked for hours.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from caldav_backup.dav.errors import DavError, GaveUp

#: Repeated requests in one run, so that a small one survives a bad hour; in large runs this part of all that were sent.
_REPEATS = 250
_PART = 0.10
#: Seconds without any success.
_HOPELESS = 600.0


class Budget:
    """One run's repeats. Once it is used up, nothing more is sent: `require_left` raises for every request."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sent = 0
        self._repeats = 0.0
        self._last_success: float | None = None
        self._given_up: str | None = None

    def sent(self) -> None:
        """A request goes out."""
        self._sent += 1
        if self._last_success is None:
            self._last_success = self._clock()  # a run has its time from its first request on

    def succeeded(self) -> None:
        """A request was answered as it should be."""
        self._last_success = self._clock()

    def spend(self, repeats: float, error: DavError) -> None:
        """A repeat because of `error`, or a part of one where that is no trouble. Raises GaveUp when none is left."""
        self._repeats += repeats
        silent = 0.0 if self._last_success is None else self._clock() - self._last_success
        if self._repeats > max(_REPEATS, _PART * self._sent):
            self._given_up = f"given up: {self._repeats:,.0f} of {self._sent:,} requests had to be repeated"
        elif silent > _HOPELESS:
            self._given_up = f"given up: no request has succeeded for {silent / 60:.0f} minutes"
        self.require_left(error)

    def require_left(self, error: DavError | None = None) -> None:
        """Raises GaveUp, with the last error of all, once it is used up."""
        if self._given_up is None:
            return
        if error is not None and error.reason not in self._given_up:
            self._given_up = f"{self._given_up}; the last: {error.reason}"
        raise GaveUp(self._given_up) from error
