"""What must be true after a deed was interrupted, and that everything goes on then."""

from __future__ import annotations

from caldav_backup.kloset.errors import StoreNotFound
from caldav_backup.kloset.storage import Kind
from tests.crash.deed import Deed
from tests.crash.deeds import DEEDS
from tests.crash.worlds import World, assert_nothing_lost


def assert_survived(left: World, deed: Deed) -> None:
    may_go = deed.removes(left)
    is_made = is_store(left)
    if is_made and not deed.mends:
        assert_nothing_lost(left.open(), left.held, may_go=may_go)
    if is_made:
        release_locks(left)
    if not (is_made and deed is DEEDS["init"]):
        deed.do(left, left.storage)
    assert_nothing_lost(left.open(), left.held, may_go=may_go)
    assert not {header.timestamp_ns for header in left.open().snapshots()} & set(may_go)
    left.back_up()
    left.assert_backed_up()
    assert_nothing_lost(left.open(), left.held, may_go=may_go)
    assert list(left.storage.ids(Kind.LOCK)) == []


def is_store(world: World) -> bool:
    try:
        world.open()
    except StoreNotFound:
        return False
    return True


def release_locks(world: World) -> None:
    """As `unlock` does it, or ten minutes that pass."""
    for identifier in list(world.storage.ids(Kind.LOCK)):
        world.storage.delete(Kind.LOCK, identifier)
