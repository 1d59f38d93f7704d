"""Fixtures for the store's tests."""

from __future__ import annotations

import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from caldav_backup.kloset.storage import Kind, MemoryStorage, PtarStorage, Storage

GOLDEN = Path(__file__).parent.parent / "golden"

Golden = Callable[[str], tuple[Path, dict[str, Any]]]


def load_golden(name: str) -> tuple[Storage, dict[str, Any]]:
    """A store that plakar wrote, for reading only and without touching the disk; and what must be found in it."""
    facts: dict[str, Any] = json.loads((GOLDEN / f"{name}.json").read_text())
    if name.endswith(".ptar"):
        return PtarStorage(GOLDEN / name), facts
    storage = MemoryStorage(name)
    with tarfile.open(GOLDEN / f"{name}.tar.gz") as archive:
        for member in archive:
            if (file := archive.extractfile(member)) is not None:
                _keep(storage, Path(member.name), file.read())
    return storage, facts


def _keep(storage: MemoryStorage, path: Path, content: bytes) -> None:
    if path.name == "CONFIG":
        storage.configuration = content
    else:
        storage.write(Kind(path.parts[1]), bytes.fromhex(path.name), content)


@pytest.fixture
def golden(tmp_path: Path) -> Golden:
    """Unpack a store that plakar wrote; its path, which a test may write to, and what a reader must find in it.

    `golden("b-encrypted")`, or `golden("h-encrypted.ptar")` for the archive; `tests/golden/README.md` lists them.
    """

    def unpack(name: str) -> tuple[Path, dict[str, Any]]:
        facts: dict[str, Any] = json.loads((GOLDEN / f"{name}.json").read_text())
        place = tmp_path / "golden"
        place.mkdir(exist_ok=True)
        if name.endswith(".ptar"):
            shutil.copy(GOLDEN / name, place)
        else:
            with tarfile.open(GOLDEN / f"{name}.tar.gz") as archive:
                # Python 3.11.2 of Debian 12 has no filters yet; newer ones want one to be named.
                archive.extraction_filter = getattr(tarfile, "tar_filter", None)
                archive.extractall(place)
        return place / name, facts

    return unpack
