"""The versions of code systems that a call asks for: as a default, checked, or forced.

Source: https://hl7.org/fhir/R4/valueset-operation-expand.html (system-version, check-system-version,
force-system-version)
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from fhir_server.definitions import Definitions
from fhir_server.model.issues import refuse
from fhir_server.terminology.operations.parameters import OperationParameters, Resource, invalid
from fhir_server.terminology.terminology import Terminology

_NAMES = ("system-version", "check-system-version", "force-system-version")
TAKES = frozenset(_NAMES)


@dataclass(frozen=True, slots=True)
class Versions:
    """Versions by system."""

    default: Mapping[str, str]
    checked: Mapping[str, str]
    forced: Mapping[str, str]

    def __bool__(self) -> bool:
        return bool(self.default or self.checked or self.forced)

    def of(self, system: str, stated: str | None) -> str | None:
        """The version to use of a system. Errors: Refused 422 where it is not the one to check for."""
        wanted = self.checked.get(system)
        found = self.forced.get(system) or stated or wanted or self.default.get(system)
        if wanted is not None and found != wanted:
            raise refuse(422, "system-version-differs", "business-rule", system=system[:200],
                         expected=wanted, found=found)  # fmt: skip
        return found

    def revised(self, value_set: Resource) -> Resource:
        """A value set that names the versions to use."""
        compose = value_set.get("compose")
        if not isinstance(compose, dict):
            return value_set
        parts = {
            name: [self._part(part) for part in compose[name]]
            for name in ("include", "exclude")
            if name in compose
        }
        return {**value_set, "compose": {**compose, **parts}}

    def _part(self, part: Resource) -> Resource:
        system = part.get("system")
        version = self.of(system, part.get("version")) if system is not None else None
        return part if version is None else {**part, "version": version}

    def said(self) -> Iterator[Resource]:
        """The parameters of the call, as the expansion repeats them."""
        for name, versions in zip(_NAMES, (self.default, self.checked, self.forced), strict=True):
            for system, version in versions.items():
                yield {"name": name, "valueUri": f"{system}|{version}"}


def read_versions(asked: OperationParameters) -> Versions:
    """The versions of a call, each as `system|version`. Errors: Refused 400."""
    return Versions(*(_by_system(asked, name) for name in _NAMES))


def _by_system(asked: OperationParameters, name: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for canonical in asked.texts(name):
        system, _, version = canonical.partition("|")
        if not system or not version:
            raise invalid(name, "system|version")
        found[system] = version
    return found


def with_versions(terminology: Terminology, versions: Versions) -> Terminology:
    """A terminology in which every value set names the versions to use, those it imports too."""
    if not versions:
        return terminology
    return terminology.revised(Definitions((_RevisedLayer(terminology.definitions, versions),)))


@dataclass(frozen=True, slots=True)
class _RevisedLayer:
    """Definitions whose value sets name other versions; see `fhir_server.definitions.Layer`."""

    definitions: Definitions
    asked: Versions

    def find(self, resource_type: str, url: str, version: str | None) -> Resource | None:
        found = self.definitions.find(resource_type, f"{url}|{version}" if version else url)
        if found is None or resource_type != "ValueSet":
            return found
        return self.asked.revised(found)

    def urls(self, resource_type: str) -> Iterable[str]:
        return self.definitions.urls(resource_type)

    def versions(self, resource_type: str, url: str) -> Iterable[str]:
        return self.definitions.versions(resource_type, url)

    def supplements(self, system: str) -> Iterable[Resource]:
        return self.definitions.supplements(system)
