"""The three standard streams: who is there, what may be asked, and text that is safe to show.

Owns the question whether a person can be asked at all, hidden input, and the removal of control characters from what
servers and stores supply.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterable, Iterator

from caldav_backup.settings import Secret

PROGRAM = "caldav-backup"

#: C0 and C1 controls would move a terminal's cursor or worse; the bidirectional ones reorder what is read.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029]")


class OutputClosed(Exception):
    """Nobody reads standard output any more (`caldav-backup ls | head`)."""


def clean(text: str) -> str:
    """`text` on one line and without anything that a terminal would obey."""
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text.replace("\n", " ").replace("\t", " "))


class Terminal:
    """The streams of this process, looked up anew each time, since tests and callers replace them."""

    @property
    def can_ask(self) -> bool:
        """True when a person can read a question and type an answer."""
        return _is_terminal(sys.stdin) and _is_terminal(sys.stderr)

    @property
    def shows_data(self) -> bool:
        """True when standard output is a terminal."""
        return _is_terminal(sys.stdout)

    @property
    def shows_progress(self) -> bool:
        """True when standard error is a terminal that can move its cursor."""
        return _is_terminal(sys.stderr) and os.environ.get("TERM") != "dumb"

    @property
    def width(self) -> int | None:
        """Columns of the window, None to let the window be asked."""
        return None

    def write(self, text: str) -> None:
        """Text to standard output; what it cannot encode becomes an escape. Errors as of `write_bytes`."""
        encoding = sys.stdout.encoding or "ascii"
        with _output():
            sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
            sys.stdout.flush()

    def write_bytes(self, chunks: Iterable[bytes]) -> None:
        """Bytes to standard output, exactly. OutputClosed when nobody reads them, OSError when it is full."""
        with _output():
            sys.stdout.flush()
        for chunk in chunks:
            with _output():
                sys.stdout.buffer.write(chunk)
        with _output():
            sys.stdout.buffer.flush()

    def tell(self, message: str) -> None:
        """One line to standard error, with the program's name in front."""
        try:
            sys.stderr.write(f"{PROGRAM}: {clean(message)}\n")
            sys.stderr.flush()
        except BrokenPipeError:
            # Whoever watched is gone; the exit code still says what happened.
            return

    def ask_secret(self, question: str) -> Secret:
        """What a person types after `question`, not shown. Only where `can_ask`."""
        from getpass import getpass

        return Secret(getpass(f"{question}: ", stream=sys.stderr))

    def read_line(self) -> str:
        """A line that was piped in, without its end; empty when there is none."""
        return sys.stdin.readline().rstrip("\r\n")

    def confirm(self, question: str) -> bool:
        """True when a person answers `question` with y or yes. Only where `can_ask`."""
        sys.stderr.write(f"{clean(question)} [y/N] ")
        sys.stderr.flush()
        return sys.stdin.readline().strip().lower() in {"y", "yes"}


@contextlib.contextmanager
def _output() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        _abandon_output()
        if isinstance(error, BrokenPipeError):
            raise OutputClosed from None
        raise


def _abandon_output() -> None:
    """Let Python's last flush go nowhere, instead of failing a second time."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _is_terminal(stream: object) -> bool:
    isatty = getattr(stream, "isatty", None)
    return bool(isatty and isatty())
