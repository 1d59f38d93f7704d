"""Whatever tree goes in comes out, and taking over what is unchanged gives the same as storing it all again."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from caldav_backup.kloset import Configuration, File, Importer, Repository, Snapshot, SnapshotBuilder
from caldav_backup.kloset.configuration import ChunkSizes
from caldav_backup.kloset.paths import ancestors, from_key, join, split, to_key
from caldav_backup.kloset.storage.memory import MemoryStorage

IMPORTER = Importer("caldav-backup", "somebody", "/")


class Directory(NamedTuple):
    """The files of a directory, each with its content and time, and the directory's own time and attributes."""

    files: dict[str, tuple[bytes, int]]
    mtime_ns: int
    attributes: dict[str, bytes]


Tree = dict[str, Directory]

names = (
    st.binary(min_size=1, max_size=6)
    .filter(lambda name: not {0, 0x2F} & set(name) and name not in {b".", b".."})
    .map(from_key)
)
times = st.integers(-1, 3).map(lambda seconds: seconds * 1_000_000_000) | st.integers(0, 2**61)
contents = st.one_of(
    st.sampled_from([b"", b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"]),
    st.binary(max_size=40),
    st.builds(lambda piece, count: piece * count, st.binary(min_size=1, max_size=40), st.integers(1, 40)),
)
attributes = st.dictionaries(st.sampled_from(["user.a", "user.b", "user.caldav.color"]), contents, max_size=2)
directories = st.builds(Directory, st.dictionaries(names, st.tuples(contents, times), max_size=6), times, attributes)
paths = st.lists(names, max_size=3).map(lambda segments: "/" + "/".join(segments))


def without_clashes(tree: Tree) -> Tree:
    """The tree without files that have the name of a directory."""
    taken = {directory for path in tree for directory in (path, *ancestors(path))}
    return {
        path: directory._replace(
            files={name: file for name, file in directory.files.items() if join(path, name) not in taken}
        )
        for path, directory in tree.items()
    }


trees = st.dictionaries(paths, directories, max_size=5).map(without_clashes)


def make_repository() -> Repository:
    configuration = Configuration.new(encrypted=False, chunking=ChunkSizes(64, 128, 512))
    return Repository.create(MemoryStorage(), configuration, passphrase=None)


def deepest_first(tree: Tree) -> list[str]:
    return sorted(tree, key=lambda path: len(ancestors(path)), reverse=True)


def build(repository: Repository, tree: Tree, failures: dict[str, str], old: Snapshot | None, before: Tree) -> Snapshot:
    """A snapshot of `tree`; what is the same in `before`, the tree of `old`, is taken over."""
    builder = SnapshotBuilder(repository, importer=IMPORTER)
    for path in deepest_first(tree):
        if path in keepable(tree, before):
            assert old is not None
            builder.keep_directory(path, parent=old, xattrs=tree[path].attributes if len(path) % 2 else None)
        elif not any(above in keepable(tree, before) for above in ancestors(path)):
            add_directory(builder, path, tree[path], old, before.get(path))
    for path, message in failures.items():
        builder.fail(path, message)
    return repository.snapshot(builder.finish().identifier)


def keepable(tree: Tree, before: Tree) -> set[str]:
    """Directories that are the same as before, with all that is below them, and lie in no other such directory."""
    same = {path for path in tree if below(tree, path) == below(before, path)}
    return {path for path in same if not same & set(ancestors(path))}


def below(tree: Tree, path: str) -> Tree:
    return {name: directory for name, directory in tree.items() if path in (name, *ancestors(name))}


def add_directory(
    builder: SnapshotBuilder, path: str, directory: Directory, old: Snapshot | None, before: Directory | None
) -> None:
    parents = [old] if old is not None and before is not None else []
    target = builder.open_directory(path, mtime_ns=directory.mtime_ns, parents=parents)
    for name in sorted(directory.files, key=to_key):
        content, mtime_ns = directory.files[name]
        if before is not None and before.files.get(name) == (content, mtime_ns):
            target.keep([name])
        elif len(content) % 3:
            target.add([File(name, content, mtime_ns)])
        else:
            target.add_stream(name, [content[:7], content[7:]], mtime_ns)
    target.close(directory.attributes)


def read_back(snapshot: Snapshot) -> Tree:
    found: Tree = {}
    for entry in snapshot.walk():
        if entry.is_directory:
            found[entry.path] = Directory({}, entry.mtime_ns, snapshot.extended_attributes(entry.path))
        else:
            assert entry.size == len(snapshot.read(entry))
            assert snapshot.entry(entry.path) == entry
            found[entry.parent_path].files[entry.name] = (snapshot.read(entry), entry.mtime_ns)
    return found


def with_ancestors(tree: Tree) -> Tree:
    """The tree as a snapshot holds it: nothing hangs in the air."""
    invented = {above: Directory({}, 0, {}) for path in [*tree, "/x"] for above in ancestors(path)}
    return invented | tree


@settings(max_examples=60)
@given(trees, st.dictionaries(paths, st.text(max_size=10), max_size=2))
def test_a_tree_comes_back_as_it_went_in(tree: Tree, failures: dict[str, str]) -> None:
    repository = make_repository()
    snapshot = build(repository, tree, failures, None, {})
    assert read_back(snapshot) == with_ancestors(tree)
    assert dict(snapshot.errors()) == failures
    totals = snapshot.summary()
    assert totals.directory.files + totals.below.files == sum(len(directory.files) for directory in tree.values())
    assert totals.below.errors == sum(split(path)[0] in with_ancestors(tree) for path in failures)
    assert list(repository.check(read_data=True)) == []


@settings(max_examples=60)
@given(trees, trees, st.sets(st.integers(0, 4)))
def test_taking_over_gives_what_storing_anew_gives(first: Tree, other: Tree, unchanged: set[int]) -> None:
    repository = make_repository()
    old = build(repository, first, {}, None, {})
    second = without_clashes(other | {path: first[path] for number, path in enumerate(first) if number in unchanged})
    taken = build(repository, second, {}, old, first).header.source
    anew = build(repository, second, {}, None, {}).header.source
    assert taken == anew


@settings(max_examples=20)
@given(trees)
def test_an_unchanged_tree_has_the_same_trees(tree: Tree) -> None:
    repository = make_repository()
    old = build(repository, tree, {}, None, {})
    assert build(repository, tree, {}, old, tree).header.source == old.header.source
