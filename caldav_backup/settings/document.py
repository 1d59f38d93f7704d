"""One YAML file of settings: read as plain strings, changed without losing the user's comments.

Owns YAML. A file is read and written by ruamel.yaml, which is imported only when there is a file. What the keys mean
is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caldav_backup.settings.errors import SettingsError
from caldav_backup.settings.private_files import exclusive, replace_file

if TYPE_CHECKING:
    from ruamel.yaml import YAML

#: Settings are a few lines; this is far beyond what a person writes.
MAX_BYTES = 1 << 20


def read_document(path: Path) -> dict[str, Any]:
    """The file's top-level map, empty when there is no file. Every scalar is a `str`: `0123` stays what was typed."""
    content = _read(path)
    if not content.strip():
        return {}
    # The base loader knows no numbers, booleans or dates: plakar reads all values as strings, too.
    loaded = _parse(path, content, _yaml("base"))
    if not isinstance(loaded, dict):
        raise SettingsError(f"{path} must hold a map such as 'version: v1.0.0', not {_kind_of(loaded)}")
    return loaded


def change_document(path: Path, change: Callable[[Any], None]) -> None:
    """Give the file's map to `change`, which changes it in place, and replace the file; comments and order stay."""
    with exclusive(path):
        content = _read(path)
        yaml = _yaml("rt")
        document = _parse(path, content, yaml) if content.strip() else None
        if document is None:
            document = {}
        if not isinstance(document, dict):
            raise SettingsError(f"{path} must hold a map such as 'version: v1.0.0', not {_kind_of(document)}")
        change(document)
        output = BytesIO()
        yaml.dump(document, output)
        replace_file(path, output.getvalue())


def dump_mapping(mapping: Mapping[str, Any]) -> str:
    """`mapping` as YAML text, each string quoted where YAML would take it for something else."""
    output = BytesIO()
    _yaml("rt").dump(dict(mapping), output)
    return output.getvalue().decode()


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise SettingsError(f"cannot read {path}: {error.strerror}") from error
    if len(content) > MAX_BYTES:
        raise SettingsError(f"{path} is larger than {MAX_BYTES} bytes: that is no settings file")
    return content


def _yaml(kind: str) -> YAML:
    from ruamel.yaml import YAML

    yaml = YAML(typ=kind, pure=True)
    yaml.preserve_quotes = True
    yaml.width = 4096
    return yaml


def _parse(path: Path, content: bytes, yaml: YAML) -> Any:
    from ruamel.yaml.error import YAMLError

    try:
        return yaml.load(content)
    except (YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f" in line {mark.line + 1}" if mark is not None else ""
    # The parser's own message quotes keys and values, and one of them may be a password: so it is not chained either.
    raise SettingsError(f"{path} is not valid YAML{place}; a value with special characters needs quotes")


def _kind_of(value: object) -> str:
    return {list: "a list", str: "a text", type(None): "nothing"}.get(type(value), "something else")
