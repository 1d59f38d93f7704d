"""How long an answer may take: each silence, a trickle, and the whole of it in proportion to its size.

Owns the bounds, pure. What is measured is the time that we wait for the server, not what is done with its bytes.
"""

from __future__ import annotations

#: `timeout` bounds each silence; an exchange may take so many times as long, and longer the more it carries.
WHOLE_EXCHANGE = 20
#: Until the answer begins, likewise.
_BEGINNING = 4
#: Bytes per second: what carries more than the second may take its time, what comes slower than the first is no answer.
_TRICKLE = 32
_STEADY = 16 * 1024
#: Bytes of a request that need no time, and bytes per second at which a server looks through the others before it says
#: anything: Radicale 3.9 needs 46 s for 10 MB on a machine that is idle.
_LARGE = 1024 * 1024
_LOOKED_THROUGH = 64 * 1024
#: A name that is found and a machine that is there answer sooner.
_MOST_FOR_CONNECTING = 30.0


def connecting(timeout: float) -> float:
    """Seconds for the connection, and as many again for TLS."""
    return min(timeout, _MOST_FOR_CONNECTING)


def silence(timeout: float, sent: int) -> float:
    """Seconds in which nothing may come, after a request of `sent` bytes."""
    return timeout + max(0, sent - _LARGE) / _LOOKED_THROUGH


def beginning(timeout: float, sent: int) -> float:
    """Seconds until an answer to a request of `sent` bytes has to begin, provisional ones (RFC 9110 §15.2) or not."""
    return _BEGINNING * timeout + sent / _STEADY


class Patience:
    """One answer's body; `timeout` in seconds."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._whole = 0.0
        self._size = 0
        self._window = 0.0
        self._window_size = 0

    @property
    def waited(self) -> float:
        """Seconds so far."""
        return self._whole

    def why_over(self, seconds: float, size: int) -> str | None:
        """None while it lasts, when another `size` bytes came after `seconds`; else what is wrong with the answer."""
        self._whole += seconds
        self._size += size
        self._window += seconds
        self._window_size += size
        if self._window >= self._timeout:
            if self._window_size < _TRICKLE * self._timeout:
                return f"the answer comes too slowly, {self._window_size:,} bytes in {self._window:.3g} s"
            self._window, self._window_size = 0.0, 0
        most = WHOLE_EXCHANGE * self._timeout + self._size / _STEADY
        return f"the answer has no end within {most:.4g} s" if self._whole > most else None
