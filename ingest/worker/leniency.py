"""What the server that stores HL7 v2 messages forgives and others do not."""

from fhir_server.settings import Settings


def forgiving(settings: Settings) -> Settings:
    """The settings, with displays and units that a code system does not have as warnings.

    In v2 the text beside a code (CWE.2) is how the sender calls it, often in French, and many an analyser
    names UCUM beside a unit that is not of it; a message is not held for either, nor its result lost.
    """
    return settings.model_copy(update={"wrong_displays": "warning", "wrong_units": "warning"})
