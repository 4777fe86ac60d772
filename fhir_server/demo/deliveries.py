"""What the front doors see of a patient, in which order."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fhir_server.demo.adt import adt_messages
from fhir_server.demo.bundles import clinical_bundle, registry_bundle
from fhir_server.demo.centres import Centre
from fhir_server.demo.messages import V2Message
from fhir_server.demo.oru import pathology_messages
from fhir_server.demo.records import DemoPatient
from fhir_server.demo.terms import Json


@dataclass(frozen=True, slots=True)
class Transaction:
    """A transaction Bundle and who sends it: `clinical`, `registry` or `centres`."""

    sender: str
    bundle: Json

    @property
    def kind(self) -> str:
        """Its line in the closing table."""
        return f"Bundle, {self.sender}"


Delivery = Transaction | V2Message


def deliveries(person: DemoPatient, centres: Mapping[str, Centre]) -> Iterator[Delivery]:
    """Everything about a patient, to be sent one after the other."""
    messages = () if person.delivery == "bundle-only" else _messages(person, centres)
    if person.delivery == "messages-first":
        yield from messages
        yield Transaction("clinical", clinical_bundle(person, centres))
    else:
        yield Transaction("clinical", clinical_bundle(person, centres))
        yield from messages
    yield Transaction("registry", registry_bundle(person, centres))


def _messages(person: DemoPatient, centres: Mapping[str, Centre]) -> list[V2Message]:
    """Those of the clinical centre and of the laboratories as time interleaves them."""
    messages = [
        *adt_messages(person, centres[person.centre]),
        *pathology_messages(person, centres),
    ]
    return sorted(messages, key=lambda one: one.at)
