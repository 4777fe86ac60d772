"""The official examples: no error but those that HL7's own rules give."""

import gzip
import json
from functools import cache

import pytest

from fhir_server.definitions import core_definitions
from fhir_server.model.json_source import parse_json
from fhir_server.validation import Validator
from tests.validation.conformance import FOLDER, has

VALIDATOR = Validator(core_definitions())

_BLANK = "narrative-blank: txt-2, the narrative shows nothing"
_ACCEPT = "binding-required: “json” and “xml” are no media types of BCP 13"
_FULL_URL = "bundle-full-url-mismatch: the fullUrl names another id than the resource's"
_UNIT = "quantity-unit: a word for a unit that is no code of UCUM"
_FORM = "quantity-unit: a code in other case or none than v3-orderableDrugForm, which counts case"
_LINK_ID = "cardinality-min: nested items without linkId"
HL7_ERRORS = {
    "ActivityDefinition-blood-tubes-supply.json": _BLANK,
    "ActivityDefinition-heart-valve-replacement.json": _BLANK,
    "EventDefinition-example.json": _BLANK,
    "Questionnaire-zika-virus-exposure-assessment.json": _BLANK,
    "Bundle-10bb101f-a121-4264-a920-67be9cb82c74.json": _FULL_URL,
    "Bundle-3a0707d3-549e-4467-b8b8-5a2ab3800efe.json": _FULL_URL,
    "Bundle-lri-example.json": _FULL_URL,
    "Bundle-types.json": "extension-context: extensions of ElementDefinition outside their context",
    "DeviceMetric-example.json": "reference-type: parent leads to a DeviceDefinition",
    "DeviceUseStatement-example.json": "reference-type: reasonReference leads to a Procedure",
    "MedicationRequest-medrx0301.json": "reference-type: performer leads to a Practitioner",
    "Observation-clinical-gender.json": "reference-type: performer leads to an Encounter",
    "Media-sound.json": "narrative-link: its image is not in the resource",
    "TerminologyCapabilities-example.json": "uri-uuid: the UUID of its url is in upper case",
    "Observation-f202.json": "cardinality-min: a body temperature without its time",
    "OrganizationAffiliation-orgrole1.json": "reference-type: network leads to a “Network”",
    "ImplementationGuide-fhir.json": "cardinality-min: no name, no status",
    "ig-r4.json": "cardinality-min: no name, no status",
    "Questionnaire-qs1.json": _LINK_ID
    + "; extension-unknown: an extension of HL7's that R4 does not have",
    "TestScript-testscript-example-history.json": _ACCEPT,
    "TestScript-testscript-example-multisystem.json": _ACCEPT,
    "TestScript-testscript-example-readtest.json": _ACCEPT,
    "TestScript-testscript-example-search.json": _ACCEPT,
    "TestScript-testscript-example-update.json": _ACCEPT,
    "TestScript-testscript-example.json": _ACCEPT,
    "Bundle-father.json": _UNIT,
    "Bundle-ussg-fht.json": "coding-unknown-code: [lb_i] is no unit of UCUM",
    "Claim-760151.json": _UNIT,
    "Claim-760152.json": _UNIT,
    "Medication-med0304.json": _FORM,
    "Medication-med0309.json": _FORM,
    "MedicationAdministration-medadmin0312.json": _FORM,
    "MedicationDispense-meddisp0301.json": _FORM,
    "MedicationDispense-meddisp0309.json": _UNIT,
    "MedicationDispense-meddisp0313.json": _UNIT,
    "MedicationDispense-meddisp0318.json": _UNIT,
    "MedicationDispense-meddisp0324.json": _UNIT,
    "MedicationDispense-meddisp0325.json": _FORM,
    "MedicationDispense-meddisp0327.json": _UNIT,
    "MedicationDispense-meddisp0328.json": _UNIT,
    "MedicationDispense-meddisp0329.json": _UNIT,
    "MedicationRequest-medrx0304.json": _UNIT,
    "MedicationRequest-medrx0313.json": _FORM,
    "MedicationRequest-medrx0314.json": _UNIT,
    "MedicationRequest-medrx0319.json": _UNIT,
    "MedicationRequest-medrx0322.json": _UNIT,
    "MedicationRequest-medrx0325.json": _UNIT,
    "MedicationRequest-medrx0326.json": _UNIT,
    "MedicationRequest-medrx0327.json": _FORM,
    "MedicationRequest-medrx0328.json": _UNIT,
    "MedicationRequest-medrx0329.json": _UNIT,
    "MedicationRequest-medrx0334.json": _UNIT,
    "MedicationRequest-medrx0335.json": _UNIT,
    "MedicationStatement-example001.json": _FORM,
    "MedicationStatement-example002.json": _FORM,
    "MedicationStatement-example003.json": _FORM,
    "VisionPrescription-33124.json": _UNIT,
}
"""The examples that break a rule of the specification, each with the issue and the rule."""


@cache
def _examples() -> dict[str, str]:
    if not has("r4-examples"):
        return {}
    with gzip.open(FOLDER / "r4-examples" / "instances.ndjson.gz", "rt", encoding="utf-8") as lines:
        return {entry["file"]: entry["json"] for entry in map(json.loads, lines)}


@pytest.mark.parametrize("file", sorted(_examples()))
def test_example__has_no_error_but_the_listed(file: str) -> None:
    resource = parse_json(_examples()[file].encode())
    errors = {issue.id for issue in VALIDATOR.validate(resource) if issue.severity == "error"}
    listed = {part.split(":")[0].strip() for part in HL7_ERRORS.get(file, "").split(";")} - {""}
    assert errors == listed


@pytest.mark.parametrize("file", sorted(_examples()))
def test_example__fast_and_detailed_path_agree(file: str) -> None:
    resource = parse_json(_examples()[file].encode())
    assert VALIDATOR.accepts(resource) is (file not in HL7_ERRORS)
