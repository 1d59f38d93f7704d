from __future__ import annotations

import subprocess
import sys

import pytest

from caldav_backup import dav


def test_everything_public_is_there() -> None:
    assert all(getattr(dav, name) is not None for name in dav.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        dav.nothing  # noqa: B018  # the look-up is the deed


def test_looking_at_errors_loads_neither_network_nor_xml() -> None:
    program = (
        "import sys; from caldav_backup import dav; dav.Unauthorized, dav.parse_location;"
        "print([name for name in ('httpx', 'lxml', 'asyncio') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
    assert dav.Client.__module__ == "caldav_backup.dav.client"
