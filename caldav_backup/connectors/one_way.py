"""A destination that is made anew and not read: what the merged calendar and the archives have in common.

Owns the answers to whoever asks what is there: nothing. What is written, and in which form, is its subclasses'.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from caldav_backup.connectors.base import Catalogue, Collection, Failed, Record, Version
from caldav_backup.connectors.destination import Deletion, DestinationNotWritable, Ending, Limits, Refused, Scheduling
from caldav_backup.connectors.outputs import Output

_NOT_READ = "what is written here is not read back"


class OneWayDestination:
    """Writes to `output`, in the order in which records come."""

    can_create = True
    can_read_back = False
    concurrency = 1
    scheduling = Scheduling.NONE
    has_account_wide_uids = False

    def __init__(self, output: Output) -> None:
        self._output = output

    @property
    def origin(self) -> str:
        """What the user called it."""
        return self._output.name

    async def catalogue(self) -> Catalogue:
        """Nothing is there to add to."""
        return Catalogue(())

    async def list_versions(self, collection: Collection) -> list[Version]:
        """Nothing."""
        del collection
        return []

    async def list_uids(self, collection: Collection) -> Mapping[str, str] | None:
        """Nothing is there."""
        del collection
        return None

    async def fetch(self, collection: Collection, versions: Sequence[Version]) -> list[Record]:
        """Nothing can be read back."""
        del collection
        return [Failed(version, _NOT_READ) for version in versions]

    async def read(self, key: str) -> Record:
        """Nothing can be read back."""
        return Failed(Version(key, key, "", 0, -1), _NOT_READ)

    async def limits(self, collection: Collection | None) -> Limits:
        """A file takes everything."""
        del collection
        return Limits()

    async def complete(self, collection: Collection, attributes: Mapping[str, bytes]) -> Sequence[str]:
        """Nothing is there before it is made."""
        del collection, attributes
        return ()

    async def delete(self, collection: Collection, version: Version, *, silent: bool) -> Deletion:
        """There is nothing to remove."""
        del collection, version, silent
        return Refused("nothing is removed from what is made anew")

    def refusal(self, collection: Collection) -> str:
        """Everything can be written."""
        del collection
        return ""

    async def begin(self, displaynames: Sequence[str]) -> None:
        """Open the place, and write the beginning."""
        with self.writing():
            self._output.begin()
            self.write_beginning(displaynames)

    async def finish(self, *, replace: bool) -> Ending:
        """Write the end, and put all of it into its place."""
        with self.writing():
            self.write_end()
            return self._output.finish(replace=replace)

    async def close(self) -> None:
        """Leave nothing unfinished behind."""
        self._output.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Inside, what the system refuses is told as `DestinationNotWritable`."""
        try:
            yield
        except OSError as error:
            # The origin of standard output is "-", which says little.
            place = "to standard output" if self.origin == "-" else self.origin
            raise DestinationNotWritable(f"cannot write {place}: {error.strerror}") from error

    def write_beginning(self, displaynames: Sequence[str]) -> None:
        """What stands before all records of these calendars."""

    def write_end(self) -> None:
        """What stands behind all records."""
