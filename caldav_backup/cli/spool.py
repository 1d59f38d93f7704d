"""Lists that may be too long for memory, on their way into a JSON document.

Owns a temporary file that takes them, and looks like a list to the encoder.
"""

from __future__ import annotations

import json
import tempfile
import weakref
from collections.abc import Iterator
from typing import Any

# What is kept in memory before a file is made: some ten thousand findings.
_IN_MEMORY = 4 << 20


class Spool(list[Any]):
    """JSON values in the order of `append`; read them as often as is wanted, but not while more are appended.

    A list by name only, which the encoder asks for: the values lie in a file.
    """

    def __init__(self) -> None:
        super().__init__()
        self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY, "w+", encoding="utf-8", newline="\n")  # noqa: SIM115
        # The document is written when the command has ended long ago, so nobody is there to close it.
        weakref.finalize(self, self._file.close)
        self._count = 0

    def append(self, value: Any) -> None:
        self._file.seek(0, 2)
        self._file.write(json.dumps(value, ensure_ascii=True) + "\n")
        self._count += 1

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Any]:
        self._file.seek(0)
        for line in self._file:
            yield json.loads(line)
