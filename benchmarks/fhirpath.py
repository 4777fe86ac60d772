"""FHIRPath: the R4 search parameters of Patient on one patient, ours beside fhirpathpy.

Both sides compile once and get each expression already cut to the branches of Patient, so that the
rival is not charged for unions it cannot prune. Times are medians of process time, in microseconds.
"""

import statistics
import time
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

from fhir_server.definitions import core_definitions
from fhir_server.fhirpath import FHIRPath
from fhir_server.fhirpath.parser import parse
from fhir_server.fhirpath.syntax import Chain, Member, Node, to_source, walk

ROUNDS = 9
PER_ROUND_S = 0.01

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "example",
    "meta": {"lastUpdated": "2026-01-05T10:00:00Z", "profile": ["https://osteon.example/fhir/P"]},
    "identifier": [{"system": "urn:oid:1.2.3", "value": "12345", "use": "usual"}],
    "active": True,
    "name": [
        {"use": "official", "family": "Martin", "given": ["Camille", "Anne"]},
        {"use": "usual", "given": ["Cam"]},
        {"use": "maiden", "family": "Petit", "given": ["Camille", "Anne"]},
    ],
    "telecom": [
        {"use": "home", "system": "phone", "value": "0102030405"},
        {"use": "work", "system": "phone", "value": "0102030406", "rank": 1},
        {"use": "home", "system": "email", "value": "camille@osteon.example"},
    ],
    "gender": "female",
    "birthDate": "1974-12-25",
    "deceasedBoolean": False,
    "address": [{"use": "home", "city": "Nantes", "postalCode": "44000", "country": "FR"}],
    "communication": [{"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "fr"}]}}],
    "generalPractitioner": [{"reference": "Practitioner/1"}],
    "managingOrganization": {"reference": "Organization/1"},
    "link": [{"other": {"reference": "Patient/2"}, "type": "seealso"}],
}


def main() -> None:
    rival = _rival()
    engine = FHIRPath(core_definitions().type_model)
    ours: list[float] = []
    theirs: list[float] = []
    print(f"{'parameter':24}{'ours µs':>10}{'fhirpathpy µs':>16}{'ratio':>8}")
    for code, parameter in sorted(core_definitions().search_parameters("Patient").items()):
        expression: str = parameter.get("expression", "")
        pruned = _pruned(expression) if expression else None
        if pruned is None:
            continue
        ours.append(_median_us(partial(engine.compile(expression, "Patient").evaluate, PATIENT)))
        other = rival(pruned)
        theirs.append(_median_us(partial(other, PATIENT)) if other else 0.0)
        print(f"{code:24}{ours[-1]:10.2f}{theirs[-1]:16.1f}{theirs[-1] / ours[-1]:8.0f}")
    print(f"{'sum':24}{sum(ours):10.1f}{sum(theirs):16.1f}{sum(theirs) / sum(ours):8.0f}")


def _pruned(expression: str) -> str | None:
    """The branches of a union that begin with Patient or a type above it."""
    tree = parse(expression)
    branches = tree.operands if isinstance(tree, Chain) and tree.operator == "|" else (tree,)
    kept = [to_source(branch) for branch in branches if _applies(branch)]
    return " | ".join(kept) or None


def _applies(branch: Node) -> bool:
    roots = [n.name for n in walk(branch) if isinstance(n, Member) and n.target is None]
    return not any(name[0].isupper() and name not in {"Patient", "Resource"} for name in roots)


def _rival() -> Callable[[str], Callable[[Any], Any] | None]:
    try:
        module = import_module("fhirpathpy")
        model = import_module("fhirpathpy.models").models["r4"]
    except ImportError:
        print("fhirpathpy is not installed (make bench installs it): ours alone")
        return lambda _expression: None
    compile_: Callable[[str, Any], Callable[[Any], Any]] = module.compile
    return lambda expression: compile_(expression.replace("Resource.", "Patient."), model)


def _median_us(run: Callable[[], Any]) -> float:
    run()
    count = 1
    while (elapsed := _time(run, count)) < PER_ROUND_S:
        count = max(count * 2, int(count * PER_ROUND_S / max(elapsed, 1e-7)))
    return statistics.median(_time(run, count) / count for _ in range(ROUNDS)) * 1e6


def _time(run: Callable[[], Any], count: int) -> float:
    start = time.process_time()
    for _ in range(count):
        run()
    return time.process_time() - start
