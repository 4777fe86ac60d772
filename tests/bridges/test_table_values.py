"""What a table says of single records: no value in a wrong column, none that vanishes uncounted."""

import csv
import io
from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest

from fhir_server.bridges import Pseudonyms, Records, cross, read_bridge
from fhir_server.bridges.tables import converted
from tests.profiles.network import BASE, ROOT, Resource, example

NAMES = Pseudonyms("curie", bytes(range(32)))
UCUM = "http://unitsofmeasure.org"
DIAGNOSIS = "http://hl7.org/fhir/StructureDefinition/condition-assertedDate"


def valid(name: str, **elements: Any) -> Resource:
    """A valid example with other elements; those that are None are taken away."""
    found = {**deepcopy(example(ROOT / "examples" / "valid" / f"{name}.json")), **elements}
    return {name: each for name, each in found.items() if each is not None}


def coded(system: str, code: str) -> Resource:
    return {"coding": [{"system": f"{BASE}/CodeSystem/{system}", "code": code}]}


def crossed(bridge: str, table: str, *resources: Resource) -> tuple[list[dict[str, str]], Any]:
    """The rows of a table, and what was lost."""
    crossing = cross(read_bridge(bridge), Records.of_bundles(resources), NAMES)
    text = crossing.files[f"{table}.csv"].decode()
    return list(csv.DictReader(io.StringIO(text))), crossing.lost


PATIENT = valid("patient-adolescent")
TUMOUR = valid("tumour-osteosarcoma")


def event(kind: str, date: str) -> Resource:
    found = valid("event-metastasis", code=coded("tumour-event-type", kind))
    for extension in found["extension"]:
        if extension["url"] == DIAGNOSIS:
            extension["valueDateTime"] = date
    return found


def response(code: str, date: str) -> Resource:
    (name, *_) = sorted(
        path.stem for path in (ROOT / "examples" / "valid").glob("observation-disease-status*")
    )
    return valid(name, effectiveDateTime=date, valueCodeableConcept=coded("disease-status", code))


@pytest.mark.parametrize(
    ("kind", "date", "responses", "status"),
    [
        ("local-recurrence", "2025-02", [], "recurrence"),
        ("progression", "2025-02", [], "progression"),
        ("metastasis", "2024-03-12", [], "baseline"),
        ("metastasis", "2025-02", [("complete-response", "2024-12-01")], "recurrence"),
        ("metastasis", "2025-02", [("partial-response", "2024-12-01")], "progression"),
        ("metastasis", "2025-02", [("complete-response", "2025-12-01")], ""),
        ("metastasis", "2025-02", [], ""),
        ("transformation", "2025-02", [], ""),
    ],
)
def test_idea4rc__tells_recurrence_progression_and_baseline_apart(
    kind: str, date: str, responses: list[tuple[str, str]], status: str
) -> None:
    records = (PATIENT, TUMOUR, event(kind, date), *(response(*each) for each in responses))
    (row,), lost = crossed("idea4rc", "EpisodeEvent", *records)
    assert (row["diseaseStatus"], row["kind"]) == (status, kind)
    assert lost["EpisodeEvent.diseaseStatus"] == (0 if status else 1)


@pytest.mark.parametrize(
    ("family", "category", "multifocal", "lost"),
    [
        ("appendicular", "T3", "true", 0),
        ("appendicular", "T2", "false", 0),
        ("appendicular", "TX", "", 1),
        ("spine", "T3", "", 1),
        ("pelvis", "T3a", "", 1),
    ],
)
def test_idea4rc__takes_t3_for_multifocal_where_it_says_so(
    family: str, category: str, multifocal: str, lost: int
) -> None:
    found = valid("observation-t", valueCodeableConcept=coded("tnm-category", category))
    found["component"][0]["valueCodeableConcept"] = coded("site-family", family)
    (row,), losses = crossed("idea4rc", "Stage", PATIENT, TUMOUR, found)
    assert (row["multifocal"], losses["Stage.multifocal"]) == (multifocal, lost)


@pytest.mark.parametrize(
    ("value", "code", "size", "lost"),
    [("95", "mm", "95", 0), ("9.5", "cm", "95", 0), ("3", "[in_i]", "76.2", 0), ("9", "kg", "", 1)],
)
def test_idea4rc__gives_sizes_in_mm_whatever_their_unit(
    value: str, code: str, size: str, lost: int
) -> None:
    found = valid("observation-size")
    for part in found["component"]:
        if part["code"]["coding"][0]["code"] == "33728-7":
            part["valueQuantity"] = {"value": Decimal(value), "system": UCUM, "code": code}
    (row,), losses = crossed("idea4rc", "Diagnosis", PATIENT, TUMOUR, found)
    assert (row["tumorSize_mm"], losses["Diagnosis.tumorSize_mm"]) == (size, lost)


