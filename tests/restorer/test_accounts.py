"""What is the same account: its own user at the same server, and nothing that merely has no name."""

from __future__ import annotations

import pytest

from caldav_backup.restorer.accounts import is_same_account


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("alice@host/dav/", "alice@host/dav/work/", True),
        ("alice@host/dav/", "bob@host/dav/", False),
        ("alice@host:1/", "alice@host:2/", False),
        ("host/dav/", "host/dav/", True),
        ("host/dav/one/", "host/dav/two/", False),
        ("/home/alice/cal", "/home/alice/cal", True),
        ("/home/alice/cal", "/home/alice@home/cal", False),
        ("/a@b/cal", "/a@b/other", False),
    ],
)
def test_an_account_is_a_user_at_a_server_else_one_address(one: str, other: str, same: bool) -> None:
    assert is_same_account(one, other) is same
