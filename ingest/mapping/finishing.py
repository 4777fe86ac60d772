"""Steps that message maps name by `finish:`: what can only be said once a resource is filled."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from fhir_server.model.issues import error
from ingest.hl7v2 import NULL
from ingest.hl7v2.segment import Repetition
from ingest.mapping.assembly import Assembly, Finish
from ingest.mapping.authorities import INS_NAMES, INS_OIDS
from ingest.mapping.identities import ICD_O, finds_patient
from ingest.mapping.scopes import Scope

ICD_10 = "http://hl7.org/fhir/sid/icd-10"
EXTENSION = "https://osteon.example/fhir/StructureDefinition/"
_STEPS: dict[str, Finish] = {}


def finishing_step(name: str) -> Callable[[Finish], Finish]:
    """Make a step known to the message maps."""

    def register(step: Finish) -> Finish:
        _STEPS[name] = step
        return step

    return register


def finishing_steps() -> Mapping[str, Finish]:
    """All steps by name."""
    return MappingProxyType(_STEPS)


@finishing_step("icd10-code")
def icd10_code(_assembly: Assembly, _scope: Scope, target: dict[str, Any], _label: str) -> None:
    """`Condition.code` from site and behaviour, where the message has no diagnosis code.

    Shape: a malignant tumour has the ICD-10 category of its ICD-O site (ICD-O topography is made from
    it); benign D16, uncertain D48.0 (categories from memory, evidence M, bound extensibly).
    """
    if "code" in target:
        return
    site = _icd_o_code(target.get("bodySite", [{}])[0])
    morphology = next(
        (e for e in target.get("extension", ()) if e["url"] == f"{EXTENSION}morphology"), None
    )
    histology = _icd_o_code(morphology["valueCodeableConcept"]) if morphology else ""
    if site and histology:
        code = {"0": "D16", "1": "D48.0"}.get(histology[-1], site)
        target["code"] = {"coding": [{"system": ICD_10, "code": code}]}


def _icd_o_code(concept: Mapping[str, Any]) -> str:
    codings = concept.get("coding", ())
    return next((str(one["code"]) for one in codings if one.get("system") == ICD_O), "")


@finishing_step("initial-reading")
def initial_reading(
    _assembly: Assembly, _scope: Scope, target: dict[str, Any], _label: str
) -> None:
    """A report that does not say which reading it is, is the first one."""
    url = f"{EXTENSION}reading-role"
    extensions = target.setdefault("extension", [])
    if not any(extension["url"] == url for extension in extensions):
        extensions.append({"url": url, "valueCode": "initial"})


@finishing_step("reading-rank")
def reading_rank(_assembly: Assembly, scope: Scope, target: dict[str, Any], _label: str) -> None:
    """A tag that tells which reading the tumour's morphology rests on, so that a first reading that
    comes late does not overwrite that of the expert.
    """
    report = scope.resource("report")
    if report is None:
        return
    url = f"{EXTENSION}reading-role"
    role = next(e["valueCode"] for e in report.resource["extension"] if e["url"] == url)
    tag = {"system": "https://osteon.example/fhir/CodeSystem/reading-role", "code": role}
    target.setdefault("meta", {}).setdefault("tag", []).append(tag)


@finishing_step("diagnosis-date-from-collection")
def diagnosis_date(_assembly: Assembly, scope: Scope, target: dict[str, Any], _label: str) -> None:
    """Without a date of diagnosis, the day on which the first material was taken counts.

    Source: cancer registration counts a tumour from its first histological confirmation (ENCR); the
    material was taken on that day.
    """
    url = "http://hl7.org/fhir/StructureDefinition/condition-assertedDate"
    extensions = target.setdefault("extension", [])
    if any(extension["url"] == url for extension in extensions):
        return
    collected = [
        _collected(below.built["specimen"].resource)
        for below in scope.below()
        if "specimen" in below.built
    ]
    days = sorted(moment[:10] for moment in collected if moment)
    if days:
        extensions.append({"url": url, "valueDateTime": days[0]})


def _collected(specimen: Mapping[str, Any]) -> str | None:
    collection = specimen.get("collection", {})
    start: str | None = collection.get("collectedPeriod", {}).get("start")
    return collection.get("collectedDateTime") or start


@finishing_step("observation-specimen")
def observation_specimen(
    assembly: Assembly, scope: Scope, target: dict[str, Any], _label: str
) -> None:
    """The specimen an OBX speaks of: OBX-33, the SPM it follows, or the only one of its order."""
    named = target.pop("specimen", None)
    wanted = named.get("identifier", {}) if named else {}
    above = scope.resource("specimen")
    specimens = assembly.specimens_around(scope) or ([above] if above is not None else [])
    for built in specimens:
        if wanted and wanted in [_bare(one) for one in built.resource.get("identifier", ())]:
            target["specimen"] = {"reference": built.full_url}
            return
    if named:
        target["specimen"] = named
        return
    before = scope.before
    if before is not None and "specimen" in before.built:
        target["specimen"] = {"reference": before.built["specimen"].full_url}
    elif len(specimens) == 1:
        target["specimen"] = {"reference": specimens[0].full_url}


def _bare(identifier: Mapping[str, Any]) -> dict[str, Any]:
    return {name: identifier[name] for name in ("system", "value") if name in identifier}


@finishing_step("retired-numbers")
def retired_numbers(assembly: Assembly, scope: Scope, target: dict[str, Any], _label: str) -> None:
    """A merge retires the numbers of MRG-1 that PID-3 does not go on using; one that retires none is held.

    Shape: a national identity that is retired stands in MRG-1 only, never in the record.
    """
    identifiers = target.get("identifier", [])
    current = [_bare(one) for one in identifiers if one.get("use") != "old"]
    target["identifier"] = [
        one for one in identifiers if one.get("use") != "old" or _bare(one) not in current
    ]
    retired = [one for one in target["identifier"] if one.get("use") == "old"]
    if not any(map(finds_patient, retired)) and not _retired_ins(scope):
        assembly.context.held.append(
            error("v2-merge-retires-nothing", "required", "Patient.identifier", place="MRG-1")
        )


def _retired_ins(scope: Scope) -> set[str | None]:
    """The national identities of MRG-1 that PID-3 does not go on using."""
    named = {
        one.component(1)
        for one in _repetitions(scope, "MRG", 1)
        if one.component(4, 2) in INS_OIDS or one.component(5) in INS_NAMES
    }
    return named - {None, NULL, *(one.component(1) for one in _repetitions(scope, "PID", 3))}


def _repetitions(scope: Scope, segment: str, field: int) -> Sequence[Repetition]:
    found = scope.visible().get(segment)
    return found.field(field) if found is not None else ()


@finishing_step("one-movement")
def one_movement(assembly: Assembly, scope: Scope, _target: dict[str, Any], _label: str) -> None:
    """A message tells of one movement (PAM.fr: ZBE 1..1); of several, which state each led to is not said."""
    if len({one.text(1) for one in scope.named("ZBE")}) > 1:
        assembly.context.held.append(
            error("v2-movements-several", "structure", "Encounter", place="ZBE-1")
        )


@finishing_step("recorded-now")
def recorded_now(_assembly: Assembly, _scope: Scope, target: dict[str, Any], _label: str) -> None:
    """A message without a usable time of its own is recorded when it is mapped."""
    if "recorded" not in target:
        target["recorded"] = datetime.now(UTC).isoformat(timespec="seconds")


@finishing_step("patient-participates")
def patient_participates(
    _assembly: Assembly, scope: Scope, target: dict[str, Any], _label: str
) -> None:
    """The patients of an appointment are its first participants (FHIR R4 has no Appointment.subject)."""
    patients = [one.built["patient"] for one in scope.below() if "patient" in one.built]
    target["participant"] = [
        {"actor": {"reference": built.full_url}, "status": "accepted"}
        for built in dict.fromkeys(patients)
    ] + target.get("participant", [])


@finishing_step("appointment-end")
def appointment_end(
    _assembly: Assembly, _scope: Scope, target: dict[str, Any], _label: str
) -> None:
    """The end from the duration. FHIR asks for both ends or none (app-2): a start alone is a wish."""
    if "start" in target and "end" not in target and "minutesDuration" in target:
        start = datetime.fromisoformat(target["start"])
        target["end"] = (start + timedelta(minutes=target["minutesDuration"])).isoformat()
    if ("start" in target) != ("end" in target):
        period = {name: target.pop(name) for name in ("start", "end") if name in target}
        target["requestedPeriod"] = [period]
    if "start" not in target and target["status"] == "booked":
        target["status"] = "proposed"
