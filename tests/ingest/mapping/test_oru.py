"""ORU^R01 of pathology → report, specimens, tumour, observations."""

from typing import Any

from ingest.mapping import MappingResult, map_message
from tests.ingest.mapping.conftest import only, read_message, resources

EXTENSION = "https://osteon.example/fhir/StructureDefinition/"


def extension(resource: dict[str, Any], url: str) -> dict[str, Any]:
    found: dict[str, Any]
    (found,) = [one for one in resource["extension"] if one["url"] == url]
    return found


def test_report__carries_what_its_profile_asks_for(narrative: MappingResult) -> None:
    report = only(narrative, "DiagnosticReport")
    assert report["meta"]["profile"] == [EXTENSION + "bone-pathology-report"]
    assert report["status"] == "final"
    assert report["issued"] == "2024-03-18T14:25:00+01:00"
    assert extension(report, EXTENSION + "reading-role")["valueCode"] == "initial"
    assert len(report["specimen"]) == 1


def test_conclusion__joins_the_lines_of_one_code(narrative: MappingResult) -> None:
    text = "Ostéosarcome conventionnel\nde haut grade du fémur gauche."
    assert only(narrative, "DiagnosticReport")["conclusion"] == text
    final = [o for o in resources(narrative, "Observation") if "22637-3" in str(o["code"])]
    assert [o["valueString"] for o in final] == [text]


def test_tumour__has_morphology_site_side_and_date(narrative: MappingResult) -> None:
    tumour = only(narrative, "Condition")
    morphology = extension(tumour, EXTENSION + "morphology")["valueCodeableConcept"]["coding"]
    assert [coding["code"] for coding in morphology] == ["9180/3", "BHQ7Q7A0"]
    assert tumour["bodySite"][0]["coding"][0]["code"] == "C40.2"
    side = extension(tumour["bodySite"][0], EXTENSION + "laterality")
    assert side["valueCodeableConcept"]["coding"][0]["code"] == "left"
    asserted = "http://hl7.org/fhir/StructureDefinition/condition-assertedDate"
    assert extension(tumour, asserted)["valueDateTime"] == "2024-03-12"
    assert tumour["code"]["coding"][0]["code"] == "C40.2"


def test_patient__of_a_report_is_only_created_where_unknown(narrative: MappingResult) -> None:
    assert narrative.bundle is not None
    (request,) = [
        entry["request"]
        for entry in narrative.bundle["entry"]
        if entry["resource"]["resourceType"] == "Patient"
    ]
    assert request["method"] == "POST"
    assert request["ifNoneExist"] == "identifier=https://osteon.example/sid/ipp/C01|100001"


def test_specimens__repeated_under_each_order_are_one_each(synoptic: MappingResult) -> None:
    numbers = [one["identifier"][0]["value"] for one in resources(synoptic, "Specimen")]
    assert numbers == ["24X00042-A", "24X00042-B"]


def test_specimen__refers_to_its_parent_in_the_message(synoptic: MappingResult) -> None:
    assert synoptic.bundle is not None
    urls = {
        entry["resource"]["identifier"][0]["value"]: entry["fullUrl"]
        for entry in synoptic.bundle["entry"]
        if entry["resource"]["resourceType"] == "Specimen"
    }
    frozen = resources(synoptic, "Specimen")[1]
    assert frozen["parent"] == [{"reference": urls["24X00042-A"]}]


def test_orders__of_one_report_number_are_one_report(synoptic: MappingResult) -> None:
    report = only(synoptic, "DiagnosticReport")
    assert len(report["result"]) == len(resources(synoptic, "Observation"))


def test_observation__after_a_specimen_is_kept_and_speaks_of_it(synoptic: MappingResult) -> None:
    grade = next(o for o in resources(synoptic, "Observation") if "33732-9" in str(o["code"]))
    assert "specimen" in grade


def test_observations__of_equal_code_and_time_stay_apart(synoptic: MappingResult) -> None:
    site = [o for o in resources(synoptic, "Observation") if "2120.1000043" in str(o["code"])]
    assert len({o["identifier"][0]["value"] for o in site}) == 2


def test_observation__with_repeated_values_has_components(synoptic: MappingResult) -> None:
    marker = next(o for o in resources(synoptic, "Observation") if "69548-6" in str(o["code"]))
    codes = [c["valueCodeableConcept"]["coding"][0]["code"] for c in marker["component"]]
    assert codes == ["positive", "equivocal"]


def test_reading_role__of_an_expert_is_read(synoptic: MappingResult) -> None:
    report = only(synoptic, "DiagnosticReport")
    assert extension(report, EXTENSION + "reading-role")["valueCode"] == "expert"


def test_message__without_morphology_is_held_whole() -> None:
    result = map_message(read_message("oru_r01_narrative", ("31206-6", "99999-9")))
    assert result.bundle is None
    assert [issue.expression for issue in result.held] == ["Condition.extension(morphology)"]


def test_message__with_unmapped_morphology_names_table_code_and_centre() -> None:
    message = read_message(
        "oru_r01_narrative",
        ("9180/3^Ostéosarcome^ICDO3^BHQ7Q7A0^Ostéosarcome SAI^ADICAP^3.2", "OS12^Local^L"),
    )
    unmapped = [issue for issue in map_message(message).held if issue.id == "v2-code-unmapped"]
    parameters = {"table": "morphology", "local_code": "OS12", "centre": "P01"}
    assert [dict(issue.parameters) for issue in unmapped][:1] == [parameters]


def test_mapping__of_the_same_message_is_the_same(narrative: MappingResult) -> None:
    assert map_message(read_message("oru_r01_narrative")).bundle == narrative.bundle


def test_size__is_the_longest_dimension_in_ucum() -> None:
    message = read_message(
        "oru_r01_narrative", ("33728-7^Grand axe", "21889-1^Taille"), ("mm^mm^UCUM", "mm")
    )
    size = next(
        o for o in resources(map_message(message), "Observation") if "21889-1" in str(o["code"])
    )
    (component,) = size["component"]
    assert component["code"]["coding"][0]["code"] == "33728-7"
    assert component["valueQuantity"] == {
        "value": 85,
        "unit": "mm",
        "code": "mm",
        "system": "http://unitsofmeasure.org",
    }
