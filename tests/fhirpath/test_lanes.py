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


TIMES = ("2024", "2024-05", "2024-05-06", "2024-05-06T10:00:00Z", "2024-05-06T23:30:00-11:00",
         "2024-05-07T00:30:00+14:00", "2024-05-08T10:00:00.5+02:00")  # fmt: skip


@pytest.mark.parametrize("expression", [
    "iif(issued + 1 day < effective.ofType(dateTime), false, true)",
    "iif(effective.ofType(dateTime) - 10 months > issued, false, true)",
    "iif(status in ('registered' | 'cancelled'), true, issued >= effective.ofType(dateTime))",
    "iif(status = 'final', issued.exists())",
    "issued <= effective.ofType(Period).start",
    "status.intersect('final' | 'amended').empty()",
    "status.intersect('final').exists() and issued.exists()",
    "code.coding.code.intersect('a' | 'b').count() > 1",
    "code.coding.where(system = 's').code.all($this.matches('^[a-z]$'))",
    "code.coding.code.where($this in ('a' | 'c')).exists()",
    "value.coding.code.where($this.matches('^[0-9]+$')).empty()",
    "value.coding.where(system = 's').exists() implies value.text.startsWith('t')",
])  # fmt: skip
def test_lanes__agree_on_moments_choices_and_texts(lanes: Lanes, expression: str) -> None:
    fast, general = lanes.compile(expression, "Observation")
    assert fast.quick_test is not None
    for observation in observations():
        assert outcome(fast.test, observation) == outcome(general.test, observation)


@pytest.mark.parametrize("expression", [
    "code.coding.code.where($this.startsWith('a'))",
    "code.coding.code.intersect('a' | 'b')",
    "value.coding",
])  # fmt: skip
def test_lanes__agree_on_what_is_left_of_texts(lanes: Lanes, expression: str) -> None:
    fast, general = lanes.compile(expression, "Observation")
    for observation in observations():
        assert outcome(fast.typed, observation) == outcome(general.typed, observation)


@pytest.mark.parametrize("expression", ["iif(true, active)", "iif(active, true, active)"])
def test_lanes__agree_on_the_types_of_a_choice_of_two(lanes: Lanes, expression: str) -> None:
    fast, general = lanes.compile(expression, "Patient")
    beside = {"extension": [{"url": "u", "valueString": "t"}]}
    for active in (True, False):
        patient = {"resourceType": "Patient", "active": active, "_active": beside}
        assert outcome(fast.typed, patient) == outcome(general.typed, patient)


def observations() -> Iterator[dict[str, Any]]:
    """Observations as they come and as they should not come."""
    plain = {"resourceType": "Observation", "status": "final"}
    beside = {"extension": [{"url": "u", "valueString": "t"}]}
    for issued in TIMES:
        for effective in TIMES:
            yield {**plain, "issued": issued, "effectiveDateTime": effective}
            yield {**plain, "issued": issued, "effectivePeriod": {"start": effective}}
        yield {**plain, "issued": issued}
        yield {**plain, "issued": issued, "_issued": beside, "effectiveDateTime": "no date"}
    for codes in (["a"], ["a", "b", "a"], ["9", "abc"], [], [None], [5]):
        concept = {"coding": [{"system": "s", "code": code} for code in codes], "text": "t"}
        yield {**plain, "code": concept, "valueCodeableConcept": concept}
        yield {**plain, "code": concept, "valueString": "t", "_status": beside}
    yield {"resourceType": "Observation", "_status": beside, "_issued": beside,
           "code": {"coding": [{"code": "a", "_code": beside}, {"_code": beside}]}}  # fmt: skip
    yield {**plain, "status": ["final", "amended"]}
    yield {**plain, "issued": [TIMES[0], TIMES[1]], "effectiveDateTime": TIMES[2]}


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
