"""The walk over a resource's elements gives what the FHIRPath engine gives for each expression."""

import gzip
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import fields

from fhir_server.definitions import core_definitions
from fhir_server.model.json_source import parse_json
from fhir_server.search import elements, gates
from fhir_server.search.gates import gate_of
from fhir_server.search.indexer import SearchIndexer
from fhir_server.search.parameters import SearchParameters
from fhir_server.search.paths import Having, Key, paths_of
from fhir_server.search.rows import IndexRows
from fhir_server.store.keys import parameter_hash, token_hash
from tests.search.invented import coded, condition, observation, patient

EXAMPLES = Path("../shared/conformance/r4-examples/instances.ndjson.gz")
MODEL = core_definitions().type_model
BY_CODE = "Observation.where(code.coding.where(system = 's' and code = 'c').exists())"


def _as_sets(rows: IndexRows) -> dict[str, set[Any]]:
    return {one.name: set(getattr(rows, one.name)) for one in fields(rows) if one.name != "texts"}


def _with_parameter(indexer: SearchIndexer, expression: str) -> SearchIndexer:
    """An indexer with one more parameter of Observation, `own`."""
    definition = {
        "resourceType": "SearchParameter", "url": "http://osteon.test/own", "code": "own",
        "base": ["Observation"], "type": "token", "expression": expression,
    }  # fmt: skip
    parameters: SearchParameters = indexer.parameters.extended([definition])
    return indexer.extended(parameters, ["Observation"])


def _has_own(rows: IndexRows, value: str) -> bool:
    return token_hash(parameter_hash("Observation", "own"), f"={value}") in rows.tokens


@pytest.mark.skipif(not EXAMPLES.exists(), reason="the conformance data is not here")
def test_rows__are_those_of_the_engine_for_the_examples_of_r4(indexer: SearchIndexer) -> None:
    with gzip.open(EXAMPLES) as lines:
        examples = [parse_json(msgspec.json.decode(line)["json"].encode()) for line in lines][::2]
    different = [
        f"{one['resourceType']}/{one.get('id')}"
        for one in examples
        if _as_sets(indexer.rows(one)) != _as_sets(indexer.evaluated(one))
    ]
    assert different == []


@pytest.mark.parametrize(
    "resource",
    [
        condition("a", code={"coding": [{"system": "s"}, {"display": "only"}, {}], "text": "t"}),
        condition("a", onsetAge={"value": 3, "unit": "a"}, bodySite=[coded(None, "x")]),
        observation("a", valueQuantity={"value": 5, "system": "http://unitsofmeasure.org", "code": "mg"},
                    component=[{"code": coded("s", "c"), "valueCodeableConcept": coded("s", "d")}]),
        observation("a", status="final", _status={"extension": [{"url": "u", "valueCode": "x"}]}),
        patient("a", name=[{"given": ["A", None], "_given": [None, {"extension": []}]}]),
        patient("a", telecom=[{"system": "email", "value": "a@b"}, {"value": "1"}, {"system": "phone"}]),
        patient("a", _birthDate={"extension": [{"url": "u", "valueString": "unknown"}]}),
        patient("a", generalPractitioner=[{"reference": "Practitioner/1", "identifier": {"value": "9"}},
                                          {"display": "nobody"}, {"reference": "#c"}]),
    ],
)  # fmt: skip
def test_rows__are_those_of_the_engine_at_the_edges(
    indexer: SearchIndexer, resource: dict[str, Any]
) -> None:
    assert _as_sets(indexer.rows(resource)) == _as_sets(indexer.evaluated(resource))


@pytest.mark.parametrize(
    "broken", [{"code": "text"}, {"code": {"coding": [3]}}, {"subject": ["x"]}]
)
def test_rows__of_what_is_not_shaped_as_its_type_come_from_the_engine(
    indexer: SearchIndexer, broken: dict[str, Any]
) -> None:
    resource = observation("a", status="final", **broken)
    rows = indexer.rows(resource)
    assert token_hash(parameter_hash("Observation", "status"), "=final") in rows.tokens


