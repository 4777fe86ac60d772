from decimal import Decimal

import pytest

from fhir_server.model.issues import Refused
from tests.search.conftest import SearchStore
from tests.search.invented import coded, observation


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


def test_composite__components_that_are_not_indexed_are_refused(store: SearchStore) -> None:
    with pytest.raises(Refused) as refused:
        store.find("MolecularSequence?chromosome-window-coordinate=1$2$3")
    assert refused.value.issues[0].id == "search-parameter-unsupported"