@pytest.mark.parametrize(
    "quantity",
    [
        {"value": Decimal(4), "code": "cm"},
        {"system": UCUM, "code": "cm"},
        {"value": Decimal(4), "system": UCUM, "code": "cm", "comparator": "<"},
        {"value": Decimal(4), "system": UCUM},
    ],
)
def test_converted__leaves_out_what_it_cannot_turn_exactly(quantity: Resource) -> None:
    assert converted(quantity, "mm") is None


@pytest.mark.parametrize("values", [("2", "1"), ("1",)])
def test_column__counts_the_values_it_has_no_room_for(values: tuple[str, ...]) -> None:
    grades = [
        valid(
            "observation-grade",
            id=f"g{each}",
            valueCodeableConcept=coded("tumour-grade", f"G{each}"),
        )
        for each in values
    ]
    (row,), lost = crossed("idea4rc", "Diagnosis", PATIENT, TUMOUR, *grades)
    assert row["biopsyGrading"] == values[0]
    assert lost["Diagnosis.biopsyGrading"] == len(values) - 1


@pytest.mark.parametrize(
    ("condition", "undiagnosed"),
    [
        ("tumour-osteosarcoma", "false"),
        ("lesion-metastasis", "false"),
        ("localisation-lymphoma", "false"),
        (None, "true"),
    ],
)
def test_eu_rd__calls_undiagnosed_who_has_no_diagnosis_of_any_kind(
    condition: str | None, undiagnosed: str
) -> None:
    subject = {"reference": f"Patient/{PATIENT['id']}"}
    records = [valid(condition, subject=subject)] if condition else []
    (row,), _ = crossed("eu-rd-cds-16", "common-data-set", PATIENT, *records)
    assert row["11 undiagnosed case"] == undiagnosed
    assert bool(row["9 diagnosis"]) == (undiagnosed == "false")


def test_eu_rd__counts_a_diagnosis_that_has_no_morphology() -> None:
    lesion = valid("lesion-metastasis", subject={"reference": f"Patient/{PATIENT['id']}"})
    lesion["extension"] = [each for each in lesion["extension"] if "morphology" not in each["url"]]
    (row,), lost = crossed("eu-rd-cds-16", "common-data-set", PATIENT, lesion)
    assert (row["9 diagnosis"], row["11 undiagnosed case"]) == ("", "false")
    assert lost["common-data-set.9 diagnosis"] == 1


def test_osiris__keeps_clinical_and_pathological_t_apart() -> None:
    categories = [
        valid(
            "observation-t",
            id=code,
            code={"coding": [{"system": "http://loinc.org", "code": code}]},
            valueCodeableConcept=coded("tnm-category", category),
        )
        for code, category in (("21905-5", "T1"), ("21899-0", "T2"))
    ]
    (row,), _ = crossed("osiris", "TumorPathologyEvent", PATIENT, TUMOUR, *categories)
    assert (row["cT"], row["pT"]) == ("T1", "T2")
    (row,), _ = crossed("osiris", "TumorPathologyEvent", PATIENT, TUMOUR, categories[1])
    assert (row["cT"], row["pT"]) == ("", "T2")


@pytest.mark.parametrize(
    ("kinds", "origin"),
    [
        (["tissue-frozen"], "O59-2"),
        (["dna", "tissue-frozen"], "O59-2"),
        (["dna", "whole-blood"], "O59-1"),
        (["dna", "dna", "whole-blood"], "O59-1"),
        (["dna"], "C0439673"),
        (["plasma"], "O59-1"),
        (["bone-marrow-aspirate"], "C0439673"),
    ],
    ids=lambda each: " of ".join(each) if isinstance(each, list) else each,
)
def test_osiris__says_of_nucleic_acids_what_they_were_drawn_from(
    kinds: list[str], origin: str
) -> None:
    samples = [
        valid(
            "specimen-biopsy",
            id=f"s{number}",
            identifier=[{"system": "https://osteon.example/sid/specimen", "value": f"s{number}"}],
            type=coded("specimen-type", kind),
            parent=[{"reference": f"Specimen/s{number + 1}"}] if number + 1 < len(kinds) else None,
        )
        for number, kind in enumerate(kinds)
    ]
    found, _ = crossed("osiris", "BiologicalSample", PATIENT, TUMOUR, *samples)
    number = NAMES.of("https://osteon.example/sid/specimen", "s0")
    (row,) = [each for each in found if each["ExternalAccession"] == number]
    assert row["Origin"] == origin


def test_osiris__calls_tissue_without_tumour_cells_normal() -> None:
    sample = valid("specimen-frozen")
    share = f"{BASE}/StructureDefinition/tumour-cell-percentage"
    others = [each for each in sample["extension"] if each["url"] != share]
    sample["extension"] = [*others, {"url": share, "valueDecimal": Decimal(0)}]
    (row,), _ = crossed("osiris", "BiologicalSample", PATIENT, TUMOUR, sample)
    assert row["Origin"] == "O59-1"


