"""Requests are counted whole, however their bytes are cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.request_counter import RequestCounter

_BODIES = st.lists(st.one_of(st.none(), st.binary(max_size=40), st.just(b"GET / HTTP/1.1\r\n\r\n")), max_size=6)


def request(body: bytes | None) -> bytes:
    head = b"PROPFIND /work/ HTTP/1.1\r\nHost: localhost\r\n"
    return head + b"\r\n" if body is None else head + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


@given(_BODIES, st.integers(min_value=1, max_value=30))
def test_the_count_does_not_depend_on_where_the_bytes_are_cut(bodies: list[bytes | None], size: int) -> None:
    sent = b"".join(map(request, bodies))
    counter = RequestCounter()
    for start in range(0, len(sent), size):
        counter.feed(sent[start : start + size])
    assert counter.count == len(bodies)


def test_a_body_in_chunks_is_refused_rather_than_miscounted() -> None:
    with pytest.raises(ValueError, match="in chunks"):
        RequestCounter().feed(b"PUT /a.ics HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
