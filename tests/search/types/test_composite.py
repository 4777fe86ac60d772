from decimal import Decimal
from typing import Any

import pytest

from fhir_server.fhirpath import FHIRPath
from fhir_server.model.issues import Refused, has_errors
from fhir_server.search.definition_check import check_definition
from tests.search.conftest import SearchStore
from tests.search.invented import coded, observation

Json = dict[str, Any]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("code-value-quantity=http://l|a$gt5", ["root"]),
        ("code-value-quantity=a$5.4||mg,zzz$1", ["root"]),
        ("component-code-value-quantity=a$lt5||mg", ["parts"]),
        ("component-code-value-quantity=b$9", ["parts"]),
        ("component-code-value-quantity=a$9", []),
        ("combo-code-value-quantity=a$gt0", ["parts", "root"]),
        ("component-code-value-concept=c$http://v|yes", ["parts"]),
        ("component-code-value-concept=a$yes", []),
    ],
)
def test_composite__values_stand_together(store: SearchStore, query: str, found: list[str]) -> None:
    component = [
        {"code": coded("http://l", "a"), "valueQuantity": {"value": 3, "code": "mg"}},
        {"code": coded("http://l", "b"), "valueQuantity": {"value": 9, "code": "mg"}},
        {"code": coded("http://l", "c"), "valueCodeableConcept": coded("http://v", "yes")},
    ]
    quantity = {"value": Decimal("5.4"), "code": "mg"}
    store.put(
        observation("root", code=coded("http://l", "a"), valueQuantity=quantity),
        observation("parts", code=coded("http://l", "panel"), component=component),
    )
    assert store.find(f"Observation?{query}") == [f"Observation/{one}" for one in found]


def sequence(own_id: str, chromosome: str, *variants: tuple[int, int], window: int = 0) -> Json:
    return {
        "resourceType": "MolecularSequence", "id": own_id, "coordinateSystem": 1,
        "referenceSeq": {"chromosome": coded("http://c", chromosome), "windowStart": window,
                         "windowEnd": window + 100, "referenceSeqId": coded("http://r", "NC_1")},
        "variant": [{"start": start, "end": end} for start, end in variants],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("chromosome-variant-coordinate=1$gt100$lt200", ["a"]),
        ("chromosome-variant-coordinate=http://c|1$110$120", ["a"]),
        # 110 to 310 would take the start of one variant and the end of another.
        ("chromosome-variant-coordinate=1$110$310", []),
        ("chromosome-variant-coordinate=2$gt100$lt200", ["b"]),
        ("chromosome-variant-coordinate=1$gt100$lt200,2$gt100$lt200", ["a", "b"]),
        ("chromosome-variant-coordinate=1$ge300$le310&chromosome=1", ["a"]),
        ("chromosome-window-coordinate=1$lt50$gt50", ["a"]),
        ("chromosome-window-coordinate=2$lt50$gt50", []),
        ("referenceseqid-variant-coordinate=NC_1$ge300$lt400", ["a"]),
        ("referenceseqid-window-coordinate=http://r|NC_1$1000$1100", ["b"]),
        ("chromosome-variant-coordinate=1$gt100$lt200&_total=accurate&_sort=chromosome", ["a"]),
    ],
)  # fmt: skip
def test_composite__of_three_components_stand_together(
    store: SearchStore, query: str, found: list[str]
) -> None:
    store.put(
        sequence("a", "1", (110, 120), (300, 310)), sequence("b", "2", (150, 160), window=1000)
    )  # fmt: skip
    assert store.find(f"MolecularSequence?{query}") == [f"MolecularSequence/{one}" for one in found]


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("DocumentReference/old$replaces", ["new"]),
        ("old$http://hl7.org/fhir/document-relationship-type|replaces", ["new"]),
        ("DocumentReference/other$replaces", []),
        ("DocumentReference/other$appends", ["new"]),
    ],
)
def test_composite__relationship_takes_target_and_code(
    store: SearchStore, value: str, found: list[str]
) -> None:
    store.put({
        "resourceType": "DocumentReference", "id": "new", "status": "current", "content": [],
        "relatesTo": [
            {"code": "replaces", "target": {"reference": "DocumentReference/old"}},
            {"code": "appends", "target": {"reference": "DocumentReference/other"}},
        ],
    })  # fmt: skip
    names = store.find(f"DocumentReference?relationship={value}")
    assert names == [f"DocumentReference/{one}" for one in found]


