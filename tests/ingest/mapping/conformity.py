"""Whether resources conform to the profiles they claim, by the validator of the server."""

from collections.abc import Sequence
from functools import cache

from fhir_server.definitions.packages import network_definitions
from fhir_server.terminology import Terminology
from fhir_server.validation import Validator
from fhir_server.validation.strictness import Strictness
from ingest.mapping.result import Resource


@cache
def validator() -> Validator:
    definitions = network_definitions()
    # As the worker judges: see `ingest.worker.leniency`.
    strictness = Strictness(displays="warning", units="warning")
    return Validator(definitions, Terminology(definitions), strictness=strictness)


def faults(resources: Sequence[Resource]) -> list[tuple[str, str, str, str]]:
    """The errors of the validator."""
    return [
        (resource["resourceType"], issue.id, issue.expression, issue.text())
        for resource in resources
        for issue in validator().validate(resource)
        if issue.severity in {"error", "fatal"}
    ]
