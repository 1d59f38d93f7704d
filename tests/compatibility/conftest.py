"""What the pairs of servers share."""

from __future__ import annotations

import pytest

from tests.compatibility.trial import FreshHome


@pytest.fixture(scope="session")
def fresh_home(_servers: FreshHome) -> FreshHome:
    """An account at the server of that name, as empty as it gets."""
    return _servers
