"""`caldav-backup stats`: what a store and its sources come to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from caldav_backup.cli.answer import Answer, Table
from caldav_backup.cli.counting import counted
from caldav_backup.cli.exits import Exit, Usage
from caldav_backup.cli.invocation import Invocation, invocation_of
from caldav_backup.cli.listings import human_size
from caldav_backup.cli.opening import choose_headers, open_repository
from caldav_backup.cli.progress_view import watched
from caldav_backup.inspection.snapshots import Filter
from caldav_backup.progress import LookedAt

if TYPE_CHECKING:
    from caldav_backup.inspection.statistics import SourceSums, StoreSums
    from caldav_backup.kloset.repository import Repository

_NUMBERS = frozenset({"snaps", "events", "raw", "unique", "distinct"})


def command(
    context: typer.Context,
    *,
    snapshots: Annotated[
        list[str] | None, typer.Argument(metavar="[SNAP]...", help="Only these snapshots; none: all.")
    ] = None,
    source: Annotated[str | None, typer.Option(metavar="SOURCE", help="Only of this source: @name or origin.")] = None,
    deep: Annotated[
        bool, typer.Option("--deep", help="Look at every record: what is the same, what is unique, what is dead.")
    ] = False,
) -> Answer:
    """Tell how much a store was given, and how much it keeps."""
    from caldav_backup.inspection.statistics import sum_up_sources, sum_up_store

    run = invocation_of(context)
    if deep and (snapshots or source):
        raise Usage("--deep is about the whole store: what is unique to one source depends on all others")
    repository = open_repository(run)
    if deep:
        store, sources = _deeply(run, repository)
    else:
        chosen = choose_headers(run, repository, snapshots, source) if snapshots else repository.snapshots()
        wanted = chosen if snapshots or source is None else Filter(source=source, hidden_too=True).apply(chosen)
        store, sources = sum_up_store(repository), sum_up_sources(wanted)
    return _answer(run, store, sources, is_whole=not (snapshots or source))


def _deeply(run: Invocation, repository: Repository) -> tuple[StoreSums, list[SourceSums]]:
    from caldav_backup.inspection.statistics import sum_up_deeply

    with watched(run, "stats") as progress:
        return sum_up_deeply(repository, repository.snapshots(), lambda step: progress(LookedAt(*step)))


def _answer(run: Invocation, store: StoreSums, sources: list[SourceSums], *, is_whole: bool) -> Answer:
    raw = sum(each.raw for each in sources)
    result: dict[str, Any] = {
        "snapshots": sum(each.snapshots for each in sources),
        "raw": raw,
        "deduplicated": store.deduplicated,
        "stored": store.stored,
        "ratio": round(raw / store.stored, 3) if is_whole and store.stored else None,
        "packfiles": {"count": store.packfiles, "size": store.packfile_bytes},
        "states": {"count": store.states, "size": store.state_bytes},
        "live": store.blobs.live if store.blobs else None,
        "dead": store.blobs.dead if store.blobs else None,
        "sources": [
            {
                "source": each.source,
                "snapshots": each.snapshots,
                "events": each.events,
                "raw": each.raw,
                "deduplicated": each.deep.deduplicated if each.deep else None,
                "unique": each.deep.unique if each.deep else None,
            }
            for each in sources
        ],
    }
    code = Exit.DAMAGED if run.damaged_snapshots else Exit.DONE
    return Answer(result, [_table(sources), "", _lines(store, raw, is_whole=is_whole)], exit=code)


def _table(sources: list[SourceSums]) -> Table:
    is_deep = any(each.deep for each in sources)
    rows = [
        [
            each.source,
            str(each.snapshots),
            str(each.events),
            human_size(each.raw),
            *([human_size(each.deep.deduplicated), human_size(each.deep.unique)] if each.deep else []),
        ]
        for each in sources
    ]
    headings = ["source", "snaps", "events", "raw", *(["distinct", "unique"] if is_deep else [])]
    return Table(headings, rows, _NUMBERS, empty="the store has no snapshots")


def _lines(store: StoreSums, raw: int, *, is_whole: bool) -> str:
    """One line for each sum, aligned."""
    values = [("raw", human_size(raw))]
    if store.deduplicated is not None:
        values.append(("deduplicated", human_size(store.deduplicated)))
    values.append(("stored", human_size(store.stored)))
    values.append(("packfiles", f"{human_size(store.packfile_bytes)} in {counted(store.packfiles, 'file')}"))
    values.append(("states", f"{human_size(store.state_bytes)} in {counted(store.states, 'file')}"))
    if is_whole and store.stored:
        values.append(("ratio", f"{raw / store.stored:.1f} : 1"))
    if store.blobs is not None:
        dead = human_size(store.blobs.dead)
        values.append(("dead", f"{dead}; no snapshot needs it" if store.blobs.dead else "nothing"))
    width = max(len(name) for name, _ in values)
    return "\n".join(f"{name:{width}}  {value}" for name, value in values)
