"""The description of one snapshot: who made it, when, from what, and where its trees begin.

Owns the header record (`docs/design/format.md`, "Header"). Its blob is named by the random snapshot identifier, not
by its content, so the identifier stands in the record once more and both must agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from caldav_backup.kloset import records
from caldav_backup.kloset.entries import Classification
from caldav_backup.kloset.errors import Damaged
from caldav_backup.kloset.fields import Fields, read_fields
from caldav_backup.kloset.resources import VERSION_1_0_0, ZERO_MAC
from caldav_backup.kloset.summary import Summary


class Importer(NamedTuple):
    """What the snapshot was made from; plakar takes as a parent only what agrees in all three."""

    type: str
    origin: str
    directory: str


class Identity(NamedTuple):
    """Who signed the snapshot: 16 zero bytes and no key when nobody did."""

    identifier: bytes = bytes(16)
    public_key: bytes | None = None


UNSIGNED = Identity()


class Index(NamedTuple):
    """A tree beside the file tree; `root` is the id of its root record."""

    name: str
    type: str
    root: bytes


class Source(NamedTuple):
    """What a snapshot holds of one importer: ids of the root records of its trees, and its totals."""

    importer: Importer
    root: bytes
    xattrs: bytes
    errors: bytes
    indexes: tuple[Index, ...] = ()
    summary: Summary = Summary()
    context: tuple[tuple[str, str], ...] = ()

    def to_bytes(self) -> bytes:
        parts = (
            records.map_header(5),
            _key("importer"),
            records.map_header(3),
            _text("type", self.importer.type),
            _text("origin", self.importer.origin),
            _text("directory", self.importer.directory),
            _key("context"),
            _encode_context(self.context),
            _key("root"),
            records.map_header(3),
            _key("root") + records.binary(self.root),
            _key("xattrs") + records.binary(self.xattrs),
            _key("errors") + records.binary(self.errors),
            _key("indexes"),
            records.array_header(len(self.indexes)),
            *(_encode_index(index) for index in self.indexes),
            _key("summary"),
            self.summary.to_bytes(),
        )
        return b"".join(parts)

    @classmethod
    def from_fields(cls, fields: Fields) -> Source:
        importer, root = fields.record("importer"), fields.record("root")
        return cls(
            importer=Importer(importer.text("type"), importer.text("origin"), importer.text("directory")),
            root=root.mac("root"),
            xattrs=root.mac("xattrs"),
            errors=root.mac("errors"),
            indexes=tuple(
                Index(index.text("name"), index.text("type"), index.mac("value")) for index in fields.records("indexes")
            ),
            summary=Summary.from_fields(fields.record("summary")),
            context=_read_context(fields),
        )


@dataclass(frozen=True, slots=True)
class Header:
    """One snapshot. Times in nanoseconds, `timestamp_ns` since the Unix epoch; `context` are keys and values."""

    identifier: bytes
    timestamp_ns: int
    source: Source
    duration_ns: int = 0
    identity: Identity = UNSIGNED
    name: str = "default"
    category: str = ""
    environment: str = ""
    perimeter: str = ""
    job: str = ""
    replicas: int = 1
    dataset: str = ""
    data_classes: tuple[str, ...] = ()
    classifications: tuple[Classification, ...] = ()
    tags: tuple[str, ...] = ()
    context: tuple[tuple[str, str], ...] = ()
    more_sources: tuple[Source, ...] = ()
    version: int = VERSION_1_0_0

    @property
    def importer(self) -> Importer:
        return self.source.importer

    @property
    def root(self) -> bytes:
        """Id of the file tree's root record."""
        return self.source.root

    @property
    def xattrs(self) -> bytes:
        """Id of the extended attributes' root record."""
        return self.source.xattrs

    @property
    def errors(self) -> bytes:
        """Id of the error index's root record."""
        return self.source.errors

    @property
    def indexes(self) -> tuple[Index, ...]:
        return self.source.indexes

    @property
    def summary(self) -> Summary:
        """Totals of the root directory."""
        return self.source.summary

    def find_index(self, name: str) -> bytes | None:
        """Id of the root record of the index `name`: `content-type`, `dirpack` or `summary`."""
        return next((index.root for index in self.indexes if index.name == name), None)

    def to_bytes(self) -> bytes:
        sources = (self.source, *self.more_sources)
        parts = (
            records.map_header(17),
            _key("version") + records.uint32(self.version),
            _key("identifier") + records.binary(self.identifier),
            _key("timestamp") + records.timestamp(self.timestamp_ns),
            _key("duration") + records.int64(self.duration_ns),
            _key("identity"),
            records.map_header(2),
            _key("identifier") + records.binary(self.identity.identifier),
            _key("public_key") + records.optional_binary(self.identity.public_key),
            _text("name", self.name),
            _text("category", self.category),
            _text("environment", self.environment),
            _text("perimeter", self.perimeter),
            _text("job", self.job),
            _key("replicas") + records.uint32(self.replicas),
            _text("dataset", self.dataset),
            _key("data_classes") + _encode_texts(self.data_classes),
            _key("classifications") + records.array_header(len(self.classifications)),
            *(classification.to_bytes() for classification in self.classifications),
            _key("tags") + _encode_texts(self.tags),
            _key("context") + _encode_context(self.context),
            _key("sources") + records.array_header(len(sources)),
            *(source.to_bytes() for source in sources),
        )
        return b"".join(parts)

    @classmethod
    def from_bytes(cls, encoded: bytes) -> Header:
        """Damaged when malformed, or without any source, for then there is no tree."""
        fields = read_fields(encoded, "a snapshot's header")
        sources = tuple(map(Source.from_fields, fields.records("sources")))
        if not sources:
            raise Damaged("a snapshot's header names no source; the store is damaged there")
        identity = fields.record("identity")
        return cls(
            version=fields.unsigned("version"),
            identifier=fields.mac("identifier"),
            timestamp_ns=fields.time("timestamp"),
            duration_ns=fields.signed("duration"),
            identity=Identity(identity.uuid("identifier"), _read_public_key(identity)),
            name=fields.text("name"),
            category=fields.text("category"),
            environment=fields.text("environment"),
            perimeter=fields.text("perimeter"),
            job=fields.text("job"),
            replicas=fields.unsigned("replicas"),
            dataset=fields.text("dataset"),
            data_classes=fields.texts("data_classes"),
            classifications=tuple(map(Classification.from_fields, fields.records("classifications"))),
            tags=fields.texts("tags"),
            context=_read_context(fields),
            source=sources[0],
            more_sources=sources[1:],
        )


