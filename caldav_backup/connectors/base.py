"""What a source yields to the archiver: collections, versions, records.

A *collection* is a calendar seen from outside: a name, attributes to keep, a place to ask. A *version* says that a
record exists and which of its states is there; a *record* is what came of fetching one. Nothing here knows a protocol.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple, Protocol

#: Extended attributes of a calendar's directory begin with this; the rest of the name is a `Collection.attributes` key.
ATTRIBUTE_PREFIX = "user.caldav."

#: The attribute that tells where a source's calendars were found: a principal's URL.
PRINCIPAL = "principal"

#: Attributes that move when a record of the collection does: its CTag and its sync-token (RFC 6578 §4).
CTAG, SYNC_TOKEN = "ctag", "sync-token"
SIGNALS = (CTAG, SYNC_TOKEN)

#: Size in bytes of `Version.digest()`.
DIGEST_SIZE = 8


class Version(NamedTuple):
    """One record in a collection's listing, without its content.

    `key` is what `Source.fetch` needs: an href as the server wrote it, or a file name. `leaf` is the decoded last
    segment of it, the wish for the record's name. `etag` is compared as text ("" = the source gave none), `mtime_ns` is
    Unix nanoseconds (0 = unknown), `length` is in bytes (-1 = unknown).
    """

    key: str
    leaf: str
    etag: str
    mtime_ns: int
    length: int

    def digest(self) -> bytes:
        """Eight bytes that differ when ETag, last modification or length differ; 64 bits, so chance does not do it."""
        text = f"{self.etag}\0{self.mtime_ns}\0{self.length}"
        return blake2b(text.encode("utf-8", "surrogateescape"), digest_size=DIGEST_SIZE).digest()

    @property
    def is_comparable(self) -> bool:
        """False when the source gave no ETag: then nothing proves that the record is unchanged."""
        return self.etag != ""


class Resource(NamedTuple):
    """A record that was fetched: the version that came *with* the bytes, and the bytes as received."""

    version: Version
    content: bytes


class Failed(NamedTuple):
    """A record that is listed and could not be read; kept in the snapshot's error index."""

    version: Version
    reason: str


class Gone(NamedTuple):
    """A record that was listed and answered 404 or 410 when it was asked for."""

    version: Version


Record = Resource | Failed | Gone


class Listing(NamedTuple):
    """Every record of a collection at one moment. The listing is the truth: what is absent is deleted.

    `date_ns` is what the source's own clock said then, in Unix nanoseconds; 0 where it does not say.
    """

    versions: list[Version]
    date_ns: int = 0


class Changes(NamedTuple):
    """What became of a collection since an earlier moment, as the source tells it.

    `changed` are records that are there and may be new, changed or neither; `removed` are records that are not there,
    also such as nobody knew, of which only `key` and `leaf` say something. `date_ns` as in `Listing`.
    """

    changed: list[Version]
    removed: list[Version]
    date_ns: int = 0


class CollectionUnreadable(Exception):
    """One collection cannot be listed (refused, gone, garbage); the text says why. The run goes on with the others."""


@dataclass(frozen=True, slots=True)
class Collection:
    """A calendar as a source shows it.

    `key` identifies it at the source across renames (a normalised href path, or a directory name); `hint` is the wish
    for its directory name; `attributes` maps names without `ATTRIBUTE_PREFIX` ("displayname", "color", "href", …) to
    the exact bytes to keep; `displayname` is for people and globs. `date_ns` is what the source's clock said when it
    described the collection, in Unix nanoseconds (0 = unknown): the attributes named in `SIGNALS` are as old as that.
    """

    key: str
    hint: str
    displayname: str = ""
    attributes: Mapping[str, bytes] = field(default_factory=dict)
    date_ns: int = 0


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A collection that is no calendar to back up, and why (an inbox, a trash bin, a subscription …).

    `source` is the URL of what is subscribed to.
    """

    key: str
    name: str
    reason: str
    source: str = field(default="", repr=False)  # private feeds have their secret in the address


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All that a source offers: the calendars to read, and what was left aside with reasons.

    `unreadable` are places that cannot be looked into, so that calendars may be missing; `name` is fit for a path.
    """

    collections: Sequence[Collection]
    left_out: Sequence[LeftOut] = ()
    unreadable: Sequence[LeftOut] = ()


class Source(Protocol):
    """A place that calendars are read from. Every method may raise the connector's own error family.

    `hint` is what an earlier catalogue of the same source left in the attribute `PRINCIPAL` of its collections: it
    makes the next one cheaper, and is "" where there is none.
    """

    hint: str

    @property
    def origin(self) -> str:
        """`user@host[:port]/path`, without secrets: the snapshot's importer origin."""

    async def catalogue(self) -> Catalogue:
        """What is there, in no particular order."""

    @property
    def requests(self) -> int:
        """How many requests were sent so far; 0 for a source that sends none."""

    async def complete(self, collections: Sequence[Collection]) -> list[Collection]:
        """The same collections with those attributes too that are too dear to be asked for in every run."""

    async def list_versions(self, collection: Collection) -> Listing:
        """Every record of the collection, in no particular order.

        Raises `CollectionUnreadable` for a failure of this collection alone.
        """

    async def list_changes(self, collection: Collection, since: bytes) -> Changes | None:
        """What changed since the collection's attribute `SYNC_TOKEN` was `since`; None when that cannot be told.

        A shorter way to what `list_versions` says; whoever is in doubt lists. Raises `CollectionUnreadable` likewise.
        """

    async def fetch(self, collection: Collection, versions: Sequence[Version]) -> list[Record]:
        """The records of `versions` (at most some hundred), in the same order; one bad record never raises.

        Raises `CollectionUnreadable` when the collection as a whole cannot be read any more.
        """

    async def close(self) -> None:
        """Give back connections."""