def test_kept_rows__are_bounded(indexer: SearchIndexer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elements, "MOST_KEPT", 3)
    for number in range(10):
        one = condition("a", code=coded("s", f"c{number}"))
        assert _as_sets(indexer.rows(one)) == _as_sets(indexer.evaluated(one))


def test_kept_rows__tell_references_of_another_type_apart(indexer: SearchIndexer) -> None:
    for subject in ({"reference": "urn:uuid:1", "type": "Patient"}, {"reference": "urn:uuid:1"}):
        one = condition("a", subject=subject)
        assert _as_sets(indexer.rows(one)) == _as_sets(indexer.evaluated(one))


@pytest.mark.parametrize(
    ("expression", "steps"),
    [
        ("(Observation.value as Quantity)", [[Key("valueQuantity")]]),
        ("Observation.effective.ofType(Period).start", [[Key("effectivePeriod"), Key("start")]]),
        ("Observation.component.code", [[Key("component"), Key("code")]]),
        ("Observation.extension('u').value.ofType(code)",
         [[Key("extension"), Having("url", "u"), Key("valueCode")]]),
        ("Observation.identifier.where(system = 's').value",
         [[Key("identifier"), Having("system", "s"), Key("value")]]),
    ],
)  # fmt: skip
def test_paths__are_the_json_keys_of_an_expression(expression: str, steps: list[Any]) -> None:
    paths = paths_of(expression, "Observation", MODEL)
    assert paths is not None
    assert [list(path.steps) for path in paths] == steps


@pytest.mark.parametrize(
    "expression",
    ["Observation.code.exists()", "Observation.component[0].code", "Observation.contained.id",
     "Observation.status = 'final'", "Observation.missing", "Observation", "Patient.name",
     "Observation.status.value", "Observation.code.where(coding.exists())"],
)  # fmt: skip
def test_paths__of_what_does_more_than_walk_are_none(expression: str) -> None:
    assert paths_of(expression, "Observation", MODEL) is None


WITHDRAWN = "Observation.value.ofType(CodeableConcept).where(%resource.status != 'final')"


@pytest.mark.parametrize(
    ("expression", "elements", "rest"),
    [
        (f"{BY_CODE}.value.ofType(CodeableConcept)", ("code",),
         "Observation.value.ofType(CodeableConcept)"),
        (f"{BY_CODE[:-1]} and status = 'final').select(value.exists())", ("code", "status"),
         "Observation.select(value.exists())"),
        (f"{BY_CODE[:-1]} or status = 'final').value", ("code", "status"), "Observation.value"),
        (f"{BY_CODE[:-1]}.not()).value", ("code",), "Observation.value"),
        (f"{BY_CODE[:-1]} and issued > @2024).value", ("code",),
         "Observation.where(issued > @2024).value"),
        (WITHDRAWN, ("status",), "Observation.value.ofType(CodeableConcept)"),
        ("Observation.value.where(exists() and %resource.category.coding.code.intersect('a').empty())",
         ("category",), "Observation.value.where(exists())"),
    ],
)  # fmt: skip
def test_gate__stands_before_what_asks_for_codes(
    expression: str, elements: tuple[str, ...], rest: str
) -> None:
    gate = gate_of(expression, "Observation")
    assert gate is not None
    assert gate.elements == elements
    assert gate.rest == rest


@pytest.mark.parametrize(
    "expression",
    [
        f"{BY_CODE[:-1]} or issued > @2024).value",
        f"{BY_CODE[:-1]} and status = 'final').value.empty()",
        "Observation.where(code.coding.where(display = 'x').exists()).value",
        "Observation.where(code.coding.where(system = 's').exists().value",
        "Observation.where(code.text = 'x').value",
        "Observation.where(status = '%resource.status').value",
        "Observation.value.where(status = 'final')",
    ],
)
def test_gate__does_not_stand_before_what_may_hold_otherwise(expression: str) -> None:
    assert gate_of(expression, "Observation") is None


