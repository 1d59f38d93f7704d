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
_COUNTS = ["Each cell counts records: equal / changed / refused / held back."]
#: What is told of one kind of record at most; the rest is counted.
_MOST = 12
_LONGEST = 110


def put_into(text: str, table: str) -> str:
    """The page `text` with `table` between its two markers."""
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n\n{table}\n{END}{rest.split(END)[1]}"


def page(trials: Sequence[Trial], versions: Mapping[str, str], *, note: str = "") -> str:
    """Versions, the table, and below it one section for each target, in Markdown; `note` says what was not tried."""
    sections = [_section(target, [one for one in trials if one.target == target]) for target in NAMES]
    listed = ", ".join(f"{NAMES[name]} {version}" for name, version in versions.items())
    return "\n".join([f"Servers: {listed}.{note}", "", *_COUNTS, "", *_table(trials), "", *sections])


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
    told = list(_told(trials)) or ["Everything arrives as it was."]
    return "\n".join([f"### To {NAMES[target]}", "", *told, ""])


def _told(trials: Sequence[Trial]) -> Iterator[str]:
    """A line for each kind of record; with each thing that is told, how many records it is of, all sources together."""
    counted: dict[Kind, Counter[str]] = {kind: Counter() for kind in Kind}
    for trial in trials:
        for one in trial.judged:
            counted[_kind(trial, one)].update(in_words(one))
    for kind, words in counted.items():
        if words:
            yield f"- **{kind.value}**: {_listed(words)}"
    kept = Counter(word.partition(": ")[2].replace(": ", " ") for trial in trials for word in trial.not_kept)
    if kept:
        yield f"- **properties of calendars**: {_listed(kept)}"


def _listed(words: Counter[str]) -> str:
    by_count = sorted(words.items(), key=lambda one: (-one[1], one[0]))
    more = len(by_count) - _MOST
    rest = sum(count for _, count in by_count[_MOST:])
    ending = [f"and {more} other things ({rest})"] if more > 0 else []
    return "; ".join([*(f"{word} ({count})" for word, count in by_count[:_MOST]), *ending])


def _kind(trial: Trial, one: Judged) -> Kind:
    """The kind of a record; one that was written in several forms has names of which only the first is known."""
    path = one.path
    while path not in trial.kinds and "-" in path:
        path = path.removesuffix(".ics").rpartition("-")[0] + ".ics"
    return trial.kinds.get(path, Kind.PACKAGED)


def in_words(one: Judged) -> Iterator[str]:
    """What became of a record and what was done to it, each in words that others of its kind share."""
    if one.fate is Fate.CHANGED:
        yield from dict.fromkeys(_difference(path) for path in one.differs)
    elif one.fate in _FATES:
        yield f"{_FATES[one.fate]}{_why(one.reason)}"
    if one.fate in (Fate.EQUAL, Fate.CHANGED):
        for done in _REPAIRS.findall(one.reason):
            repairs = _COUNT.sub("several objects", done).split(", ")
            yield from (f"taken after a repair: {repair}" for repair in repairs)


_FATES = {
    Fate.REFUSED: "refused: ",
    Fate.HELD: "held back: ",
    Fate.LEFT: "left aside: ",
    Fate.UNREAD: "not in the backup: ",
}
_REPAIRS = re.compile(r"sent in another form \(([^)]*)\)")
_COUNT = re.compile(r"\b\d+ objects, one for each UID")
_AGAIN = re.compile(r"; in another form \([^)]*\): ")
_REQUEST = re.compile(r"\b(?:PUT|GET) \S+: ")
#: What is of one record: numbers, but for a status at the beginning, and addresses.
_PARTICULAR = re.compile(r"(?<!^)\b\d+\b|\S+@\S+")
_OPTIONS = re.compile(r" \(--[^)]*\)")
#: A precondition's name (RFC 4791 §5.3.2.1), and an address: neither says why to a person.
_NO_WORDS = re.compile(r"[a-z]+(?:-[a-z]+)+|/\S*|")


def _difference(path: str) -> str:
    """`changed VEVENT/VALARM TRIGGER` as `TRIGGER of an alarm changed`."""
    verb, _, where = path.partition(" ")
    if "?" in where:
        return f"a broken line {verb}"
    component, _, name = where.rpartition(" ")
    if not component:
        return f"{name} {verb}"
    return f"{name}{' of an alarm' if component.endswith('VALARM') else ''} {verb}"


def _why(reason: str) -> str:
    """The server's own words, of the last form that it was given, or else its status."""
    last = _AGAIN.split(reason)[-1].partition(": PUT ")[0]
    status, *words = _REQUEST.sub("", last).split("; ")
    said = [word.strip() for word in words if not _NO_WORDS.fullmatch(word.strip())]
    named = [word.strip() for word in words if word.strip() and not word.strip().startswith("/")]
    text = _PARTICULAR.sub("…", said[-1]) if said else "; ".join([_PARTICULAR.sub("…", status), *named[-1:]])
    text = _OPTIONS.sub("", text)
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST].rstrip()} …"
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*").replace("[", "\\[")
