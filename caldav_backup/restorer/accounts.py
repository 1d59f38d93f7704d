"""Whether two origins, as snapshots and destinations tell them, are the same account."""

from __future__ import annotations


def is_same_account(one: str, other: str) -> bool:
    """True when a calendar of both is the same calendar, wherever in the account each of them begins.

    Logins by a token alone have no user name: then only the same address is the same account.
    """
    return one == other or ("@" in _account(one) and _account(one) == _account(other))


def _account(origin: str) -> str:
    """`user@host[:port]`; "" for a local path, which is a whole account."""
    return "" if origin.startswith("/") else origin.partition("/")[0]