def read_header(encoded: bytes, identifier: bytes) -> Header:
    """The header stored under `identifier`; Damaged when it is another snapshot's."""
    header = Header.from_bytes(encoded)
    if header.identifier != identifier or identifier == ZERO_MAC:
        raise Damaged(
            f"the header stored as snapshot {identifier.hex()} is of {header.identifier.hex()}; the store is damaged"
        )
    return header


def _read_public_key(identity: Fields) -> bytes | None:
    return identity.data("public_key") if identity.has("public_key") else None


def _read_context(fields: Fields) -> tuple[tuple[str, str], ...]:
    return tuple((pair.text("key"), pair.text("value")) for pair in fields.records("context"))


def _key(name: str) -> bytes:
    return records.string(name)


def _text(name: str, value: str) -> bytes:
    return records.string(name) + records.string(value)


def _encode_texts(values: tuple[str, ...]) -> bytes:
    return records.array_header(len(values)) + b"".join(map(records.string, values))


def _encode_context(context: tuple[tuple[str, str], ...]) -> bytes:
    pairs = [records.map_header(2) + _text("key", key) + _text("value", value) for key, value in context]
    return records.array_header(len(pairs)) + b"".join(pairs)


def _encode_index(index: Index) -> bytes:
    head = records.map_header(3) + _text("name", index.name) + _text("type", index.type)
    return head + _key("value") + records.binary(index.root)
