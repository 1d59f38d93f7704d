"""`caldav-backup demo`: the whole round on a server and a store of its own, to see it work."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import typer

from caldav_backup.cli.answer import Answer
from caldav_backup.cli.embedded_radicale import is_installed
from caldav_backup.cli.invocation import Invocation, invocation_of

MISSING = (
    "the demo needs a calendar server of its own, Radicale, which is not installed; it comes with the extra `demo`, "
    "for example: pipx install --force 'caldav-backup[demo]'"
)


def command(context: typer.Context) -> Answer:
    """Show all of it at work on a small server of its own."""
    from caldav_backup.cli.demo_round import DemoFailed, Round

    run = invocation_of(context)
    if not is_installed():
        raise DemoFailed(MISSING)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="caldav-backup-demo-") as directory:
        work = Round(Path(directory))
        try:
            done = [_step(run, number, *step) for number, step in enumerate(work.steps, 1)]
        finally:
            work.stop()
    seconds = time.monotonic() - begun
    all_went_well = f"All {len(done)} steps did what they claim, in {seconds:.1f} s. Server, store and files are gone."
    return Answer({"steps": done, "seconds": round(seconds, 3)}, summary=[all_went_well])


def _step(run: Invocation, number: int, title: str, deed: Any) -> dict[str, Any]:
    begun = time.monotonic()
    did = deed()
    seconds = time.monotonic() - begun
    if not (run.options.quiet or run.options.json):
        run.terminal.write(f"{number}. {title} ({seconds:.1f} s)\n   {did}\n")
    return {"title": title, "did": did, "seconds": round(seconds, 3)}