def test_osiris__counts_performance_that_is_no_ecog() -> None:
    about = valid("observation-ecog")["extension"]
    scores = [valid("observation-ecog"), valid("observation-karnofsky", extension=about)]
    (row,), lost = crossed("osiris", "TumorPathologyEvent", PATIENT, TUMOUR, *scores)
    assert row["PerformanceStatus"] == str(scores[0]["valueInteger"])
    assert lost["TumorPathologyEvent.PerformanceStatus"] == 1


def test_cross__leaves_behind_what_was_withdrawn_and_what_rests_on_it() -> None:
    coding = {"system": "http://terminology.hl7.org/CodeSystem/condition-ver-status"}
    refuted = valid(
        "tumour-osteosarcoma", verificationStatus={"coding": [{**coding, "code": "refuted"}]}
    )
    rows, _ = crossed("osiris", "TumorPathologyEvent", PATIENT, refuted)
    assert rows == []
    rows, _ = crossed("osiris", "BiologicalSample", PATIENT, refuted, valid("specimen-frozen"))
    assert rows == []
    mistaken = valid("observation-t", status="entered-in-error")
    (row,), _ = crossed("osiris", "TumorPathologyEvent", PATIENT, TUMOUR, mistaken)
    assert row["cT"] + row["pT"] == ""


def test_cross__counts_records_of_profiles_that_have_no_place() -> None:
    _, lost = crossed("osiris", "Patient", PATIENT, TUMOUR, valid("observation-necrosis"))
    assert lost["chemotherapy-necrosis"] == 1


def test_tables__count_what_no_column_reads() -> None:
    _, lost = crossed("osiris", "TumorPathologyEvent", PATIENT, TUMOUR, valid("radiotherapy"))
    assert lost["primary-bone-tumour.extension(pathological-fracture)"] == 1
    assert lost["radiotherapy-course.extension(radiation-dose)"] == 1
    assert lost["radiotherapy-course.performedPeriod"] == 0


def test_tables__count_parts_of_findings_that_no_column_reads() -> None:
    _, lost = crossed("idea4rc", "Diagnosis", PATIENT, TUMOUR, valid("observation-extent"))
    assert lost["tumour-extent.component(compartment)"] == 1
    assert lost["tumour-extent.component(depth)"] == 0


@pytest.mark.parametrize(
    "name", ["tumour-osteosarcoma", "lesion-metastasis", "localisation-lymphoma"]
)
def test_eu_rd__has_the_age_at_any_diagnosis_with_a_number_or_without(name: str) -> None:
    diagnosis = valid(name, subject={"reference": f"Patient/{PATIENT['id']}"})
    diagnosis["extension"] = [
        each for each in diagnosis["extension"] if not each["url"].endswith("/tumour-number")
    ]
    (row,), _ = crossed("eu-rd-cds-16", "common-data-set", PATIENT, diagnosis)
    assert row["8 age at diagnosis"].isdecimal()


def genetic_consent(status: str, **period: str) -> Resource:
    subject = {"reference": f"Patient/{PATIENT['id']}"}
    return valid(
        "consent-research",
        status=status,
        patient=subject,
        category=[coded("consent-use", "genetic-analysis")],
        provision={"type": "permit", "period": {"start": "2019", **period}},
    )


@pytest.mark.parametrize(
    ("consent", "told"),
    [
        (genetic_consent("active"), "permit"),
        (genetic_consent("active", end="2020-06-30"), ""),
        (genetic_consent("inactive"), ""),
        (genetic_consent("rejected"), ""),
    ],
)
def test_osiris__authorises_genetic_analysis_while_a_consent_is_in_force(
    consent: Resource, told: str
) -> None:
    (row,), _ = crossed("osiris", "Consent", PATIENT, consent)
    assert row["GeneticAnalysisAuthorization"] == told


def test_idea4rc__dates_an_operation_over_several_days() -> None:
    surgery = valid(
        "surgery-resection",
        performedDateTime=None,
        performedPeriod={"start": "2024-06-24", "end": "2024-06-25"},
    )
    (row,), _ = crossed("idea4rc", "Surgery", PATIENT, TUMOUR, surgery)
    assert row["date"] == "2024-06-24"


@pytest.mark.parametrize("answer", [{"text": "EWSR1::CREM"}, coded("gene-fusion", "none-found")])
def test_osiris__counts_fusions_that_have_no_row(answer: Resource) -> None:
    fusion = valid("observation-gene-fusion", valueCodeableConcept=answer)
    found, lost = crossed("osiris", "Fusion", PATIENT, TUMOUR, fusion)
    assert (found, lost["gene-fusion"]) == ([], 1)


def test_idea4rc__counts_a_fusion_in_words() -> None:
    fusion = valid("observation-gene-fusion", valueCodeableConcept={"text": "EWSR1::CREM"})
    (row,), lost = crossed("idea4rc", "Diagnosis", PATIENT, TUMOUR, fusion)
    assert (row["fusion"], lost["Diagnosis.fusion"]) == ("", 1)
