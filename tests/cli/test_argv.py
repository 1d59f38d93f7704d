from __future__ import annotations

from collections.abc import Iterator

import pytest

from caldav_backup.cli import commands
from caldav_backup.cli.argv import GLOBAL_OPTIONS, Globals, Request, rewrite
from caldav_backup.cli.exits import Usage

GRAMMAR = commands.BuiltGrammar()


def command_paths() -> Iterator[tuple[str, ...]]:
    """Every command there is, `("ls",)` or `("source", "add")`."""
    for command in commands.COMMANDS:
        verbs = GRAMMAR.subcommands((command.name,))
        yield from ((command.name, verb) for verb in verbs) if verbs else ((command.name,),)


PATHS = list(command_paths())
each_command = pytest.mark.parametrize("path", PATHS, ids=" ".join)


@each_command
def test_global_options_stand_before_or_after_any_command(path: tuple[str, ...]) -> None:
    options = ["--store", "/s", "--json", "-q", "-v", "--config-dir=/c", "-v", "--allow-kdf-cost"]
    expected = Request(
        Globals("/s", "/c", json=True, quiet=True, verbose=2, allow_kdf_cost=True), path, (*path, "word")
    )
    assert rewrite([*options, *path, "word"], GRAMMAR) == expected
    assert rewrite([*path, *options, "word"], GRAMMAR) == expected
    assert rewrite([*path, "word", *options], GRAMMAR) == expected
    assert rewrite([*options[:3], path[0], *options[3:], *path[1:], "word"], GRAMMAR) == expected


@each_command
def test_at_store_is_the_store_option_of_any_command(path: tuple[str, ...]) -> None:
    assert rewrite(["at", "/s", *path, "word"], GRAMMAR) == Request(Globals("/s"), path, (*path, "word"))
    assert rewrite(["-q", "at", "@disk", *path], GRAMMAR) == Request(Globals("@disk", quiet=True), path, path)


@each_command
def test_a_single_dash_is_taken_for_every_long_option(path: tuple[str, ...]) -> None:
    for option, takes_value in GRAMMAR.options(path).items():
        if not option.startswith("--"):
            continue
        value = ["value"] if takes_value else []
        assert rewrite([*path, option[1:], *value], GRAMMAR).words == (*path, option, *value)
        if takes_value:
            assert rewrite([*path, f"{option[1:]}=a=b"], GRAMMAR).words == (*path, f"{option}=a=b")


@each_command
def test_the_value_of_an_option_is_never_taken_for_a_global_option(path: tuple[str, ...]) -> None:
    for option, takes_value in GRAMMAR.options(path).items():
        if takes_value:
            for value in ("--json", "-q", "--store", "at"):
                assert rewrite([*path, option, value], GRAMMAR) == Request(Globals(), path, (*path, option, value))


@each_command
def test_no_option_of_a_command_hides_a_global_one(path: tuple[str, ...]) -> None:
    assert not set(GRAMMAR.options(path)) & set(GLOBAL_OPTIONS)


@each_command
def test_words_behind_two_dashes_are_left_alone(path: tuple[str, ...]) -> None:
    assert rewrite([*path, "--", "--json", "-to"], GRAMMAR) == Request(Globals(), path, (*path, "--", "--json", "-to"))


@pytest.mark.parametrize(
    ("words", "globals_"),
    [
        (["-vv"], Globals(verbose=2)),
        (["-qv"], Globals(quiet=True, verbose=1)),
        (["-json"], Globals(json=True)),
        (["-store", "/s"], Globals("/s")),
        (["-store=/s"], Globals("/s")),
        (["--store=/a=b"], Globals("/a=b")),
        (["-s", "/s"], Globals("/s")),
        (["-s", "-q"], Globals("-q")),
        (["--store", "/a", "-s", "/b"], Globals("/b")),
        (["--version"], Globals(version=True)),
    ],
)
def test_every_spelling_of_a_global_option(words: list[str], globals_: Globals) -> None:
    assert rewrite(words, GRAMMAR) == Request(globals_, (), ())
    assert rewrite(["source", "ls", *words], GRAMMAR).globals == globals_


@pytest.mark.parametrize("words", [["--store"], ["at"], ["source", "ls", "-s"], ["--config-dir"]])
def test_a_global_option_without_its_value_is_a_usage_error(words: list[str]) -> None:
    with pytest.raises(Usage, match="needs a value"):
        rewrite(words, GRAMMAR)


def test_what_is_not_known_is_left_to_the_parser() -> None:
    words = ("frobnicate", "-x", "--unknown", "-unknown", "-")
    assert rewrite(words, GRAMMAR) == Request(Globals(), ("frobnicate",), words)


def test_at_is_a_word_of_its_own_behind_the_command() -> None:
    words = ("source", "add", "at", "/srv")
    assert rewrite(words, GRAMMAR) == Request(Globals(), ("source", "add"), words)


def test_nothing_is_an_empty_request() -> None:
    assert rewrite([], GRAMMAR) == Request(Globals(), (), ())
