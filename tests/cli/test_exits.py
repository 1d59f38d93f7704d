from __future__ import annotations

import errno
import inspect
from importlib import import_module
from typing import Any

import pytest

from caldav_backup.cli.exits import CODES, MEANINGS, WORST_FIRST, Exit, exit_of, is_expected, qualified_name, worst

#: Modules that hold a package's errors: each class in them needs a code, its own or inherited.
ERROR_MODULES = [
    "caldav_backup.settings.errors",
    "caldav_backup.kloset.errors",
    "caldav_backup.dav.errors",
    "caldav_backup.connectors.destination",
    "caldav_backup.restorer.errors",
    "caldav_backup.inspection.errors",
]


def error_classes() -> list[type[Any]]:
    return [
        kind
        for name in ERROR_MODULES
        for _, kind in inspect.getmembers(import_module(name), inspect.isclass)
        if kind.__module__ == name and issubclass(kind, BaseException)
    ]


@pytest.mark.parametrize("name", CODES)
def test_every_name_in_the_table_is_a_class(name: str) -> None:
    module, _, kind = name.rpartition(".")
    assert issubclass(getattr(import_module(module), kind), BaseException)


@pytest.mark.parametrize("kind", error_classes(), ids=qualified_name)
def test_every_error_has_a_code(kind: type[BaseException]) -> None:
    assert any(qualified_name(base) in CODES for base in kind.__mro__)


def test_every_code_has_a_meaning_and_a_rank() -> None:
    assert set(MEANINGS) == set(Exit) == set(WORST_FIRST)


def test_the_worst_of_several_is_in_the_documented_order() -> None:
    documented = [143, 130, 78, 65, 66, 77, 1, 69, 75, 4, 3, 0]
    assert [int(code) for code in WORST_FIRST if code in documented] == documented
    assert worst([Exit.DONE, Exit.PARTIAL, Exit.REFUSED, Exit.UNAVAILABLE]) is Exit.REFUSED
    assert worst([]) is Exit.DONE


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), Exit.NOT_WRITABLE),
        (PermissionError(errno.EACCES, "Permission denied"), Exit.NOT_WRITABLE),
        (FileNotFoundError(errno.ENOENT, "No such file or directory"), Exit.NOT_FOUND),
        (OSError(errno.EIO, "Input/output error"), Exit.FAILED),
        (KeyboardInterrupt(), Exit.INTERRUPTED),
        (ValueError("a defect"), Exit.FAILED),
        (ExceptionGroup("two", [ValueError("a defect"), OSError(errno.ENOSPC, "full")]), Exit.NOT_WRITABLE),
    ],
)
def test_other_errors_have_codes_too(error: BaseException, code: Exit) -> None:
    assert exit_of(error) is code


def test_a_defect_is_not_expected() -> None:
    assert not is_expected(ValueError("a defect"))
    assert is_expected(OSError(errno.EIO, "Input/output error"))
    assert not is_expected(ExceptionGroup("two", [OSError(errno.EIO, "x"), KeyError("y")]))
