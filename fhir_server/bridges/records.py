"""The records that cross a bridge, and how they hang together: by patient and by tumour."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from fhir_server.bridges.definition import BASE

Resource = dict[str, Any]

_TUMOUR = f"{BASE}/StructureDefinition/tumour"
_USE = f"{BASE}/CodeSystem/consent-use"
_WITHDRAWN = frozenset({"entered-in-error", "cancelled", "refuted", "not-done", "not-taken"})
_OPPOSITION = "opposition"
_PATIENT_ELEMENTS = ("subject", "patient", "for")


class Records:
    """Resources by their profile and by what they are about.

    Shape: made of resources with the address by which others refer to them: `fullUrl`, or `Type/id`.
    """

    def __init__(self, addressed: Iterable[tuple[str, Resource]]) -> None:
        self._by_address = dict(addressed)
        self._about: dict[str, list[Resource]] = defaultdict(list)
        self._addresses = {id(each): address for address, each in self._by_address.items()}
        for resource in sorted(self._by_address.values(), key=_date):
            for address in set(_subjects(resource)):
                self._about[address].append(resource)

    @classmethod
    def of_bundles(cls, bundles: Iterable[Resource]) -> "Records":
        """The entries of Bundles, and resources that stand alone."""
        found: list[tuple[str, Resource]] = []
        for each in bundles:
            if each.get("resourceType") != "Bundle":
                found.append((_own_address(each), each))
            for entry in each.get("entry", ()):
                resource = entry.get("resource", {})
                found.append((_own_address(resource), resource))
                if str(entry.get("fullUrl", "")).startswith("urn:"):
                    found[-1] = (entry["fullUrl"], resource)
        return cls(found)

    def of_profile(self, name: str) -> list[Resource]:
        """The resources that claim a profile of the network, by its last part."""
        url = f"{BASE}/StructureDefinition/{name}"
        return [
            each
            for each in self._by_address.values()
            if url in each.get("meta", {}).get("profile", ())
        ]

    def profiles(self) -> set[str]:
        """The profiles of the network that the resources claim, by their last parts."""
        return {
            url.rpartition("/")[2]
            for each in self._by_address.values()
            for url in each.get("meta", {}).get("profile", ())
            if url.startswith(f"{BASE}/StructureDefinition/")
        }

    def about(self, resource: Resource) -> Mapping[str, Sequence[Resource]]:
        """What is about a patient or a tumour, by profile, in order of time."""
        found: dict[str, list[Resource]] = defaultdict(list)
        for each in self._about[self._addresses[id(resource)]]:
            for profile in each.get("meta", {}).get("profile", ()):
                found[profile.rpartition("/")[2]].append(each)
        return found

    def tumour_of(self, resource: Resource) -> Resource | None:
        """The tumour that a resource is about, None where it names none of these."""
        return next(
            (self._by_address[each] for each in _tumours(resource) if each in self._by_address),
            None,
        )

    def holding(self) -> tuple["Records", int]:
        """Without what was entered in error, cancelled or refuted or is about such a record, and how many
        these are.
        """
        withdrawn = {address for address, each in self.addressed() if not _holds(each)}
        kept = [
            (address, each)
            for address, each in self.addressed()
            if address not in withdrawn and not withdrawn.intersection(_subjects(each))
        ]
        return Records(kept), len(self) - len(kept)

    def resolve(self, reference: str) -> Resource | None:
        """The resource of a reference, None where it is not among them."""
        return self._by_address.get(reference)

    def addressed(self) -> Iterable[tuple[str, Resource]]:
        """Every resource with its address."""
        return self._by_address.items()

    def __len__(self) -> int:
        """How many resources there are."""
        return len(self._by_address)

    def address(self, resource: Resource) -> str:
        """By what others refer to a resource."""
        return self._addresses[id(resource)]

    def consented(self, use: str, partner: str | None = None) -> "Records":
        """What belongs to patients with a permission for a use that is in force, and no opposition; centres
        stay. Shape: `partner` the id, or an identifier, of the Organization that gets them: a decision that
        names others is none about it; None asks for a permission to anybody.
        """
        today = datetime.now(UTC).date().isoformat()
        allowed = {
            address
            for address, each in self._by_address.items()
            if each["resourceType"] == "Patient" and self._permits(address, use, partner, today)
        }
        return Records(
            (address, each)
            for address, each in self._by_address.items()
            if address in allowed
            or (each["resourceType"] != "Patient" and _patients(each) <= allowed)
        )

    def _permits(self, patient: str, use: str, partner: str | None, today: str) -> bool:
        """The last decision on the use counts; an opposition to any use ends all."""
        decisions = {
            code: each.get("provision", {}).get("type")
            for each in self._about[patient]
            if each["resourceType"] == "Consent" and each.get("status") == "active"
            for category in each.get("category", ())
            for code in (
                c.get("code") for c in category.get("coding", ()) if c.get("system") == _USE
            )
            if code == _OPPOSITION or self._is_in_force(each.get("provision", {}), partner, today)
        }
        return decisions.get(use) == "permit" and _OPPOSITION not in decisions

    def _is_in_force(self, provision: Resource, partner: str | None, today: str) -> bool:
        """Whether a decision speaks of a partner, today. A date without its day is all of its month."""
        period = provision.get("period", {})
        start, end = period.get("start", "")[:10], period.get("end", "9999")[:10]
        named = {
            name
            for actor in provision.get("actor", ())
            for name in self._names(str(actor.get("reference", {}).get("reference", "")))
        }
        in_time = start <= today and today[: len(end)] <= end
        return in_time and (not named or partner in {None, *named})

    def _names(self, reference: str) -> Iterable[str]:
        """The id of an Organization, and its identifiers where it is among the records."""
        yield reference.rpartition("/")[2]
        for identifier in (self.resolve(reference) or {}).get("identifier", ()):
            yield str(identifier.get("value"))


def _holds(resource: Resource) -> bool:
    """Whether a record stands, by the codes of R4 that say something is not, or no longer, true."""
    codes = {
        coding.get("code") for coding in resource.get("verificationStatus", {}).get("coding", ())
    }
    return not (_WITHDRAWN & (codes | {resource.get("status")}))


def _own_address(resource: Resource) -> str:
    return f"{resource.get('resourceType')}/{resource.get('id')}"


def _patients(resource: Resource) -> set[str]:
    return {
        str(resource[name].get("reference", ""))
        for name in _PATIENT_ELEMENTS
        if isinstance(resource.get(name), dict)
    }


def _subjects(resource: Resource) -> Iterable[str]:
    """The patient and the tumour that a resource is about."""
    yield from _patients(resource)
    yield from _tumours(resource)


def _tumours(resource: Resource) -> Iterable[str]:
    for extension in resource.get("extension", ()):
        if extension.get("url") == _TUMOUR:
            yield str(extension.get("valueReference", {}).get("reference", ""))


def _date(resource: Resource) -> str:
    for name in ("effectiveDateTime", "performedDateTime", "dateTime", "issued"):
        if name in resource:
            return str(resource[name])
    for name in ("effectivePeriod", "performedPeriod", "period"):
        if name in resource:
            return str(resource[name].get("start", ""))
    return ""