@pytest.mark.parametrize("expression", [
    WITHDRAWN,
    "Observation.value.where(%resource.status.intersect('final' | 'amended').empty())",
    "Observation.value.where(%resource.category.coding.code.intersect('a').exists())",
    "Observation.where(status.empty()).code",
    "Observation.where(code.coding.code != 'c').value",
    "Observation.where(category.coding.where(system = 's').code in ('a' | 'b')).code",
])  # fmt: skip
def test_gate__keeps_to_the_engine_whatever_the_codes(
    indexer: SearchIndexer, expression: str
) -> None:
    own = _with_parameter(indexer, expression)
    beside = {"extension": [{"url": "u", "valueString": "t"}]}
    changes: list[dict[str, Any]] = [
        {}, {"status": "amended"}, {"status": None, "_status": beside}, {"category": []},
        {"category": [coded("s", "a"), coded("t", "b")]}, {"category": [coded("s", "b")]},
        {"code": {"text": "only"}}, {"code": coded("s", "d")}, {"category": coded("s", "a")},
    ]  # fmt: skip
    for change in changes:
        made = observation("a", valueCodeableConcept=coded("s", "v"), code=coded("s", "c"))
        one = {name: value for name, value in (made | change).items() if value is not None}
        assert _as_sets(own.rows(one)) == _as_sets(own.evaluated(one))


@pytest.mark.parametrize(
    "rest",
    [".value.ofType(CodeableConcept)", ".value.ofType(CodeableConcept).coding.first()",
     ".value.empty()"],
)  # fmt: skip
@pytest.mark.parametrize("code", ["c", "other"])
def test_gate__lets_through_what_the_expression_would_find(
    indexer: SearchIndexer, rest: str, code: str
) -> None:
    own = _with_parameter(indexer, BY_CODE + rest)
    one = observation("a", code=coded("s", code), valueCodeableConcept=coded("s", "v"))
    assert _as_sets(own.rows(one)) == _as_sets(own.evaluated(one))


def test_gate__is_asked_again_after_its_answers_were_forgotten(
    indexer: SearchIndexer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gates, "MOST_KEPT", 1)
    own = _with_parameter(indexer, f"{BY_CODE}.value.ofType(CodeableConcept)")
    for code, expected in (("c", True), ("d", False), ("c", True)):
        one = observation("a", code=coded("s", code), valueCodeableConcept=coded("s", "v"))
        assert _has_own(own.rows(one), "v") is expected


def test_gate__of_another_type_is_none() -> None:
    assert gate_of(f"{BY_CODE}.value", "Condition") is None


@pytest.mark.parametrize("expression", [
    "Observation.where(value.coding.code = 'v').code",
    "Observation.where(value.exists()).code",
    "Observation.where(effective.empty()).code",
    "Observation.code.where(%resource.value.coding.where(code = 'v').exists())",
    "Observation.where(code.coding.code in ('c' | 'd')).value",
    "Observation.value.where(%resource.code.coding.code in ('c' | 'd'))",
    "Observation.where(code.coding.code.exists()).value",
    "Observation.where(code.coding.where(system = '%resource.s').empty()).value",
])  # fmt: skip
def test_gate__keeps_to_the_engine_for_choices_several_codes_and_what_is_beside_them(
    indexer: SearchIndexer, expression: str
) -> None:
    own = _with_parameter(indexer, expression)
    beside = {"extension": [{"url": "u", "valueString": "t"}]}
    two = {"coding": [{"system": "s", "code": "c"}, {"system": "t", "code": "d"}]}
    for code in (coded("s", "c"), two, {"coding": [{"system": "s", "_code": beside}]}):
        for more in ({}, {"effectiveDateTime": "2024"}):
            one = observation("a", code=code, valueCodeableConcept=coded("s", "v"), **more)
            assert _as_sets(own.rows(one)) == _as_sets(own.evaluated(one))
