"""Holds real output to the schema files of the package."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

_DIRECTORY = files("caldav_backup.cli") / "schemas"


def schema(name: str) -> Any:
    """One schema file."""
    return json.loads((_DIRECTORY / f"{name}.json").read_text())


def names() -> list[str]:
    """All schema files."""
    return sorted(path.name.removesuffix(".json") for path in _DIRECTORY.iterdir())


_REGISTRY: Registry[Any] = Registry().with_resources(
    (f"{name}.json", Resource.from_contents(schema(name))) for name in names()
)


def check_document(document: Any) -> Any:
    """`document`, when it and its result are what the schemas say; jsonschema's ValidationError otherwise."""
    Draft202012Validator(schema("document")).validate(document)
    if "result" in document:
        name = document["command"].split(" ")[0]
        Draft202012Validator(schema(name), registry=_REGISTRY).validate(document["result"])
    return document
