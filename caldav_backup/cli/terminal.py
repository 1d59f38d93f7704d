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
from typing import TextIO

from caldav_backup.settings import PassphraseMissing, Secret

PROGRAM = "caldav-backup"

#: C0 and C1 controls would move a terminal's cursor or worse; the bidirectional ones reorder what is read.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029]")


class OutputClosed(Exception):
    """Nobody reads standard output any more (`caldav-backup ls | head`)."""


def clean(text: str) -> str:
    """`text` on one line and without anything that a terminal would obey."""
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text.replace("\n", " ").replace("\t", " "))


class Terminal:
    """The streams of this process, looked up anew each time, since tests and callers replace them.

    `output_lost` once standard output could not be written: what is to be said must go to standard error then.
    """

    output_lost = False

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
        with self._output():
            sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
            sys.stdout.flush()

    def write_bytes(self, chunks: Iterable[bytes]) -> None:
        """Bytes to standard output, exactly. OutputClosed when nobody reads them, OSError when it is full."""
        with self._output():
            sys.stdout.flush()
        for chunk in chunks:
            with self._output():
                sys.stdout.buffer.write(chunk)
        with self._output():
            sys.stdout.buffer.flush()

    def finish(self) -> None:
        """Once nothing more is to be written: Python's own last flush must not fail a second time."""
        with contextlib.suppress(OSError, OutputClosed), self._output():
            sys.stdout.flush()

    def tell(self, message: str) -> None:
        """One line to standard error, with the program's name in front."""
        try:
            sys.stderr.write(f"{PROGRAM}: {clean(message)}\n")
            sys.stderr.flush()
        except OSError:
            # Whoever watched is gone, or the log is full: no reason to stop; the exit code says what happened.
            _abandon(sys.stderr)

    def ask_secret(self, question: str) -> Secret:
        """What a person types after `question`, not shown. Only where `can_ask`."""
        from getpass import getpass

        with _answering(question):
            return Secret(getpass(f"{question}: ", stream=sys.stderr))

    def read_line(self) -> str:
        """A line that was piped in, without its end; empty when there is none."""
        return sys.stdin.readline().rstrip("\r\n")

    def ask(self, question: str) -> str:
        """What a person answers to `question`, without blanks around it; "" for nothing. Only where `can_ask`."""
        with _answering(question):
            sys.stderr.write(f"{clean(question)} ")
            sys.stderr.flush()
            answer = sys.stdin.readline()
        if not answer.endswith("\n"):
            sys.stderr.write("\n")
        return answer.strip()

    def confirm(self, question: str) -> bool:
        """True when a person answers `question` with y or yes. Only where `can_ask`."""
        return self.ask(f"{question} [y/N]").lower() in {"y", "yes"}

    @contextlib.contextmanager
    def _output(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.output_lost = True
            _abandon(sys.stdout)
            if isinstance(error, BrokenPipeError):
                raise OutputClosed from None
            error.filename = "standard output"
            raise


def open_closed_streams() -> None:
    """Standard streams that are closed (`>&-`) lead nowhere: else the store's next file would get their number."""
    for descriptor, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(descriptor)
        except OSError:
            # The lowest free number is given out first, and those below are open by now.
            os.open(os.devnull, os.O_RDWR)
        if getattr(sys, name) is None:
            setattr(sys, name, open(descriptor, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


@contextlib.contextmanager
def _answering(question: str) -> Iterator[None]:
    """Whatever comes in the place of an answer begins on a new line."""
    try:
        yield
    except EOFError:
        sys.stderr.write("\n")
        raise PassphraseMissing(f"{clean(question)}: no answer was given, so nothing was done") from None
    except BaseException:
        sys.stderr.write("\n")
        raise


def _abandon(stream: TextIO) -> None:
    """Let Python's last flush go nowhere, instead of failing a second time."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _is_terminal(stream: object) -> bool:
    isatty = getattr(stream, "isatty", None)
    return bool(isatty and isatty())
