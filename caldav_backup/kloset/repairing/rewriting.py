"""Writes a damaged packfile anew under its own name, with everything in it that can be read where it was.

Owns why it is not moved instead: plakar remembers, on its own machine, which packfiles each snapshot uses, and its
maintenance would take a new packfile with old blobs for unused. So the blobs keep their places, and only what stands
around them is made again: the index, the footer and the checksum. The name then is no longer that of the content,
which no program but the check looks at.
"""

from __future__ import annotations

import secrets

from caldav_backup.kloset import envelope
from caldav_backup.kloset.packer import least_padding
from caldav_backup.kloset.packfile import IndexRecord, index_to_bytes, make_tail
from caldav_backup.kloset.repairing.examining import DamagedPackfile
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.resources import MAC_SIZE, VERSION_1_0_0, ResourceType
from caldav_backup.kloset.storage import Kind

_PIECE = 1 << 20


def rewrite(repository: Repository, damaged: DamagedPackfile, timestamp_ns: int) -> tuple[IndexRecord, ...]:
    """Put a whole packfile in the place of a damaged one, of which a copy is kept; what its new index tells of.

    `timestamp_ns` of creation, where its own footer does not tell it. StorageError.
    """
    repository.storage.keep_aside(Kind.PACKFILE, damaged.identifier)
    records = _kept_records(damaged)
    end = max(record.offset + record.length for record in records)
    padding = secrets.token_bytes(least_padding(max(record.length for record in records)))
    records = (*records, IndexRecord(255, VERSION_1_0_0, secrets.token_bytes(MAC_SIZE), end, len(padding)))
    made_ns = timestamp_ns if damaged.contents is None else damaged.contents.footer.timestamp_ns
    _write(repository, damaged.identifier, records, padding, made_ns)
    return records


def _kept_records(damaged: DamagedPackfile) -> tuple[IndexRecord, ...]:
    """Everything in it that is good, and what its own index tells of beside that."""
    if damaged.contents is None:
        return damaged.good
    lost = {(record.resource_type, record.mac) for record in damaged.lost}
    return tuple(each for each in damaged.contents.records if (each.resource_type, each.mac) not in lost)


def _write(
    repository: Repository, identifier: bytes, records: tuple[IndexRecord, ...], padding: bytes, timestamp_ns: int
) -> None:
    storage = repository.storage
    writer = storage.open_writer(Kind.PACKFILE)
    running = repository.keyed.start()

    def put(piece: bytes) -> None:
        running.update(piece)
        writer.write(piece)

    end = records[-1].offset
    try:
        put(envelope.header(ResourceType.PACKFILE, VERSION_1_0_0))
        for offset in range(0, end, _PIECE):
            length = min(_PIECE, end - offset)
            put(storage.read_range(Kind.PACKFILE, identifier, envelope.HEADER_SIZE + offset, length))
        put(padding)
        index = index_to_bytes(records)
        put(make_tail(index, end + len(padding), timestamp_ns, repository.codec, repository.keyed))
        writer.write(running.digest())
        writer.commit(identifier)
    except BaseException:
        writer.abort()
        raise


def can_be_rewritten(damaged: DamagedPackfile) -> bool:
    """Whether there is anything to keep, and a need to write it anew: not where only the states are wrong."""
    return damaged.keeps_anything and not damaged.is_whole and not damaged.is_missing