def parameter(code: str, kind: str, expression: str, *components: tuple[str, str]) -> Json:
    return {
        "resourceType": "SearchParameter", "url": f"urn:test:{code}", "name": code, "code": code,
        "status": "active", "description": "…", "base": ["Observation"], "type": kind,
        "expression": expression,
        "component": [{"definition": f"urn:test:{name}", "expression": at} for name, at in components],
    }  # fmt: skip


OWN = [
    parameter("part-code", "token", "Observation.component.code"),
    parameter("part-low", "quantity", "Observation.component.referenceRange.low"),
    parameter("part-high", "quantity", "Observation.component.referenceRange.high"),
    parameter("part-text", "string", "Observation.component.value.ofType(string)"),
    parameter("part-period", "date", "Observation.component.value.ofType(Period)"),
    parameter("code-range", "composite", "Observation.component", ("part-code", "code"),
              ("part-low", "referenceRange.low"), ("part-high", "referenceRange.high")),
    parameter("range", "composite", "Observation.component.referenceRange", ("part-low", "low"),
              ("part-high", "high")),
    parameter("text-code", "composite", "Observation.component",
              ("part-text", "value.ofType(string)"), ("part-code", "code")),
    parameter("code-code-period", "composite", "Observation.component", ("part-code", "code"),
              ("part-code", "code"), ("part-period", "value.ofType(Period)")),
]  # fmt: skip


@pytest.fixture
def own(store: SearchStore) -> SearchStore:
    base = store.indexer.parameters
    for one in OWN:
        engine = FHIRPath(base.definitions.type_model, lenient=True)
        assert not has_errors(check_definition(one, base, engine, OWN))
    own = SearchStore(store.database, store.indexer.extended(base.extended(OWN), ["Observation"]))

    def limits(low: int, high: int, unit: str) -> Json:
        about = {"system": "http://unitsofmeasure.org", "code": unit}
        return {"low": {"value": low, **about}, "high": {"value": high, **about}}

    parts = [
        {"code": coded("http://l", "a"), "valueString": "Fine weather",
         "referenceRange": [limits(1, 5, "mg"), limits(10, 50, "mg")]},
        {"code": coded("http://l", "b"), "referenceRange": [limits(100, 500, "mg")],
         "valuePeriod": {"start": "2020-01-01", "end": "2020-02-01"}},
    ]  # fmt: skip
    own.put(observation("o", component=parts))
    return own


@pytest.mark.parametrize(
    ("query", "is_found"),
    [
        ("range=1||mg$5||mg", True),
        ("range=1||mg$50||mg", False),
        ("range=le0.001|http://unitsofmeasure.org|g$ge5", True),
        ("code-range=a$1$5", True),
        ("code-range=b$1$5", False),
        ("code-range=b$gt50$gt50", True),
        ("text-code=fine$a", True),
        ("text-code=fine$b", False),
        ("code-code-period=b$http://l|b$2020-01", False),
        ("code-code-period=b$http://l|b$lt2020-01-15", True),
        ("code-code-period=b$http://l|b$sa2020-02-15", False),
        ("code-code-period=b$a$2020", False),
    ],
)
def test_composite__takes_components_of_any_kind(
    own: SearchStore, query: str, is_found: bool
) -> None:
    assert own.find(f"Observation?{query}") == (["Observation/o"] if is_found else [])


@pytest.mark.parametrize(
    "components",
    [
        [("part-text", "value.ofType(string)"), ("part-text", "value.ofType(string)")],
        [("part-text", "value.ofType(string)"), ("part-code", "code"), ("part-code", "code")],
        [("part-code", "code")] * 9,
    ],
)
def test_composite__components_that_are_not_indexed_are_refused(
    store: SearchStore, components: list[tuple[str, str]]
) -> None:
    base = store.indexer.parameters
    engine = FHIRPath(base.definitions.type_model, lenient=True)
    wrong = parameter("wrong", "composite", "Observation.component", *components)
    issues = check_definition(wrong, base, engine, OWN)
    assert [issue.id for issue in issues] == ["search-definition-composite"]


@pytest.mark.parametrize("value", ["1$2", "1$2$3$4", "1$$3", "1$x$3"])
def test_composite__with_another_number_of_values_is_refused(
    store: SearchStore, value: str
) -> None:
    with pytest.raises(Refused) as refused:
        store.find(f"MolecularSequence?chromosome-window-coordinate={value}")
    assert refused.value.status == 400
