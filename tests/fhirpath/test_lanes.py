"""The fast lane gives what the general lane gives, over all published expressions and examples."""

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fhir_server.definitions import Definitions
from fhir_server.fhirpath import CompiledExpression, FHIRPath, FHIRPathError, TypedValue, compiler
from fhir_server.fhirpath.functions.tree_navigation import append_children
from fhir_server.fhirpath.type_space import TypeSpace
from fhir_server.model.json_source import parse_json

EXAMPLES = Path(__file__).parents[3] / "shared/conformance/r4-examples/instances.ndjson.gz"
KNOWN_FALSE = {"que-7"}
"""que-7 writes `answer is Boolean`; a FHIR boolean is no System.Boolean, so the published text fails."""


@pytest.fixture(scope="module")
def examples() -> list[dict[str, Any]]:
    if not EXAMPLES.exists():
        pytest.skip("the conformance data is not at hand")
    with gzip.open(EXAMPLES) as lines:
        return [parse_json(parse_json(line)["json"].encode()) for line in lines]


class Lanes:
    """Each expression twice: as it is compiled, and without the fast lane."""

    def __init__(self, definitions: Definitions, monkeypatch: pytest.MonkeyPatch) -> None:
        self._fast = FHIRPath(definitions.type_model)
        self._general = FHIRPath(definitions.type_model)
        self._monkeypatch = monkeypatch

    def compile(
        self, expression: str, type_name: str
    ) -> tuple[CompiledExpression, CompiledExpression]:
        fast = self._fast.compile(expression, type_name)
        with self._monkeypatch.context() as patch:
            patch.setattr(compiler, "compile_fast", lambda *_: None)
            return fast, self._general.compile(expression, type_name)


@pytest.fixture
def lanes(definitions: Definitions, monkeypatch: pytest.MonkeyPatch) -> Lanes:
    return Lanes(definitions, monkeypatch)


def outcome(run: Callable[..., Any], *arguments: Any, **given: Any) -> Any:
    try:
        return run(*arguments, **given)
    except FHIRPathError as error:
        return error.issue.id


def test_lanes__agree_on_search_parameters(
    definitions: Definitions, lanes: Lanes, examples: list[dict[str, Any]]
) -> None:
    for resource in examples:
        for parameter in definitions.search_parameters(resource["resourceType"]).values():
            if "expression" in parameter:
                fast, general = lanes.compile(parameter["expression"], resource["resourceType"])
                assert outcome(fast.typed, resource) == outcome(general.typed, resource)
                assert outcome(fast.evaluate, resource) == outcome(general.evaluate, resource)


def test_lanes__agree_on_invariants_and_examples_meet_them(
    definitions: Definitions, lanes: Lanes, examples: list[dict[str, Any]]
) -> None:
    space = TypeSpace(definitions.type_model)
    failing: set[str] = set()
    for resource in examples[::4]:
        for node, owner in elements(resource, space):
            for constraint in constraints(definitions, node.type):
                if constraint["key"] == "ele-1":
                    continue
                given: dict[str, Any] = {
                    "sibling": node.sibling,
                    "resource": owner,
                    "root_resource": resource,
                }
                fast, general = lanes.compile(constraint["expression"], node.type)
                found = outcome(fast.test, node.value, **given)
                assert found == outcome(general.test, node.value, **given)
                if found is not True and found is not None and constraint["severity"] == "error":
                    failing.add(constraint["key"])
    assert failing <= KNOWN_FALSE


def elements(
    resource: dict[str, Any], space: TypeSpace
) -> Iterator[tuple[TypedValue, dict[str, Any]]]:
    pending = [(TypedValue(resource["resourceType"], resource), resource)]
    while pending:
        node, owner = pending.pop()
        yield node, owner
        found: list[Any] = []
        append_children(found, node, space)
        pending += [
            (item, item.value if space.model.is_resource(item.type) else owner) for item in found
        ]


def constraints(definitions: Definitions, type_name: str) -> list[dict[str, Any]]:
    structure = definitions.structure(type_name.partition(".")[0])
    for element in structure["snapshot"]["element"] if structure else ():
        if element["path"] == type_name:
            return list(element.get("constraint", ()))
    return []
