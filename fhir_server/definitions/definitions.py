"""Definitions: the conformance resources that are known, looked up by canonical URL, loaded lazily."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Protocol

from fhir_server.definitions.pack import CORE_PACK_PATH, Pack, PackEntry
from fhir_server.definitions.types import TypeModel

STRUCTURE_BASE = "http://hl7.org/fhir/StructureDefinition/"
Resource = dict[str, Any]


class Layer(Protocol):
    """A set of conformance resources by type and canonical URL."""

    def find(self, resource_type: str, url: str, version: str | None) -> Resource | None:
        """The resource, or None."""
        ...

    def urls(self, resource_type: str) -> Iterable[str]:
        """The canonical URLs of all resources of the type, without version."""
        ...

    def versions(self, resource_type: str, url: str) -> Iterable[str]:
        """The versions there are of a canonical URL, the empty text for one without."""
        ...

    def supplements(self, system: str) -> Iterable[Resource]:
        """The CodeSystems that add to the one of a URL, whichever version of it they name."""
        ...


class PackLayer:
    """The resources of a pack; each is read once, on first use. Without a version, a look-up gives the
    last of the pack, as in `MemoryLayer`.
    """

    def __init__(self, pack: Pack) -> None:
        self._pack = pack
        self._entries: dict[str, dict[str, PackEntry]] = {}
        self._versions: dict[tuple[str, str, str], PackEntry] = {}
        self._supplements: dict[str, list[PackEntry]] = {}
        self._read: dict[int, Resource] = {}
        for entry in pack:
            self._entries.setdefault(entry.resource_type, {})[entry.url] = entry
            self._versions[entry.resource_type, entry.url, entry.version] = entry
            if entry.supplements:
                system = entry.supplements.partition("|")[0]
                self._supplements.setdefault(system, []).append(entry)

    def find(self, resource_type: str, url: str, version: str | None) -> Resource | None:
        """See `Layer`."""
        entry = self._entries.get(resource_type, {}).get(url)
        if entry is not None and version and entry.version and version != entry.version:
            entry = self._versions.get((resource_type, url, version))
        if entry is None:
            return None
        resource = self._read.get(entry.offset)
        if resource is None:
            resource = self._read[entry.offset] = self._pack.read(entry)
        return resource

    def urls(self, resource_type: str) -> Iterable[str]:
        """See `Layer`."""
        return self._entries.get(resource_type, {})

    def versions(self, resource_type: str, url: str) -> Iterable[str]:
        """See `Layer`."""
        return self._versions_by_url.get((resource_type, url), ())

    @cached_property
    def _versions_by_url(self) -> dict[tuple[str, str], list[str]]:
        found: dict[tuple[str, str], list[str]] = {}
        for resource_type, url, version in self._versions:
            found.setdefault((resource_type, url), []).append(version)
        return found

    def supplements(self, system: str) -> Iterable[Resource]:
        """See `Layer`."""
        for entry in self._supplements.get(system, ()):
            found = self.find("CodeSystem", entry.url, entry.version)
            if found is not None:
                yield found

    def entries(self, resource_type: str) -> Iterable[PackEntry]:
        """The index lines of a type, which need no reading."""
        return self._entries.get(resource_type, {}).values()


class MemoryLayer:
    """Conformance resources held in memory; of two with one url and version the last wins, and a look-up
    without version gives the last one added.
    """

    def __init__(self, resources: Iterable[Resource]) -> None:
        self._by_url: dict[str, dict[str, list[Resource]]] = {}
        for resource in resources:
            url = resource.get("url")
            if isinstance(url, str):
                self._by_url.setdefault(resource["resourceType"], {}).setdefault(url, []).append(
                    resource
                )

    def find(self, resource_type: str, url: str, version: str | None) -> Resource | None:
        """See `Layer`."""
        for resource in reversed(self._by_url.get(resource_type, {}).get(url, [])):
            if not version or resource.get("version", version) == version:
                return resource
        return None

    def urls(self, resource_type: str) -> Iterable[str]:
        """See `Layer`."""
        return self._by_url.get(resource_type, {})

    def versions(self, resource_type: str, url: str) -> Iterable[str]:
        """See `Layer`."""
        for resource in self._by_url.get(resource_type, {}).get(url, ()):
            yield resource.get("version", "")

    def supplements(self, system: str) -> Iterable[Resource]:
        """See `Layer`."""
        for versions in self._by_url.get("CodeSystem", {}).values():
            for resource in versions:
                if str(resource.get("supplements", "")).partition("|")[0] == system:
                    yield resource


class Definitions:
    """What is known, in layers: the first layer that knows a canonical wins. Immutable and shared."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self._layers = tuple(layers)
        self._search_parameters: dict[str, dict[str, Resource]] = {}

    def layered(self, resources: Iterable[Resource]) -> "Definitions":
        """These definitions with more conformance resources in front."""
        return Definitions((MemoryLayer(resources), *self._layers))

    def behind(self, resources: Iterable[Resource], layers: Iterable[Layer]) -> "Definitions":
        """These definitions with resources in front, and between both further layers."""
        return Definitions((MemoryLayer(resources), *layers, *self._layers))

    def backed(self, layer: Layer) -> "Definitions":
        """These definitions with one more layer behind all others."""
        return Definitions((*self._layers, layer))

    def find(self, resource_type: str, canonical: str) -> Resource | None:
        """The resource of a canonical, `url` or `url|version`; None where it is not known."""
        url, _, version = canonical.partition("|")
        for layer in self._layers:
            resource = layer.find(resource_type, url, version or None)
            if resource is not None:
                return resource
        return None

    def urls(self, resource_type: str) -> list[str]:
        """The canonical URLs known for a type, each once, core last."""
        return list(
            dict.fromkeys(url for layer in self._layers for url in layer.urls(resource_type))
        )

    def all(self, resource_type: str) -> Iterator[Resource]:
        """Every resource of a type. Cost: reads them all."""
        for url in self.urls(resource_type):
            resource = self.find(resource_type, url)
            if resource is not None:
                yield resource

    def structure(self, url_or_type: str) -> Resource | None:
        """The StructureDefinition of a canonical or of a type name (`Patient`, `HumanName`, `string`)."""
        url = url_or_type if ":" in url_or_type else STRUCTURE_BASE + url_or_type
        return self.find("StructureDefinition", url)

    def value_set(self, canonical: str) -> Resource | None:
        """The ValueSet of a canonical."""
        return self.find("ValueSet", canonical)

    def code_system(self, canonical: str) -> Resource | None:
        """The CodeSystem of a canonical."""
        return self.find("CodeSystem", canonical)

    def versions(self, resource_type: str, url: str) -> list[str]:
        """The versions that are known of a canonical URL, each once."""
        found = (v for layer in self._layers for v in layer.versions(resource_type, url))
        return list(dict.fromkeys(found))

    def supplements(self, system: str) -> list[Resource]:
        """The CodeSystems that add to one, of one canonical the first layer's."""
        found: dict[tuple[str, str], Resource] = {}
        for layer in self._layers:
            for resource in layer.supplements(system):
                found.setdefault((resource["url"], resource.get("version", "")), resource)
        return list(found.values())

    @cached_property
    def type_model(self) -> TypeModel:
        """The R4 types, drawn from the base StructureDefinitions as they are asked for."""
        return TypeModel(self.structure)

    @cached_property
    def resource_types(self) -> tuple[str, ...]:
        """The names of the concrete resource types of R4, sorted."""
        return self._type_names("resource", frozenset({"Resource", "DomainResource"}))

    @cached_property
    def data_types(self) -> tuple[str, ...]:
        """The names of the data types of R4, complex and primitive, sorted."""
        return tuple(
            sorted((*self._type_names("complex-type"), *self._type_names("primitive-type")))
        )

    def _type_names(self, kind: str, without: frozenset[str] = frozenset()) -> tuple[str, ...]:
        names = {
            entry.type
            for layer in self._layers
            if isinstance(layer, PackLayer)
            for entry in layer.entries("StructureDefinition")
            if entry.kind == kind and entry.derivation != "constraint"
        }
        return tuple(sorted(names - without))

    def search_parameters(self, resource_type: str) -> dict[str, Resource]:
        """The SearchParameters of a type by code, those of `Resource` and `DomainResource` included."""
        found = self._search_parameters.get(resource_type)
        if found is None:
            found = self._search_parameters[resource_type] = self._search_parameters_of(
                resource_type
            )
        return found

    def _search_parameters_of(self, resource_type: str) -> dict[str, Resource]:
        found: dict[str, Resource] = {}
        bases = {resource_type, "Resource", "DomainResource"}
        for layer in reversed(self._layers):
            own: dict[str, Resource] = {}
            for url in _search_parameter_urls(layer, bases):
                resource = layer.find("SearchParameter", url, None)
                if resource is None or not bases & set(resource.get("base", ())):
                    continue
                # HL7's package holds examples that take the code of a true parameter (Condition subject).
                if resource["code"] not in own or not resource.get("experimental"):
                    own[resource["code"]] = resource
            found.update(own)
        return found


def _search_parameter_urls(layer: Layer, bases: set[str]) -> list[str]:
    if isinstance(layer, PackLayer):
        return [entry.url for entry in layer.entries("SearchParameter") if bases & set(entry.bases)]
    return list(layer.urls("SearchParameter"))


@cache
def core_definitions(path: Path = CORE_PACK_PATH) -> Definitions:
    """The definitions of FHIR R4 4.0.1. Errors: FileNotFoundError before set-up has run."""
    return Definitions((PackLayer(Pack(path)),))
