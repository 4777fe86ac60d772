"""Atheris target: no text crashes the reader of XML; what is read can be looked up and validated."""

from fhir_server.definitions import core_definitions
from fhir_server.model.xml_source import XmlDocument, XmlSyntaxError
from fhir_server.validation import Validator
from tests.fuzz.target import fuzz

_validator = Validator(core_definitions())


def one_input(data: bytes) -> None:
    """Only XmlSyntaxError may come out."""
    try:
        document = XmlDocument(data, core_definitions().type_model, tolerant=True)
    except XmlSyntaxError:
        return
    for issue in _validator.validate(document.value):
        issue.text("fr")
    document.locate(("name", 0))


if __name__ == "__main__":
    fuzz(one_input)
