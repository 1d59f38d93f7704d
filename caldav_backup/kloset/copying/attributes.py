"""Extended attributes on their way from one store into another, values included.

Owns which of them are known already, and what becomes of those that cannot be read. Where their blobs go is told in
`attribute_writer`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from caldav_backup.kloset.attribute_writer import AttributeWriter
from caldav_backup.kloset.btree import XATTR_TREE, Tree
from caldav_backup.kloset.contents import Content, stream_content
from caldav_backup.kloset.copying.directories import Loss
from caldav_backup.kloset.errors import Damaged
from caldav_backup.kloset.paths import from_key
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.xattrs import ExtendedAttribute


class AttributeCopier:
    """The attributes of one snapshot. They are read first, for entries list them, and stored last."""

    def __init__(self, source: Repository, writer: AttributeWriter) -> None:
        self._source = source
        self._writer = writer
        self._ids: dict[bytes, bytes] = {}
        self.anchors: defaultdict[str, set[bytes]] = defaultdict(set)
        """By directory, what `AttributeWriter.add` is to know of it; whoever copies directories fills it."""
        self.lost: defaultdict[str, set[str]] = defaultdict(set)
        """Names of attributes that cannot be read, by path."""
        self.losses: list[Loss] = []

    def read(self, root: bytes, known: Mapping[bytes, bytes]) -> None:
        """Take up all attributes of the source's tree `root`; those in `known` are in the destination already.

        Damaged when the tree itself cannot be read.
        """
        taken: dict[bytes, bytes] = {}
        for key, mac in Tree(self._source, XATTR_TREE, root):
            self._ids[key] = mac
            if mac in known:
                taken[key] = known[mac]
            else:
                self._read_one(key, mac)
        self._writer.take_over(taken)

    def _read_one(self, key: bytes, mac: bytes) -> None:
        try:
            found = ExtendedAttribute.from_bytes(self._source.get_blob(ResourceType.XATTR_ENTRY, mac))
            if found.key != key:
                raise Damaged("it is another one's; the store is damaged there")
        except Damaged as exc:
            # Nothing separates path and name in a key.
            path, _, name = from_key(key[:-1]).partition("user.")
            self._lose(path, "user." + name, exc)
            return
        what = f"the attribute {found.name!r} of {found.path!r}"
        try:
            value = b"".join(stream_content(self._source, Content(found.object, what, found.size)))
        except Damaged as exc:
            self._lose(found.path, found.name, exc)
            return
        self._writer.add(found.path, {found.name: value}, self.anchors[found.path], kind=found.kind)

    def _lose(self, path: str, name: str, damage: Damaged) -> None:
        self.lost[path].add(name)
        self.losses.append(Loss(path, f"the attribute {name!r} cannot be read: {damage}"))

    def finish(self) -> tuple[dict[bytes, bytes], dict[bytes, bytes]]:
        """Tree keys and ids in the destination; and ids in the source with those in the destination."""
        stored = self._writer.finish()
        return stored, {mac: stored[key] for key, mac in self._ids.items() if key in stored}
