"""The peers' own environment below the user's cache directory: made once, with plain pip, versions pinned."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

import platformdirs

PEERS = ("vdirsyncer==0.21.0", "caldav==3.6.0")
_COMPLETE = "complete"


class PeersMissing(Exception):
    """The peers could not be installed; the message ends with what pip said last."""


def peers_python() -> Path:
    """The Python that has the peers, installed now unless it is there. Raises PeersMissing."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    name = "-".join(["peers", version, *(each.replace("==", "-") for each in PEERS)])
    directory = platformdirs.user_cache_path("caldav-backup") / "benchmarks" / name
    python = directory / "bin" / "python"
    if not (directory / _COMPLETE).exists():
        print(f"installing {' and '.join(PEERS)}", flush=True)
        venv.create(directory, clear=True, with_pip=True)
        done = subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PEERS],
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise PeersMissing(f"the peers cannot be installed: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
        (directory / _COMPLETE).touch()
    return python
