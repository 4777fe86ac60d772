"""Rules of medicine at their edges: partial dates, what is missing, limits, former codes.

A rule that speaks without reason costs more than one that is silent, so most cases here are silent.
"""

import re
from collections.abc import Mapping
from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest

from tests.profiles.network import BASE, ROOT, Resource, constraints, example
from tests.profiles.test_examples import validator

SILENT, SPEAKS = False, True
Case = tuple[str, str, Mapping[str, Any], bool]
SIZE_MM = {"unit": "mm", "system": "http://unitsofmeasure.org", "code": "mm"}


def family(code: str) -> dict[str, Any]:
    return {"component.0.valueCodeableConcept.coding.0.code": code}


def size(millimetres: int) -> dict[str, Any]:
    return {"component.1.valueQuantity": {**SIZE_MM, "value": millimetres}}


def category(code: str) -> dict[str, Any]:
    return {"valueCodeableConcept.coding.0.code": code}


def distance(value: str, code: str) -> dict[str, Any]:
    unit = {"unit": code, "system": "http://unitsofmeasure.org", "code": code}
    return {"component.1.valueQuantity": {**unit, "value": Decimal(value)}}


def staging(code: str) -> dict[str, Any]:
    return {"coding": [{"system": f"{BASE}/CodeSystem/staging-system", "code": code}]}


def tnm(**elements: Any) -> dict[str, Any]:
    """A stage of TNM 8, with other elements, or without one that is None."""
    stage = {"type": staging("tnm-8"), **elements}
    return {name: each for name, each in stage.items() if each is not None}


STAGE_GROUP = {"system": f"{BASE}/CodeSystem/tnm-stage-group", "code": "IIB"}
TNM_CATEGORY = {"system": f"{BASE}/CodeSystem/tnm-category", "code": "T2a"}


def _below(place: Any, step: str) -> Any:
    named = re.fullmatch(r"extension\((.+)\)", step)
    if named:
        return next(each for each in place["extension"] if each["url"].endswith(named[1]))
    return place[int(step)] if isinstance(place, list) else place[step]


def treatments(*lines: tuple[str, str]) -> dict[str, Any]:
    """Lines of treatment inside the resource, each with its setting and its first day."""
    inside = []
    for number, (setting, start) in enumerate(lines):
        line = deepcopy(example(ROOT / "examples" / "valid" / "therapy-neoadjuvant.json"))
        _below(line, "extension(treatment-setting)")["valueCodeableConcept"] = {
            "coding": [{"system": f"{BASE}/CodeSystem/treatment-setting", "code": setting}]
        }
        inside.append({**line, "id": f"m{number}", "effectivePeriod": {"start": start}})
    return {"contained": inside, "partOf": [{"reference": f"#{each['id']}"} for each in inside]}


def readers(first: str, role: str, second: str) -> dict[str, Any]:
    """Two reports inside the resource; each letter is a pathologist."""
    inside = []
    for number, (each, names) in enumerate((("initial", first), (role, second))):
        report = deepcopy(example(ROOT / "examples" / "valid" / "report-initial.json"))
        _below(report, "extension(reading-role)")["valueCode"] = each
        people = [{"reference": f"Practitioner/{name}"} for name in names]
        report |= {"id": f"r{number}", **({"resultsInterpreter": people} if people else {})}
        inside.append(report)
    return {
        "contained": inside,
        "extension(first-reading).valueReference.reference": "#r0",
        "extension(second-reading).valueReference.reference": "#r1",
    }


def patient(**elements: Any) -> dict[str, Any]:
    """The patient inside the resource, so that a rule can look it up."""
    inside = deepcopy(example(ROOT / "examples" / "valid" / "patient-adolescent.json"))
    return {"contained": [{**inside, **elements, "id": "p"}], "subject.reference": "#p"}


BIRTH = "patient-death-after-birth"
MORPHOLOGY = "extension(morphology).valueCodeableConcept.coding.0.code"
DIAGNOSIS = "extension(condition-assertedDate).valueDateTime"
ICD_10 = "code.coding.0.code"
TUMOUR = "tumour-osteosarcoma"
SITE = "bodySite.0.coding.0.code"

