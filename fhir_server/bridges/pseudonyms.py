"""Records as a partner may see them: pseudonyms for numbers, no names, no free text, no day of birth.

A pseudonym is a keyed hash: the same number gives one partner the same pseudonym each time, and two partners
different ones. Who has the key can make it again from the records; nobody can go back without them.

Source: EUPID, context-specific pseudonyms, https://pmc.ncbi.nlm.nih.gov/articles/PMC12927036/
"""

from base64 import b32encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any
from uuid import UUID

from fhir_server.bridges.definition import BASE
from fhir_server.bridges.records import Records, Resource

SYSTEM = "https://osteon.example/sid/pseudonym"
_MARK = {
    "coding": [
        {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "PSEUDED"}
    ]
}
_OF_PATIENT = frozenset(
    {"resourceType", "id", "meta", "active", "gender", "managingOrganization",
     "deceasedBoolean", "deceasedDateTime"}
)  # fmt: skip
_FREE_TEXT = frozenset({"text", "note", "conclusion", "comment", "presentedForm", "implicitRules"})
_MONTH = len("YYYY-MM")


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """The pseudonyms of one partner. `key` stays in the network, 16 to 64 bytes."""

    partner: str
    key: bytes = field(repr=False)

    def of(self, *parts: str) -> str:
        """The pseudonym of a number: 24 letters and digits."""
        return b32encode(self._digest(parts, 15)).decode().lower()

    def uuid(self, text: str) -> str:
        """The pseudonym of an address that is a UUID."""
        return f"urn:uuid:{UUID(bytes=self._digest((text,), 16), version=4)}"

    def _digest(self, parts: tuple[str, ...], size_bytes: int) -> bytes:
        hashed = blake2b(key=self.key, digest_size=size_bytes)
        for part in (self.partner, *parts):
            hashed.update(f"{len(part)}:{part}".encode())
        return hashed.digest()


def pseudonymised(records: Records, names: Pseudonyms) -> Records:
    """The same records under pseudonyms; centres keep their names and numbers, which are public."""
    return Records(
        (_address(address, names), _resource(resource, address, names))
        for address, resource in records.addressed()
    )


def _resource(resource: Resource, address: str, names: Pseudonyms) -> Resource:
    if resource["resourceType"] == "Organization":
        return resource
    said = {name: value for name, value in resource.items() if not _is_free_text(name)}
    found = dict(_elements(said, names))
    if "id" in resource:
        found["id"] = names.of("id", str(resource["id"]))
    if "meta" in resource:
        found["meta"] = {"profile": resource["meta"].get("profile", [])}
    if resource["resourceType"] == "Patient":
        return _patient(found, resource, address, names)
    return found


def _is_free_text(name: str) -> bool:
    """Whether an element holds someone's own words, as `onsetString` does."""
    return name in _FREE_TEXT or name.endswith("String")


def _patient(found: Resource, patient: Resource, address: str, names: Pseudonyms) -> Resource:
    """A patient with one number, the pseudonym, and what no name or address is."""
    kept = {name: value for name, value in found.items() if name in _OF_PATIENT}
    number = names.of("Patient", _known_by(patient, address))
    kept["identifier"] = [{"type": _MARK, "system": f"{SYSTEM}/{names.partner}", "value": number}]
    if "birthDate" in patient:
        kept["birthDate"] = str(patient["birthDate"])[:_MONTH]
    extensions = [each for each in found.get("extension", ()) if each["url"].startswith(BASE)]
    return {**kept, "extension": extensions} if extensions else kept


def _known_by(patient: Resource, address: str) -> str:
    """What stays the same however often a patient is handed over: the id on a server, else the number of
    the centre, since a national identity may come later.
    """
    if "id" in patient:
        return str(patient["id"])
    numbers = [each for each in patient.get("identifier", ()) if "value" in each]
    of_centre = [
        each
        for each in numbers
        if "PI" in {coding.get("code") for coding in each.get("type", {}).get("coding", ())}
    ]
    first = [*of_centre, *numbers][:1]
    return f"{first[0].get('system')}|{first[0]['value']}" if first else address


def _value(node: Any, names: Pseudonyms) -> Any:
    if isinstance(node, list):
        return [_value(each, names) for each in node]
    if not isinstance(node, dict):
        return node
    if "resourceType" in node:
        return _resource(node, str(node.get("id")), names)
    return dict(_elements(node, names))


def _elements(node: Mapping[str, Any], names: Pseudonyms) -> Iterator[tuple[str, Any]]:
    # Words beside a code are someone's own; those that stand alone are all there is.
    beside_code = {"text"} if "coding" in node else set()
    # The name of a code is its system's; that of a reference is the name of a person.
    named = set() if "code" in node else {"display"}
    left_out = {"note", "assigner"} | beside_code | named
    for name, value in node.items():
        if name == "reference" and isinstance(value, str):
            yield name, _address(value, names)
        elif _is_number(name) and isinstance(value, list):
            yield name, [_number(each, names) for each in value]
        elif _is_number(name):
            yield name, _number(value, names)
        elif name not in left_out and not name.endswith("String"):
            yield name, _value(value, names)


def _is_number(name: str) -> bool:
    """Whether an element is an Identifier, as `identifier`, `valueIdentifier` and `requisition` are."""
    return name in {"identifier", "requisition"} or name.endswith("Identifier")


def _number(identifier: Mapping[str, Any], names: Pseudonyms) -> Resource:
    """A number as its pseudonym, marked as such, in the system it had."""
    system = str(identifier.get("system", ""))
    marked: Resource = {"type": _MARK, "value": names.of(system, str(identifier.get("value", "")))}
    return {**marked, "system": system} if system else marked


def _address(address: str, names: Pseudonyms) -> str:
    """An address under a pseudonym; a conditional reference holds a number and becomes a UUID."""
    if address.startswith("urn:") or "?" in address:
        return names.uuid(address)
    kind, slash, identity = address.rpartition("/")
    if kind.endswith("Organization"):
        return address
    if address.startswith("#"):
        return f"#{names.of('id', address[1:])}"
    return f"{kind}{slash}{names.of('id', identity)}"
