"""Contents put together from chunks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caldav_backup.kloset.configuration import ChunkSizes
from caldav_backup.kloset.contents import (
    BATCH_BYTES,
    BATCH_CONTENTS,
    Content,
    read_contents,
    stream_content,
    verify_contents,
)
from caldav_backup.kloset.errors import BlobMissing, Damaged
from caldav_backup.kloset.objects import Object, ObjectChunk
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.resources import ZERO_MAC, ResourceType
from tests.kloset.stores import make_repository, put_blobs


def stored(repository: Repository, pieces: list[bytes], **changes: object) -> bytes:
    """The id of an object over these chunks, with some of its fields changed."""
    macs = [repository.keyed.mac(piece) for piece in pieces]
    chunks = tuple(ObjectChunk(mac, len(piece)) for mac, piece in zip(macs, pieces, strict=True))
    found = Object(repository.keyed.mac(b"".join(pieces)), chunks)._replace(**changes)  # type: ignore[arg-type]
    state = bytes([len(repository.index.states) + 1]) * 32
    blobs = [(ResourceType.CHUNK, piece) for piece in pieces]
    return put_blobs(repository, state, [*blobs, (ResourceType.OBJECT, found.to_bytes())])[-1]


@given(st.lists(st.lists(st.binary(max_size=40), max_size=4), max_size=6))
def test_contents_come_back_one_by_one_and_together(wanted: list[list[bytes]]) -> None:
    _, repository = make_repository()
    contents = [Content(stored(repository, pieces), "it", sum(map(len, pieces))) for pieces in wanted]
    assert list(read_contents(repository, contents)) == [b"".join(pieces) for pieces in wanted]
    assert [list(stream_content(repository, content)) for content in contents] == wanted


def refuses(repository: Repository, content: Content) -> None:
    with pytest.raises(Damaged, match="the letter"):
        list(stream_content(repository, content))
    with pytest.raises(Damaged, match="the letter"):
        list(read_contents(repository, [content]))
    found = Object.from_bytes(repository.get_blob(ResourceType.OBJECT, content.object))
    with pytest.raises(Damaged, match="the letter"):
        verify_contents(repository, [(content, found)])


def test_length_that_a_chunk_does_not_have_is_refused() -> None:
    _, repository = make_repository()
    chunk = ObjectChunk(repository.keyed.mac(b"abc"), 4)
    refuses(repository, Content(stored(repository, [b"abc"], chunks=(chunk,)), "the letter"))


def test_size_that_the_entry_does_not_have_is_refused() -> None:
    _, repository = make_repository()
    refuses(repository, Content(stored(repository, [b"abc", b"d"]), "the letter", 5))


def test_content_that_is_not_what_its_mac_says_is_refused() -> None:
    _, repository = make_repository()
    refuses(repository, Content(stored(repository, [b"abc", b"d"], content_mac=ZERO_MAC), "the letter"))
    refuses(repository, Content(stored(repository, [b"abc"], content_mac=repository.keyed.mac(b"other")), "the letter"))


def test_missing_chunk_is_told() -> None:
    _, repository = make_repository()
    lost = stored(repository, [b"abc"], chunks=(ObjectChunk(ZERO_MAC, 3),), content_mac=ZERO_MAC)
    with pytest.raises(BlobMissing):
        list(stream_content(repository, Content(lost, "it")))


@pytest.mark.parametrize("size", [3, 1 << 20])
def test_many_contents_are_read_in_bounded_batches(size: int) -> None:
    _, repository = make_repository(chunking=ChunkSizes(1 << 20, 1 << 21, 1 << 22))
    content = Content(stored(repository, [bytes(size)]), "it", size)
    batch = min(BATCH_CONTENTS, BATCH_BYTES // size)
    asked: list[None] = []

    def contents() -> Iterator[Content]:
        for _ in range(2 * batch):
            asked.append(None)
            yield content

    found = read_contents(repository, contents())
    assert len(next(found)) == size
    # One more is taken to see that the batch is full.
    assert len(asked) == batch + 1
    assert len(list(found)) == 2 * batch - 1
