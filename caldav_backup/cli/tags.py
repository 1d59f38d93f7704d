"""Tags as options name them, one by one or separated by commas.

Owns that an empty one is an error: a script whose variable is not set must not remove what it meant to describe.
"""

from __future__ import annotations

from collections.abc import Sequence

from caldav_backup.cli.exits import Usage
from caldav_backup.marks import tags_from


def given_tags(texts: Sequence[str] | None, option: str) -> tuple[str, ...]:
    """Each tag of these values of `option` once. Usage for a value that names none."""
    for text in texts or ():
        if not tags_from([text]):
            raise Usage(f"{option} takes a tag, or several separated by commas, not {text!r}")
    return tags_from(texts or ())
