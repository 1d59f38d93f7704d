"""Counts the requests in the bytes of one HTTP/1.1 connection, as they pass by.

Owns: where one request ends and the next begins (RFC 9112 §6). Bytes in, a number out.
"""

from __future__ import annotations

import re

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)


class RequestCounter:
    """`count` is how many requests have begun and have all of their headers."""

    def __init__(self) -> None:
        self.count = 0
        self._head = b""
        self._body = 0

    def feed(self, piece: bytes) -> None:
        """Take what the client sent next. ValueError for a body without a length, which would be miscounted."""
        while piece:
            if self._body:
                passed = min(self._body, len(piece))
                self._body -= passed
                piece = piece[passed:]
                continue
            self._head += piece
            head, end, piece = self._head.partition(b"\r\n\r\n")
            if not end:
                return
            self._head = b""
            self.count += 1
            self._body = _body_length(head)


def _body_length(head: bytes) -> int:
    if _CHUNKED.search(head):
        raise ValueError(f"a request with a body in chunks cannot be counted: {head[:60]!r}")
    length = _LENGTH.search(head)
    return int(length[1]) if length else 0
