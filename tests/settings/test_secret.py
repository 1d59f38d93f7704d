from __future__ import annotations

import json
import pickle
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caldav_backup.settings import Secret

MARK = "s3cret-mark"


def test_a_secret_prints_as_stars_everywhere() -> None:
    secret = Secret(MARK)
    shown = [
        str(secret),
        repr(secret),
        f"{secret}",
        f"{secret!r}",
        f"{secret:>9}",
        f"{[secret]}",
        f"{ ({'a': secret}) }",
    ]
    assert not any(MARK in text for text in shown)


def test_a_secret_is_in_no_traceback() -> None:
    secret = Secret(MARK)
    with pytest.raises(ValueError, match=r"\*\*\*") as caught:
        raise ValueError(secret)
    assert MARK not in "".join(traceback.format_exception(caught.value))


def test_a_secret_cannot_be_written_out() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(Secret(MARK))
    with pytest.raises(TypeError):
        json.dumps({"password": Secret(MARK)})


def test_secrets_compare_by_text_and_with_nothing_else() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert not Secret("")


@given(st.binary())
def test_any_bytes_come_back_as_they_were(content: bytes) -> None:
    assert Secret.from_bytes(content).reveal_bytes() == content
