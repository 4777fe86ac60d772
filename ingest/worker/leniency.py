"""What the server that stores HL7 v2 messages forgives and others do not."""

from fhir_server.settings import Settings


def forgiving(settings: Settings) -> Settings:
    """The settings, with displays that a code system does not have as a warning.

    In v2 the text beside a code (CWE.2) is how the sender calls it, often in French; a message is not held
    for it, and the code decides what is meant.
    """
    return settings.model_copy(update={"wrong_displays": "warning"})
