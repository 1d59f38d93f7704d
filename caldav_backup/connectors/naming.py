"""Names in a snapshot's tree: safe, stable, and different from each other on every file system.

Owns the rules of the tree's names (decoded, no `/`, no control characters, no leading dot, at most 200 bytes; a
newcomer that collides gets `~` and six hex digits of BLAKE3 of its key, percent-decoded: two spellings of one href are
one key). Does not know what a name stands for.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from urllib.parse import unquote_to_bytes

from blake3 import blake3

#: Longest name in bytes: room for a suffix below the 255 bytes of common file systems.
MAX_NAME_BYTES = 200

EXTENSION = ".ics"

# Surrogates beyond those that stand for a byte (PEP 383) can be written to no file system.
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f/\u2028\u2029\ud800-\udc7f\udd00-\udfff]")
_PLAIN = re.compile(r"[A-Za-z0-9_@=+-][A-Za-z0-9_@=+.~-]{0,99}")
_SAYS_NOTHING = frozenset({"events", "calendar.ics"})


def collection_hint(segments: list[str]) -> str:
    """The segment of a calendar's path that names it: the last, or the one before where the last is `events`.

    Google's and Zoho's calendar URLs all end in `events`; the calendar's id is the segment before it.
    """
    if len(segments) > 1 and segments[-1].lower() in _SAYS_NOTHING:
        return segments[-2]
    return segments[-1] if segments else ""


def safe_name(hint: str, *, fallback: str = "calendar") -> str:
    """`hint` made fit for a file name on any system; the same hint gives the same name for ever."""
    if _PLAIN.fullmatch(hint):
        return hint
    # Blanks go first: what stands behind them must not be the beginning of a hidden name.
    name = _UNSAFE.sub("_", hint).strip()
    if name.startswith("."):
        name = "_" + name[1:]
    return _shortened(name or fallback)


def record_name(leaf: str) -> str:
    """The safe name of a record: `.ics` is added when the leaf does not end in it."""
    name = safe_name(leaf, fallback="event")
    return name if name.lower().endswith(EXTENSION) else name + EXTENSION


def fold(name: str) -> str:
    """Equal for names that a case-insensitive or normalising file system takes for the same."""
    return (
        name.lower() if name.isascii() else unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
    )


def assign(wishes: Iterable[tuple[str, str]], kept: Mapping[str, str], reserved: Collection[str] = ()) -> list[str]:
    """A name for each (key, wished name), in the same order, all different after `fold`.

    `kept` maps keys to names they were given before: these stand. `reserved` are folded names that are taken and not in
    `wishes`. A newcomer whose wish is taken gets its key's suffix.
    """
    pairs = list(wishes)
    taken = set(reserved)
    taken.update(fold(kept[key]) for key, _ in pairs if key in kept)
    names: list[str] = []
    for key, wish in pairs:
        name = kept.get(key)
        if name is None:
            name = _free_name(key, wish, taken)
            taken.add(fold(name))
        names.append(name)
    return names


def _free_name(key: str, wish: str, taken: Collection[str]) -> str:
    if fold(wish) not in taken:
        return wish
    digest = blake3(unquote_to_bytes(key.encode("utf-8", "surrogateescape"))).hexdigest()
    for length in range(6, len(digest) + 1):
        name = with_suffix(wish, digest[:length])
        if fold(name) not in taken:
            return name
    raise ValueError(f"two records share one key: {key}")


def with_suffix(name: str, suffix: str) -> str:
    """`name` with `~suffix` before its `.ics`."""
    stem, dot = (name[: -len(EXTENSION)], name[-len(EXTENSION) :]) if name.lower().endswith(EXTENSION) else (name, "")
    return f"{stem}~{suffix}{dot}"


def _shortened(name: str) -> str:
    encoded = name.encode("utf-8", "surrogateescape")
    if len(encoded) <= MAX_NAME_BYTES:
        return name
    digest = blake3(encoded).hexdigest()[:6]
    extension = EXTENSION if name.lower().endswith(EXTENSION) else ""
    room = MAX_NAME_BYTES - len(extension) - 1 - len(digest)
    stem = encoded[:room].decode("utf-8", "ignore").rstrip()
    return f"{stem}~{digest}{extension}"
