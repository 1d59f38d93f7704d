"""`caldav-backup export`: a snapshot as files for other programs: one calendar, a directory, or an archive."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from caldav_backup.cli.answer import Answer
from caldav_backup.cli.endpoints import STANDARD_OUTPUT, standard_output
from caldav_backup.cli.exits import Usage
from caldav_backup.cli.invocation import Invocation, invocation_of
from caldav_backup.cli.opening import choose_header, open_repository
from caldav_backup.cli.restoring import Restore
from caldav_backup.cli.running import asynchronous
from caldav_backup.cli.selecting import Calendars, Events, From, Kinds, Texts, Until, selection

if TYPE_CHECKING:
    from caldav_backup.connectors.destination import Destination


class Format(StrEnum):
    """What an export becomes."""

    ICS = "ics"
    VDIR = "vdir"
    TAR = "tar"
    ZIP = "zip"


class OnConflict(StrEnum):
    """What happens to what is there already and differs."""

    SKIP = "skip"
    REPLACE = "replace"


Formats = Annotated[
    Format | None, typer.Option(help="One calendar, a directory, or an archive of it (default: as the output's name).")
]
OutputPath = Annotated[
    str, typer.Option("--output", "-o", metavar="PATH", help="A file, or a directory for vdir; - is standard output.")
]
Conflicts = Annotated[
    OnConflict | None, typer.Option(help="What is there with other content (default: skip, and exit 3).")
]


def command(
    context: typer.Context,
    *,
    snapshot: Annotated[
        str, typer.Argument(metavar="[SNAP[:PATH]]", help="What to export; the newest snapshot when none is given.")
    ] = "latest",
    format: Formats = None,
    output: OutputPath = STANDARD_OUTPUT,
    source: Annotated[str | None, typer.Option(metavar="SOURCE", help="Of this source: @name or origin.")] = None,
    calendar: Calendars = None,
    event: Events = None,
    match: Texts = None,
    from_: From = None,
    until: Until = None,
    type: Kinds = None,
    on_conflict: Conflicts = None,
) -> Answer:
    """Write a snapshot as files for other programs.

    Events are written exactly as the server gave them.
    """
    from caldav_backup import restorer
    from caldav_backup.inspection.references import parse_reference

    run = invocation_of(context)
    chosen = _format(format, output)
    _require_fitting(run, chosen, output)
    reference = parse_reference(snapshot)
    options = replace(
        selection(reference, calendars=calendar, events=event, texts=match, kinds=type, first=from_, last=until),
        on_conflict=restorer.OnConflict(on_conflict or OnConflict.SKIP),
        # An archive is what was stored; programs that read a calendar stumble over an event that is there twice.
        keep_twins=chosen in (Format.TAR, Format.ZIP),
    )
    asked = Restore(
        run, reference.snapshot, source, options, skip_chosen=on_conflict is not None, choices="replace, or skip"
    )
    return _exported(asked, chosen, output)


def _exported(asked: Restore, chosen: Format, output: str) -> Answer:
    repository = open_repository(asked.run)
    header = choose_header(asked.run, repository, asked.word, asked.source)
    destination = _destination(asked.run, chosen, output, header.timestamp_ns // 1_000_000_000)
    with asynchronous() as run_async:
        try:
            return asked.restored(run_async, repository, repository.snapshot(header.identifier), destination, output)
        finally:
            run_async(destination.close())


def _format(given: Format | None, output: str) -> Format:
    """What was asked for; where nothing was, what the output's name says."""
    if given is not None:
        return given
    found = {".ics": Format.ICS, ".tar": Format.TAR, ".zip": Format.ZIP}.get(Path(output).suffix.lower())
    if found is not None:
        return found
    if output != STANDARD_OUTPUT and Path(output).expanduser().is_dir():
        return Format.VDIR
    raise Usage(
        f"what is the export to become? --format takes {', '.join(Format)}; without it, --output is to end in .ics,"
        " .tar or .zip, or to be a directory that is there"
    )


def _require_fitting(run: Invocation, chosen: Format, output: str) -> None:
    """Usage where standard output is no place for it."""
    if output != STANDARD_OUTPUT:
        return
    if chosen is Format.VDIR:
        raise Usage("a vdir is a directory: --output says which")
    if run.options.json:
        raise Usage("--json prints its document on standard output, so the export cannot go there, too; --output FILE")
    if chosen is not Format.ICS and run.terminal.shows_data:
        raise Usage(f"a {chosen} archive is nothing for a terminal: --output FILE, or a pipe behind it")


def _destination(run: Invocation, chosen: Format, output: str, seconds: int) -> Destination:
    from caldav_backup.connectors.archives import TarArchive, ZipArchive
    from caldav_backup.connectors.destination_archive import ArchiveDestination
    from caldav_backup.connectors.destination_directory import DirectoryDestination
    from caldav_backup.connectors.destination_file import MergedDestination
    from caldav_backup.connectors.outputs import FileOutput, Output, StreamOutput

    path = Path(output).expanduser()
    if chosen is Format.VDIR:
        return DirectoryDestination(path)
    to_stdout = output == STANDARD_OUTPUT
    place: Output = StreamOutput(standard_output(run), STANDARD_OUTPUT) if to_stdout else FileOutput(path)
    if chosen is Format.ICS:
        return MergedDestination(place)
    return ArchiveDestination(place, TarArchive if chosen is Format.TAR else ZipArchive, seconds=seconds)