CASES: list[Case] = [
    (BIRTH, "patient-adolescent", {"deceasedDateTime": "2009"}, SILENT),
    (BIRTH, "patient-adolescent", {"deceasedDateTime": "2009-04-01"}, SILENT),
    (BIRTH, "patient-adolescent", {"deceasedBoolean": True}, SILENT),
    (BIRTH, "patient-adolescent", {"birthDate": "2024-01-31",
                                   "deceasedDateTime": "2024-01-30T23:30:00Z"}, SILENT),
    (BIRTH, "patient-adolescent", {"deceasedDateTime": "2009-03"}, SPEAKS),
    ("patient-ins-format", "patient-infant", {"identifier.0.value": "285012A12345678"}, SILENT),
    ("patient-ins-format", "patient-infant", {"identifier.0.value": "2850101234567"}, SILENT),
    ("patient-ins-format", "patient-infant", {"identifier.0.value": "28501012345"}, SPEAKS),
    ("specimen-received-after-collection", "specimen-biopsy",
     {"collection.collectedDateTime": "2024-05-01", "receivedTime": "2024-04-30T23:15:00Z"}, SILENT),
    ("specimen-received-after-collection", "specimen-biopsy",
     {"collection.collectedDateTime": "2024-05", "receivedTime": "2024-05-03"}, SILENT),
    ("specimen-received-after-collection", "specimen-biopsy",
     {"collection.collectedDateTime": "2024-05-04", "receivedTime": "2024-05-01"}, SPEAKS),
    ("specimen-after-birth", "specimen-biopsy",
     {**patient(birthDate="2024-01-31"),
      "collection.collectedDateTime": "2024-01-31T08:00:00+01:00"}, SILENT),
    ("specimen-after-birth", "specimen-biopsy",
     {**patient(birthDate=None), "collection.collectedDateTime": "2024-01-31"}, SILENT),
    ("specimen-after-birth", "specimen-biopsy",
     {**patient(birthDate="2025-03"), "collection.collectedDateTime": "2024-01-31"}, SPEAKS),
    ("specimen-after-birth", "specimen-biopsy",
     {**patient(birthDate="2024-06-15"), "collection.collectedDateTime": "2024-01-31"}, SILENT),
    ("specimen-antenatal", "specimen-biopsy",
     {**patient(birthDate="2024-06-15"), "collection.collectedDateTime": "2024-01-31"}, SPEAKS),
    ("report-issued-after-effective", "report-initial",
     {"status": "registered", "effectiveDateTime": "2024-04"}, SILENT),
    ("report-issued-after-effective", "report-initial",
     {"effectiveDateTime": "2024-03-12", "issued": "2024-03-11T23:15:00Z"}, SILENT),
    ("report-issued-after-effective", "report-initial",
     {"effectiveDateTime": None, "effectivePeriod": {"start": "2024-04-12"}}, SILENT),
    ("report-issued-after-effective", "report-initial",
     {"effectiveDateTime": "2024-04", "issued": "2024-03-12T09:00:00+01:00"}, SPEAKS),
    ("tumour-diagnosis-after-birth", TUMOUR, {**patient(), DIAGNOSIS: "2009"}, SILENT),
    ("tumour-diagnosis-after-birth", TUMOUR, {**patient(birthDate=None)}, SILENT),
    ("tumour-diagnosis-after-birth", TUMOUR, {**patient(), DIAGNOSIS: "2008"}, SPEAKS),
    ("tumour-diagnosis-before-death", TUMOUR, patient(deceasedDateTime="2024-03"), SILENT),
    ("tumour-diagnosis-before-death", TUMOUR, patient(deceasedBoolean=True), SILENT),
    ("tumour-diagnosis-before-death", TUMOUR, patient(deceasedDateTime="2024-02"), SPEAKS),
    ("tumour-onset-before-diagnosis", TUMOUR, {"onsetDateTime": "2024"}, SILENT),
    ("tumour-onset-before-diagnosis", TUMOUR,
     {"onsetDateTime": None, "onsetString": "quelques mois"}, SILENT),
    ("tumour-abatement-after-diagnosis", TUMOUR, {"abatementDateTime": "2024-03"}, SILENT),
    ("tumour-partner-age", "tumour-partner", {**patient(birthDate="2005"), DIAGNOSIS: "2024"}, SILENT),
    ("tumour-partner-age", "tumour-partner",
     {**patient(birthDate="2005-03-12"), DIAGNOSIS: "2024-03-11"}, SILENT),
    ("tumour-partner-age", "tumour-partner",
     {**patient(birthDate="2005-03-12"), DIAGNOSIS: "2024-03-13"}, SPEAKS),
    ("tumour-behaviour", TUMOUR, {MORPHOLOGY: "9250/1"}, SILENT),
    ("tumour-behaviour", TUMOUR, {MORPHOLOGY: "9250/3"}, SILENT),
    ("tumour-behaviour", TUMOUR, {MORPHOLOGY: "8000/6"}, SPEAKS),
    ("tumour-chordoma-site", TUMOUR, {MORPHOLOGY: "9371/3", SITE: "C41.9"}, SILENT),
    ("tumour-chordoma-site", TUMOUR, {MORPHOLOGY: "9370/0", SITE: "C40.2"}, SILENT),
    ("tumour-chordoma-site", TUMOUR, {MORPHOLOGY: "9372/3", SITE: "C40.2"}, SPEAKS),
    ("tumour-adamantinoma-site", TUMOUR, {MORPHOLOGY: "9261/3", SITE: "C40.0"}, SILENT),
    ("tumour-laterality", TUMOUR, {SITE: "C41.2", "bodySite.0.extension": None}, SILENT),
    ("tumour-laterality", TUMOUR, {SITE: "C40.9", "bodySite.0.extension": None}, SPEAKS),
    ("tumour-stage-group-site", TUMOUR, {SITE: "C41.4", "stage": None}, SILENT),
    ("tumour-stage-group-site", TUMOUR, {SITE: "C41.4"}, SPEAKS),
    *[("tumour-stage-group-site", TUMOUR, {SITE: site, "stage": [tnm(**stage)]}, speaks)
      for site, stage, speaks in (
          ("C41.2", {"assessment": [{"reference": "Observation/observation-t"}]}, SILENT),
          ("C41.2", {"summary": {"text": "T2 N0 M0"}}, SILENT),
          ("C41.4", {"summary": {"coding": [TNM_CATEGORY]}}, SILENT),
          ("C41.4", {"summary": {"coding": [STAGE_GROUP]}, "type": None}, SPEAKS),
          ("C41.4", {"summary": {"coding": [STAGE_GROUP]}, "type": staging("tnm-7")}, SILENT),
          ("C41.2", {"summary": {"text": "Stade III"}}, SPEAKS),
          ("C41.3", {"summary": {"coding": [STAGE_GROUP]}}, SILENT))],
    ("tumour-behaviour", TUMOUR, {MORPHOLOGY: "8000/9"}, SILENT),
    ("stage-group-site-family", "observation-stage-group", family("pelvis"), SPEAKS),
    ("stage-group-site-family", "observation-stage-group",
     {**family("pelvis"), "method": staging("tnm-7")}, SILENT),
    ("tumour-plasma-cell", TUMOUR, {MORPHOLOGY: "9680/3"}, SILENT),
    *[("tumour-haematological", TUMOUR, {MORPHOLOGY: code}, speaks)
      for code, speaks in (("9680/3", SPEAKS), ("9751/1", SPEAKS), ("9731/3", SILENT), ("9540/3", SILENT),
                           ("9370/3", SILENT))],
    *[("tumour-diagnosis-site", TUMOUR, {ICD_10: code, SITE: site}, speaks)
      for code, site, speaks in (
          ("C41.0", "C40.2", SPEAKS), ("C41.4", "C41.4", SILENT), ("C40.9", "C40.2", SILENT),
          ("C40", "C40.2", SILENT), ("C41.2", "C41.8", SILENT), ("D48.0", "C40.2", SILENT))],
    *[("tumour-diagnosis-behaviour", TUMOUR, {ICD_10: code, MORPHOLOGY: morphology}, speaks)
      for code, morphology, speaks in (
          ("C40.2", "9180/0", SPEAKS), ("D16.2", "9180/3", SPEAKS), ("D16.2", "9180/0", SILENT),
          ("D48.0", "9250/1", SILENT), ("C40.2", "9250/1", SILENT), ("D48.0", "9222/1", SILENT))],
    ("secondary-behaviour", "lesion-metastasis", {MORPHOLOGY: "8000/9"}, SILENT),
    ("secondary-behaviour", "lesion-metastasis", {MORPHOLOGY: "8140/3"}, SPEAKS),
    ("haematological-morphology", "localisation-lymphoma", {MORPHOLOGY: "9751/1"}, SILENT),
    ("haematological-morphology", "localisation-lymphoma", {MORPHOLOGY: "9590/3"}, SILENT),
    ("haematological-morphology", "localisation-lymphoma", {MORPHOLOGY: "9589/3"}, SPEAKS),
    ("metastasis-before-diagnosis", "event-metastasis-at-diagnosis", {}, SILENT),
    *[("tnm-t-site-family", "observation-t", {**family(site), **category("TX")}, SILENT)
      for site in ("appendicular", "spine", "pelvis")],
    ("tnm-t-site-family", "observation-t", {**family("spine"), **category("T4b")}, SILENT),
    ("tnm-t-site-family", "observation-t", {**family("pelvis"), **category("T2b")}, SILENT),
    ("tnm-t-site-family", "observation-t", {**family("appendicular"), **category("T4")}, SPEAKS),
    ("tnm-t-site-family", "observation-t", {**family("spine"), **category("T1a")}, SPEAKS),
    ("tnm-t-size", "observation-t", {**family("appendicular"), **category("T1"), **size(80)}, SILENT),
    ("tnm-t-size", "observation-t", {**family("appendicular"), **category("T1"), **size(81)}, SPEAKS),
    ("tnm-t-size", "observation-t", {**family("appendicular"), **category("T2"), **size(80)}, SPEAKS),
    ("tnm-t-size", "observation-t", {**family("appendicular"), **category("T3"), **size(200)}, SILENT),
    ("tnm-t-size", "observation-t", {**family("spine"), **category("T1"), **size(120)}, SILENT),
    ("tnm-t-size", "observation-t", {**family("pelvis"), **category("T1b"), **size(120)}, SILENT),
    ("tnm-t-size", "observation-t", {**family("pelvis"), **category("T1a"), **size(120)}, SPEAKS),
    ("tnm-t-size", "observation-t", {**family("pelvis"), **category("T2b"), **size(60)}, SPEAKS),
    ("tnm-t-size", "observation-t", {**family("pelvis"), **category("TX"), **size(60)}, SILENT),
    *[("necrosis-huvos", "observation-necrosis",
       {"valueQuantity.value": percent,
        "component.0.valueCodeableConcept.coding.0.code": grade}, SILENT)
      for percent, grade in ((0, "I"), (50, "I"), (51, "II"), (90, "II"), (91, "III"), (100, "IV"),
                             (Decimal("90.5"), "II"), (Decimal("90.5"), "III"), (Decimal("99.5"), "III"))],
    *[("necrosis-huvos", "observation-necrosis",
       {"valueQuantity.value": percent,
        "component.0.valueCodeableConcept.coding.0.code": grade}, SPEAKS)
      for percent, grade in ((51, "I"), (50, "II"), (91, "II"), (90, "III"), (100, "III"), (99, "IV"))],
    ("necrosis-huvos", "observation-necrosis",
     {"valueQuantity.value": 90, "valueQuantity.comparator": ">",
      "component.0.valueCodeableConcept.coding.0.code": "III"}, SILENT),
    ("tnm-t-size", "observation-t",
     {**category("T2"), **size(80), "component.1.valueQuantity.comparator": ">"}, SILENT),
    ("necrosis-huvos", "observation-necrosis", {"component": None}, SILENT),
    *[("necrosis-neoadjuvant", "observation-necrosis", treatments((setting, "2024-03-25")), speaks)
      for setting, speaks in (("neoadjuvant", SILENT), ("perioperative", SILENT), ("unknown", SILENT),
                              ("adjuvant", SPEAKS), ("concomitant", SPEAKS))],
    ("necrosis-neoadjuvant", "observation-necrosis",
     treatments(("adjuvant", "2024-07-15"), ("neoadjuvant", "2024-03-25")), SILENT),
    ("necrosis-before-treatment", "observation-necrosis",
     treatments(("adjuvant", "2024-07-15"), ("neoadjuvant", "2024-03-25")), SILENT),
    ("necrosis-before-treatment", "observation-necrosis", treatments(("unknown", "2024")), SILENT),
    ("necrosis-before-treatment", "observation-necrosis", treatments(("neoadjuvant", "2024-07-15")),
     SPEAKS),
    *[("concordance-other-reader", "observation-concordance-full", readers(first, role, second), speaks)
      for first, role, second, speaks in (
          ("a", "expert", "a", SPEAKS), ("ab", "expert", "b", SPEAKS), ("a", "expert", "ab", SILENT),
          ("a", "expert", "", SILENT), ("", "expert", "b", SILENT), ("a", "third", "abc", SILENT),
          ("a", "third", "a", SILENT))],
    ("necrosis-range", "observation-necrosis", {"valueQuantity.value": Decimal("100.5")}, SPEAKS),
    ("vital-status-follow-up", "observation-vital-status-lost", {}, SILENT),
    ("vital-status-follow-up", "observation-vital-status-dead", {"component": None}, SILENT),
    ("vital-status-follow-up", "observation-vital-status", category("lost"), SILENT),
    ("vital-status-follow-up", "observation-vital-status-lost", category("dead"), SILENT),
    ("vital-status-follow-up", "observation-vital-status", category("dead"), SPEAKS),
    ("grade-dedifferentiated", "observation-grade-chondrosarcoma",
     {**category("dedifferentiated"), "method.coding.0.code": "not-stated"}, SILENT),
    ("grade-dedifferentiated", "observation-grade-chondrosarcoma",
     {**category("dedifferentiated"), "method.coding.0.code": "nci"}, SPEAKS),
    ("enneking-grade", "observation-enneking", {"component": None}, SILENT),
    ("enneking-metastasis", "observation-enneking-metastatic", {"component": None}, SILENT),
    ("margin-residual", "observation-margin", {**category("R1"), "component.1.valueQuantity.value": 0},
     SILENT),
    ("margin-residual", "observation-margin", {**category("R1"), **distance("0.5", "mm")}, SILENT),
    ("margin-residual", "observation-margin", {**category("R1"), **distance("0.5", "cm")}, SPEAKS),
    ("margin-distance", "observation-margin", distance("2.5", "cm"), SILENT),
    ("margin-distance", "observation-margin", distance("1", "[in_i]"), SPEAKS),
    ("margin-residual", "observation-margin-unknown", {}, SILENT),
    ("extent-content", "observation-extent",
     {"component": None, "dataAbsentReason": {"text": "pièce non conservée"}}, SILENT),
    ("surgery-margin", "surgery-resection", {"status": "in-progress", "outcome": None, "report": None},
     SILENT),
    ("performance-range", "observation-ecog", {"valueInteger": 5}, SILENT),
    ("performance-range", "observation-ecog", {"valueInteger": 6}, SPEAKS),
    ("performance-range", "observation-karnofsky", {"valueInteger": 0}, SILENT),
    ("performance-range", "observation-karnofsky", {"valueInteger": 95}, SPEAKS),
    ("performance-range", "observation-lansky", {"valueInteger": 45}, SPEAKS),
    ("performance-lansky-age", "observation-lansky", patient(birthDate="2007"), SILENT),
    ("performance-lansky-age", "observation-lansky", patient(birthDate="2004"), SPEAKS),
    ("centre-finess", "centre-01", {"identifier.0.system": "https://finess.esante.gouv.fr",
                                    "identifier.0.value": "2A0000012"}, SILENT),
]  # fmt: skip


def changed(resource: Resource, changes: Mapping[str, Any]) -> Resource:
    """A copy with the values at the paths; None takes what stands there away."""
    found = deepcopy(resource)
    for path, value in changes.items():
        *way, last = path.split(".")
        place: Any = found
        for step in way:
            place = _below(place, step)
        if value is not None:
            place[int(last) if isinstance(place, list) else last] = value
        elif last in place:
            del place[last]
    for each in found.get("contained", ()):
        for name in [name for name, value in each.items() if value is None]:
            del each[name]
    return found


@pytest.mark.parametrize(
    ("rule", "name", "changes", "speaks"), CASES, ids=lambda each: str(each)[:60]
)
def test_rule__speaks_with_reason_only(
    rule: str, name: str, changes: Mapping[str, Any], speaks: bool
) -> None:
    resource = changed(example(ROOT / "examples" / "valid" / f"{name}.json"), changes)
    spoken = {
        str(issue.parameters.get("key")): issue.id
        for issue in validator().validate(resource)
        if issue.id.startswith("invariant")
    }
    assert rule in constraints()
    assert (rule in spoken) == speaks
    assert "invariant-not-checked" not in spoken.values()
