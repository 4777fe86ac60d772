from decimal import Decimal

import pytest

from tests.search.conftest import SearchStore
from tests.search.invented import observation


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("0.5", ["half", "about"]),
        ("0.50", ["half"]),
        ("5e-1", ["half", "about"]),
        ("ne0.5", ["low"]),
        ("gt0.5", ["about"]),
        ("ge0.5", ["half", "about"]),
        ("lt0.5", ["low"]),
        ("ap0.5", ["half", "about"]),
    ],
)
def test_number__precision(store: SearchStore, value: str, found: list[str]) -> None:
    for resource_id, probability in (("half", "0.5"), ("about", "0.52"), ("low", "0.1")):
        store.put(
            {
                "resourceType": "RiskAssessment",
                "id": resource_id,
                "prediction": [{"probabilityDecimal": Decimal(probability)}],
            }
        )
    assert store.find(f"RiskAssessment?probability={value}") == [
        f"RiskAssessment/{one}" for one in sorted(found)
    ]


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("5.4", ["mg", "g"]),
        ("5.4|http://unitsofmeasure.org|mg", ["mg"]),
        ("5.4||mg", ["mg"]),
        ("5.4||milligram", ["mg"]),
        ("lt5||mg", ["less"]),
        ("gt100||mg", []),
        ("eb3||mg", []),
    ],
)
def test_quantity__units(store: SearchStore, value: str, found: list[str]) -> None:
    ucum = {"system": "http://unitsofmeasure.org"}
    store.put(
        observation(
            "mg", valueQuantity={"value": Decimal("5.4"), "code": "mg", "unit": "milligram", **ucum}
        ),
        observation("g", valueQuantity={"value": Decimal("5.4"), "code": "g", **ucum}),
        observation("less", valueQuantity={"value": 3, "comparator": "<", "code": "mg", **ucum}),
    )
    assert store.find(f"Observation?value-quantity={value}") == [
        f"Observation/{one}" for one in sorted(found)
    ]


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("5|http://unitsofmeasure.org|mg", ["g", "mg"]),
        ("0.005|http://unitsofmeasure.org|g", ["g", "mg"]),
        ("5000|http://unitsofmeasure.org|ug", ["g", "mg"]),
        ("gt4.9|http://unitsofmeasure.org|mg", ["g", "kg", "mg"]),
        ("ge5|http://unitsofmeasure.org|mg", ["g", "kg", "mg"]),
        ("5|http://unitsofmeasure.org|mm", []),
        ("5||mg", ["mg"]),
    ],
)
def test_quantity__ucum_units_are_converted(
    store: SearchStore, value: str, found: list[str]
) -> None:
    for name, number in (("mg", "5"), ("g", "0.005"), ("kg", "3")):
        quantity = {"value": Decimal(number), "code": name, "system": "http://unitsofmeasure.org"}
        store.put(observation(name, valueQuantity=quantity))
    assert store.find(f"Observation?value-quantity={value}") == [
        f"Observation/{one}" for one in found
    ]
