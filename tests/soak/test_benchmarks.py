"""The numbers that are promised anywhere, at their full size: each benchmark fails where it misses them."""

from __future__ import annotations

import pytest

from benchmarks.__main__ import names, run


@pytest.mark.soak
@pytest.mark.parametrize("name", names())
def test_a_benchmark_keeps_what_it_promises(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    with capfd.disabled():
        code, _ = run(name)
    assert code == 0
