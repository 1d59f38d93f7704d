from __future__ import annotations

import json

import pytest

from caldav_backup.cli.answer import Answer, Table
from caldav_backup.cli.argv import Globals
from caldav_backup.cli.counting import counted
from caldav_backup.cli.exits import Exit, Usage
from caldav_backup.cli.render import about, error_kind, error_message, show_answer, show_error
from caldav_backup.cli.terminal import Terminal, clean
from caldav_backup.kloset.errors import WrongPassphrase

TABLE = Table(["name", "size"], [["a", "1"], ["long name", "1000"]], frozenset({"size"}))


class Window(Terminal):
    """A terminal of a given width."""

    def __init__(self, columns: int = 80) -> None:
        self._columns = columns

    @property
    def width(self) -> int:
        return self._columns

    @property
    def shows_data(self) -> bool:
        return True


def shown(
    answer: Answer, capsys: pytest.CaptureFixture[str], terminal: Terminal | None = None, **options: bool
) -> tuple[str, str]:
    show_answer(answer, "ls", Globals(**options), terminal or Terminal())  # type: ignore[arg-type]
    return capsys.readouterr()


def test_a_table_in_a_pipe_is_aligned_and_whole(capsys: pytest.CaptureFixture[str]) -> None:
    out, err = shown(Answer({}, [TABLE]), capsys)
    assert out == "NAME       SIZE\na             1\nlong name  1000\n"
    assert err == ""


def test_a_table_without_rows_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    empty = Answer({}, [Table(["name"], [])])
    assert shown(empty, capsys) == ("", "")
    assert shown(empty, capsys, Window()) == ("", "")


@pytest.mark.parametrize("width", [20, 40, 200])
def test_a_table_fits_its_window(capsys: pytest.CaptureFixture[str], width: int) -> None:
    rows = [["1f2e3d4c", "a very long name that does not fit into a small window", "x" * 60]]
    out, _ = shown(Answer({}, [Table(["id", "name", "summary"], rows)]), capsys, Window(width))
    assert max(map(len, out.splitlines())) <= width
    assert out.count("x") == 60


def test_an_id_that_will_be_copied_is_not_broken_in_a_narrow_window(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [[each * 8, "2026-05-01 03:17", "@work", "20", "1.0 KiB", ""] for each in "abc"]
    out, _ = shown(Answer({}, [Table(["id", "time", "source", "files", "size", "tags"], rows)]), capsys, Window(45))
    assert [line[:8] for line in out.splitlines() if line[0] in "abc"] == [row[0] for row in rows]
    assert max(map(len, out.splitlines())) <= 45


def test_the_summary_is_not_printed_when_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    answer = Answer({}, ["data"], summary=["all done"], trouble=["one failed"])
    assert shown(answer, capsys) == ("data\nall done\n", "caldav-backup: one failed\n")
    assert shown(answer, capsys, quiet=True) == ("data\n", "caldav-backup: one failed\n")


def test_raw_bytes_are_printed_exactly_and_alone(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    content = bytes(range(256))
    show_answer(Answer({}, raw=[content], summary=["done"]), "cat", Globals(), Terminal())
    out, err = capsysbinary.readouterr()
    assert out == content
    assert err == b"caldav-backup: done\n"


def test_json_is_one_document_whatever_else_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    answer = Answer({"name": "é\udc80"}, [TABLE], ["summary"], ["trouble"], exit=Exit.PARTIAL)
    out, err = shown(answer, capsys, json=True)
    expected = {"version": 1, "command": "ls", "ok": False, "exit": 3, "result": {"name": "é\udc80"}}
    assert json.loads(out) == expected
    assert err == ""


def test_an_error_is_one_line_and_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    show_error(WrongPassphrase("the passphrase does not\nopen /s"), Exit.REFUSED, "ls", Globals(), Terminal())
    assert capsys.readouterr() == ("", "caldav-backup: the passphrase does not open /s\n")


def test_an_error_as_json_has_kind_and_message(capsys: pytest.CaptureFixture[str]) -> None:
    show_error(WrongPassphrase("no"), Exit.REFUSED, "ls", Globals(json=True), Terminal())
    document = json.loads(capsys.readouterr().out)
    assert document == {
        "version": 1,
        "command": "ls",
        "ok": False,
        "exit": 77,
        "error": {"kind": "wrong-passphrase", "message": "no"},
    }


def test_two_verbose_options_add_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise WrongPassphrase("no")
    except WrongPassphrase as error:
        show_error(error, Exit.REFUSED, "ls", Globals(verbose=2), Terminal())
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "caldav-backup: no"
    assert "caldav-backup: Traceback (most recent call last):" in lines


def test_a_defect_says_that_it_is_one() -> None:
    assert error_message(KeyError("x")).startswith("internal error: KeyError: 'x'; please report")
    assert error_message(Usage("say what")) == "say what"
    assert error_message(FileNotFoundError(2, "No such file or directory", "/x")) == "/x: No such file or directory"
    assert error_message(ExceptionGroup("two", [Usage("first"), Usage("second")])) == "first"
    assert error_kind(KeyError("x")) == "key-error"


def test_what_a_server_sends_cannot_steer_the_terminal() -> None:
    assert (
        clean("a\x1b[2Jb\u202ec\r\nd\te")
        == "a\N{REPLACEMENT CHARACTER}[2Jb\N{REPLACEMENT CHARACTER}c\N{REPLACEMENT CHARACTER} d e"
    )


def test_an_error_is_told_with_what_it_is_about_unless_it_names_that() -> None:
    for message, told in (("401 refused", "@me: 401 refused"), ("@me has no location", "@me has no location")):
        with pytest.raises(Usage) as caught, about("@me"):
            raise Usage(message)
        assert error_message(caught.value) == told


def test_one_thing_is_told_without_the_s_of_many() -> None:
    assert [counted(count, "event") for count in (0, 1, 2)] == ["0 events", "1 event", "2 events"]
