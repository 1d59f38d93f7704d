"""One server's account, backed up and restored into a fresh account of another server, and what came of it.

Owns the order: seed, back up, restore, look by plain requests, restore once more. What is right is `judging`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from caldav_backup import dav
from caldav_backup.archiver import Outcome
from caldav_backup.connectors.destination_caldav import CalDavDestination
from caldav_backup.kloset import Configuration, Repository, Snapshot
from caldav_backup.kloset.storage.memory import MemoryStorage
from caldav_backup.restorer import CalendarReport, RestoreOptions, RestoreReport, Result, apply, plan_restore
from tests.archiver.backups import backup, newest
from tests.compatibility.accounts import Held, Properties, account, as_reported, reached
from tests.compatibility.corpus import corpus
from tests.compatibility.judging import Fate, Judged, judge
from tests.compatibility.people import people_of
from tests.compatibility.records import Kind
from tests.compatibility.seeding import Seeded, seed_all
from tests.servers.server import Server

FreshHome = Callable[[str], Server]


class Saved(NamedTuple):
    """A seeded account, and the snapshot that was made of it."""

    seeded: Seeded
    outcome: Outcome
    snapshot: Snapshot


class Trial(NamedTuple):
    """A pair: every record that the source had, what calendars lost with it being reported, and all that is wrong."""

    source: str
    target: str
    judged: tuple[Judged, ...]
    not_kept: tuple[str, ...]
    problems: tuple[str, ...]
    kinds: Mapping[str, Kind]


def saved(source: str, targets: Mapping[str, Server], fresh_home: FreshHome, *, sample: int, huge: bool) -> Saved:
    """Seed a fresh account of `source`, with meetings of those who own `targets`, and back it up."""
    folders = corpus(people_of(list(targets.values())), sample=sample, huge=huge)
    seeded = seed_all(fresh_home(source), folders)
    repository = Repository.create(MemoryStorage(), Configuration.new(encrypted=False))
    outcome, _ = backup(seeded.server, repository)
    snapshot = newest(repository)
    return Saved(seeded._replace(truth=_either_truth(seeded, _contents(snapshot))), outcome, snapshot)


def _contents(snapshot: Snapshot) -> dict[str, bytes]:
    return {entry.path.lstrip("/"): snapshot.read(entry) for entry in snapshot.walk() if entry.is_file}


def _either_truth(seeded: Seeded, inside: Mapping[str, bytes]) -> dict[str, Held]:
    """The truth, with what is in the snapshot where the server itself gives both.

    Cyrus 3.6 writes an object anew for each GET, and so otherwise than in a multiget: of `CATEGORIES:two\\,three` it
    makes two categories, and `^^` in a parameter becomes `^`.
    """
    found = dict(seeded.truth)
    for calendar, held in seeded.truth.items():
        for name, content in held.objects.items():
            other = inside.get(f"{calendar}/{name}", content)
            if other != content and other == as_reported(seeded.server, held, name):
                found[calendar] = found[calendar]._replace(objects={**found[calendar].objects, name: other})
    return found


def tried(saving: Saved, target: Server, *, twice: bool) -> Trial:
    """Restore into `target`, an empty account, and judge what is there; `twice`: then restore the same once more."""
    before = reached(target)
    report = restored(saving.snapshot, target)
    there = account(target)
    judged = [*_unsaved(saving), *_judged(saving, report, there)]
    problems = [one.problem for one in judged if one.problem]
    problems += [
        f"calendar {one.stored.name}: {word}" for one in report.calendars for word in _unkept(saving, one, there)
    ]
    if report.stopped_by is not None:
        problems.append(f"it was stopped: {report.stopped_by!r}")
    if twice:
        problems += _changed_by_another(report, restored(saving.snapshot, target), there, account(target))
    if reached(target) != before:
        problems.append("mails or invitations went out")
    not_kept = [f"{one.stored.name}: {word}" for one in report.calendars for word in one.not_kept]
    kinds = saving.seeded.kinds
    return Trial(saving.seeded.server.name, target.name, tuple(judged), tuple(not_kept), tuple(problems), kinds)


def restored(snapshot: Snapshot, server: Server) -> RestoreReport:
    """A whole restore with the options that people have who give none."""

    async def run() -> RestoreReport:
        login = dav.BasicAuthentication(server.user, server.password) if server.user else None
        client = dav.Client(dav.Transport(server.url, login))
        destination = CalDavDestination(client, server.home, origin=f"{server.user}@{server.name}")
        try:
            plan = await plan_restore(snapshot, destination, RestoreOptions())
            return await apply(plan, snapshot, destination)
        finally:
            await destination.close()

    return asyncio.run(run())


def _unsaved(saving: Saved) -> Iterator[Judged]:
    """Records that the source has and the snapshot has not, or in other bytes: the backup must have said so."""
    inside, outcome = _contents(saving.snapshot), saving.outcome
    said = {path.lstrip("/"): reason for path, reason in (*outcome.failures, *outcome.warnings)}
    for calendar, held in saving.seeded.truth.items():
        for name, content in held.objects.items():
            path = f"{calendar}/{name}"
            if path in said:
                yield Judged(path, Fate.UNREAD, reason=said[path])
            elif inside.get(path) != content:
                yield Judged(path, Fate.UNREAD, problem=f"{path}: the backup has other bytes, or none, without a word")


def _judged(saving: Saved, report: RestoreReport, there: Mapping[str, Held]) -> Iterator[Judged]:
    by_path = {held.path: held for held in there.values()}
    unread = {one.path for one in _unsaved(saving)}
    reports = {one.stored.name: one for one in report.calendars}
    for name, held in saving.seeded.truth.items():
        objects = {leaf: content for leaf, content in held.objects.items() if f"{name}/{leaf}" not in unread}
        if name not in reports:
            yield Judged(name, Fate.REFUSED, problem=f"calendar {name}: the report does not mention it")
            continue
        target = by_path.get(reports[name].key.rstrip("/"))
        yield from judge(objects, reports[name], target.objects if target else {})


def _unkept(saving: Saved, report: CalendarReport, there: Mapping[str, Held]) -> Iterator[str]:
    """What a person would see of a new calendar that is not as it was, and that the report does not mention."""
    held = next((one for one in there.values() if one.path == report.key.rstrip("/")), None)
    truth = saving.seeded.truth.get(report.stored.name)
    if held is None or truth is None or not report.created:
        return
    for name, was, now in zip(Properties._fields, truth.properties, held.properties, strict=True):
        kept = was <= now if isinstance(was, frozenset) and isinstance(now, frozenset) else not was or was == now
        if not kept and not any(word.startswith(name) for word in report.not_kept):
            yield f"its {name} was {was!r} and is {now!r}, without a word"


def _changed_by_another(
    first: RestoreReport, second: RestoreReport, before: Mapping[str, Held], after: Mapping[str, Held]
) -> Iterator[str]:
    """What restoring the same once more did, where it ought to do nothing."""
    for name in sorted({*before, *after}):
        if name not in before or name not in after:
            yield f"restoring again made or removed the calendar {name}"
        elif before[name] != after[name]:
            differing = _differing(before[name].objects, after[name].objects)
            yield f"restoring again changed {', '.join(differing)} in {name}"
    results = {f"{one.stored.name}/{record.name}": record.result for one in first.calendars for record in one.records}
    for calendar in second.calendars:
        for record in calendar.records:
            path = f"{calendar.stored.name}/{record.name}"
            was = results.get(path)
            if record.result not in (was, Result.IDENTICAL, Result.SKIPPED) or (was is record.result is Result.CREATED):
                yield f"restoring again: {path} was {was}, and is {record.result} ({record.reason})"


def _differing(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> list[str]:
    return sorted(name for name in {*before, *after} if before.get(name) != after.get(name)) or ["its properties"]
