"""The OperationDefinitions of this server's own operations, from `definitions.yaml`.

They are part of the server, not of its data: they are read like stored ones, where none is stored under
their id.
"""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

import yaml

from fhir_server import __version__

CANONICAL = "https://osteon.example/fhir/OperationDefinition/"


@cache
def operation_definitions() -> Mapping[str, dict[str, Any]]:
    """All of them, by id."""
    source = resources.files(__package__).joinpath("definitions.yaml").read_text("utf-8")
    return {
        code: _definition(code, described) for code, described in yaml.safe_load(source).items()
    }


def _definition(code: str, described: Mapping[str, Any]) -> dict[str, Any]:
    levels = described["levels"]
    return {
        "resourceType": "OperationDefinition",
        "id": code,
        "url": CANONICAL + code,
        "version": __version__,
        "name": "".join(word.capitalize() for word in code.split("-")),
        "title": described["title"],
        "status": "active",
        "kind": "operation",
        "affectsState": described["changes"],
        "code": code,
        "resource": [described.get("resource", "Resource")],
        "system": "system" in levels,
        "type": "type" in levels,
        "instance": "instance" in levels,
        "parameter": [_parameter(*parameter) for parameter in described["parameters"]],
    }


def _parameter(name: str, use: str, least: int, most: str, kind: str) -> dict[str, Any]:
    # A parameter with parts has no type of its own.
    typed = {"type": kind} if kind else {"part": [{"name": "reference", "use": use, "min": 1,
                                                   "max": "1", "type": "Reference"}]}  # fmt: skip
    return {"name": name, "use": use, "min": least, "max": most, **typed}
