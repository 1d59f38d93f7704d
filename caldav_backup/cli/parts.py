"""Which part of the contents a check is to read, as people write it: `2/7` or `10%`."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, NamedTuple

from caldav_backup.cli.durations import share
from caldav_backup.cli.exits import Usage

if TYPE_CHECKING:
    from caldav_backup.kloset.checking.parts import Part

_NUMBERED = re.compile(r"(\d{1,6})/(\d{1,6})")
_SEEDED = re.compile(r"(.*%):(\d{1,10})")
_SEEDS = 1 << 32


class Chosen(NamedTuple):
    """A part, and `word`, which chooses the very same one again."""

    part: Part
    word: str


def parse_part(text: str, option: str) -> Chosen:
    """`2/7` is the second of seven parts that are everything together; `10%` another tenth each time.

    `10%:1234` is the tenth that was told under that number. Usage for anything else.
    """
    from caldav_backup.kloset.checking.parts import numbered_part, random_part

    if (match := _NUMBERED.fullmatch(text)) is not None:
        number, total = int(match[1]), int(match[2])
        if not 1 <= number <= total:
            raise Usage(f"{option} {text} is none of its parts; they are 1/{max(total, 1)} to {max(total, 1)}/{total}")
        return Chosen(numbered_part(number, total), text)
    seeded = _SEEDED.fullmatch(text)
    percent = text if seeded is None else seeded[1]
    if not percent.endswith("%"):
        raise Usage(f"{option} takes a part such as 1/7, or a share such as 10%, not {text!r}")
    seed = secrets.randbelow(_SEEDS) if seeded is None else int(seeded[2])
    if seed >= _SEEDS:
        raise Usage(f"{option} {text}: the number behind the colon is below {_SEEDS}")
    return Chosen(random_part(share(percent, option), seed), f"{percent}:{seed}")
