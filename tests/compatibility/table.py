"""The page of what servers do to each other's calendars: a table of counts, and what each target changes or refuses.

Owns the words. Reasons come from servers, with addresses and times in them: what differs from one record to the next is
taken out, so that a reason is told once.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from tests.compatibility.judging import Fate, Judged
from tests.compatibility.records import Kind
from tests.compatibility.servers import NAMES
from tests.compatibility.trial import Trial

BEGIN, END = "<!-- begin: written by python3 dev.py compatibility --write -->", "<!-- end -->"
_COUNTED = (Fate.EQUAL, Fate.CHANGED, Fate.REFUSED, Fate.HELD)
_LONGEST = 160


def put_into(text: str, table: str) -> str:
    """The page `text` with `table` between its two markers."""
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n\n{table}\n{END}{rest.split(END)[1]}"


def page(trials: Sequence[Trial], versions: Mapping[str, str]) -> str:
    """Versions, the table, and below it one section for each target, in Markdown."""
    sections = [_section(target, [one for one in trials if one.target == target]) for target in NAMES]
    listed = ", ".join(f"{NAMES[name]} {version}" for name, version in versions.items())
    return "\n".join([f"Servers: {listed}.", "", *_table(trials), "", *sections])


def _table(trials: Sequence[Trial]) -> Iterator[str]:
    by_pair = {(one.source, one.target): one for one in trials}
    yield f"| from ↓ to → | {' | '.join(NAMES.values())} |"
    yield f"|---|{'---|' * len(NAMES)}"
    for source in NAMES:
        cells = [_cell(by_pair.get((source, target))) for target in NAMES]
        yield f"| {NAMES[source]} | {' | '.join(cells)} |"


def _cell(trial: Trial | None) -> str:
    if trial is None:
        return ""
    counted = Counter(one.fate for one in trial.judged)
    counted[Fate.REFUSED] += counted.pop(Fate.LEFT, 0)
    lost = f" **{len(trial.problems)} unreported**" if trial.problems else ""
    return " / ".join(str(counted[fate]) for fate in _COUNTED) + lost


def _section(target: str, trials: Sequence[Trial]) -> str:
    lines = [f"### To {NAMES[target]}", ""]
    told = list(_told(trials))
    lines += told or ["Everything arrives as it was."]
    return "\n".join([*lines, ""])


def _told(trials: Sequence[Trial]) -> Iterator[str]:
    """A line for each kind of record and each reason, with the number of records of all sources together."""
    counted: Counter[tuple[Kind, str]] = Counter()
    for trial in trials:
        for one in trial.judged:
            if one.fate is not Fate.EQUAL:
                counted[_kind(trial, one), in_words(one)] += 1
    for kind in Kind:
        of_kind = [(words, count) for (each, words), count in counted.items() if each is kind]
        if of_kind:
            yield f"- **{kind.value}**"
            yield from (f"  - {words} ({count})" for words, count in sorted(of_kind, key=lambda one: (-one[1], one[0])))
    kept = Counter(word.partition(": ")[2] for trial in trials for word in trial.not_kept)
    if kept:
        yield "- **calendars**"
        yield from (f"  - {word} ({count})" for word, count in sorted(kept.items()))


def _kind(trial: Trial, one: Judged) -> Kind:
    """The kind of a record; one that was written in several forms has names of which only the first is known."""
    path = one.path
    while path not in trial.kinds and "-" in path:
        path = path.removesuffix(".ics").rpartition("-")[0] + ".ics"
    return trial.kinds.get(path, Kind.PACKAGED)


def in_words(one: Judged) -> str:
    """What became of a record, without what is in it of this one record."""
    said = "; ".join(dict.fromkeys(_plain(word) for word in one.said))
    return f"{_FATES[one.fate]}: {said[:_LONGEST].rstrip()}" if said else _FATES[one.fate]


_FATES = {
    Fate.CHANGED: "changed",
    Fate.REFUSED: "refused",
    Fate.HELD: "held back",
    Fate.LEFT: "left aside",
    Fate.UNREAD: "not in the backup",
    Fate.EQUAL: "equal",
}
_NOISE = (
    (re.compile(r"\b(?:PUT|GET) /\S+: "), ""),
    (re.compile(r"(?:https?:/)?/[^\s;,]*/[^\s;,]*"), "…"),
    (re.compile(r"; …"), ""),
)


def _plain(word: str) -> str:
    for pattern, instead in _NOISE:
        word = pattern.sub(instead, word)
    return word.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")
