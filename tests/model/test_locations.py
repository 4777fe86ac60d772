"""From an expression to the JSON path that it means."""

from fhir_server.model.locations import json_path


def test_json_path__follows_lists() -> None:
    document = {"resourceType": "Patient", "name": [{"given": ["A", "B"]}]}
    assert json_path("Patient.name[0].given[1]", document) == ("name", 0, "given", 1)


def test_json_path__finds_the_key_of_a_choice() -> None:
    document = {"resourceType": "Observation", "valueQuantity": {"unit": "mm"}}
    for expression in ("Observation.value.ofType(Quantity).unit", "Observation.value.unit"):
        assert json_path(expression, document) == ("valueQuantity", "unit")
