"""What the server that stores HL7 v2 messages forgives and others do not, and for whom it does not."""

from dataclasses import replace
from functools import lru_cache

from fhir_server.interactions.server import FhirServer, validator_of
from fhir_server.settings import Settings


def forgiving(settings: Settings) -> Settings:
    """The settings, with displays and units that a code system does not have as warnings.

    In v2 the text beside a code (CWE.2) is how the sender calls it, often in French, and many an analyser
    names UCUM beside a unit that is not of it; a message is not held for either, nor its result lost. A
    centre whose messages are to be held for them says so (`held-for` in its `quirks.yaml`).
    """
    return settings.model_copy(update={"wrong_displays": "warning", "wrong_units": "warning"})


@lru_cache(maxsize=8)
def holding(server: FhirServer, held_for: frozenset[str]) -> FhirServer:
    """The same server, which does not forgive these. Cost: profiles are compiled anew, when first needed."""
    if not held_for:
        return server
    strict = {name.replace("-", "_"): "error" for name in held_for}
    settings = server.settings.model_copy(update=strict)
    validator = validator_of(settings, server.definitions, server.terminology)
    return replace(server, settings=settings, validator=validator)
