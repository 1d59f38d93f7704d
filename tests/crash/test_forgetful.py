"""A power cut at any moment leaves a store in which everything is that was promised before it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO, NamedTuple

import pytest

from caldav_backup.kloset.errors import KlosetError
from caldav_backup.kloset.storage import FilesystemStorage
from tests.crash.deed import Deed
from tests.crash.deeds import STORY
from tests.crash.forgetful import ForgetfulDisk, Fortune, as_storage
from tests.crash.worlds import Contents, World, assert_nothing_lost

SAMPLED = 150  # cuts in the full tier


class Chapter(NamedTuple):
    """A deed that was begun after so many notes, and what was promised then."""

    begin: int
    deed: Deed
    promised: Mapping[int, Contents]
    may_go: frozenset[int]


class Story:
    """Everything that happens to a store in its life, on a disk that remembers the order of it."""

    def __init__(self, path: Path, disk: Callable[[Path], ForgetfulDisk] = ForgetfulDisk) -> None:
        self.disk = disk(path)
        self.store = path / "mnt" / "store"
        self.world = World(path / "vdir", FilesystemStorage(self.store, self.disk))
        self.chapters: list[Chapter] = []
        self._looked_at: set[object] = set()
        for deed in STORY:
            self._do(deed)
        self._promise(STORY[-1])

    def _do(self, deed: Deed) -> None:
        deed.prepare(self.world)
        self._promise(deed)
        deed.do(self.world, self.world.storage)
        self.world.remember()

    def _promise(self, deed: Deed) -> None:
        may_go = frozenset(deed.removes(self.world))
        self.chapters.append(Chapter(len(self.disk.notes), deed, self.world.held, may_go))

    def cuts(self) -> list[tuple[int, Fortune]]:
        return [(cut, fortune) for cut in range(len(self.disk.notes) + 1) for fortune in Fortune]

    def assert_promises_kept(self, cut: int, fortune: Fortune, chance: random.Random) -> None:
        chapter = max((each for each in self.chapters if each.begin <= cut), key=lambda each: each.begin)
        storage = as_storage(self.disk.cut(cut, fortune, chance), self.store)
        # Most calls change nothing that a power cut would leave.
        image = (chapter.begin, storage.configuration, frozenset(storage.files.items()))
        if image in self._looked_at:
            return
        self._looked_at.add(image)
        left = World(self.world.vdir, storage, held=dict(chapter.promised))
        if storage.configuration is None:
            assert not chapter.promised and chapter is self.chapters[0]
            return
        assert_nothing_lost(left.open(), left.held, may_go=chapter.may_go)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    return Story(tmp_path_factory.mktemp("story"))


@pytest.mark.full
def test_a_power_cut_keeps_every_promise(story: Story, chance: random.Random) -> None:
    for cut, fortune in chance.sample(story.cuts(), SAMPLED):
        story.assert_promises_kept(cut, fortune, chance)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_power_cut_at_any_moment_keeps_every_promise(story: Story, chance: random.Random) -> None:
    for cut, fortune in story.cuts():
        for _ in range(5 if fortune is Fortune.SCATTERED else 1):
            story.assert_promises_kept(cut, fortune, chance)


class CarelessDisk(ForgetfulDisk):
    """Syncs no contents, though it says so."""

    def sync_file(self, file: BinaryIO) -> None:
        """Leave it to luck."""


class HalfCarefulDisk(ForgetfulDisk):
    """Syncs no names, though it says so."""

    def sync_directory(self, path: Path) -> None:
        """Leave it to luck."""


@pytest.mark.full
@pytest.mark.parametrize(
    ("disk", "fortune"),
    [(CarelessDisk, Fortune.NAMES_ONLY), (HalfCarefulDisk, Fortune.LOST)],
    ids=["contents", "names"],
)
def test_a_disk_that_does_not_sync_would_be_noticed(
    tmp_path: Path, disk: type[ForgetfulDisk], fortune: Fortune, chance: random.Random
) -> None:
    """Or the tests above would prove nothing."""
    story = Story(tmp_path, disk)
    with pytest.raises((AssertionError, KlosetError)):
        story.assert_promises_kept(len(story.disk.notes), fortune, chance)
