"""Includes through canonicals: a URL, perhaps with `|version`, names the resources that have this URL.

There is no edge for them, since who is meant is known by its content alone. The canonicals of a resource are
read from its body, and those meant are looked up by the tokens of their URL and version; who names a resource
is looked up by the tokens that canonicals have.

Source: FHIR R4 §3.1.1.5.4 and https://hl7.org/fhir/R4/references.html#canonical
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fhir_server.model.json_source import parse_stored
from fhir_server.search.parameters import SearchParameter, SearchParameters
from fhir_server.search.paths import Path, values_at
from fhir_server.search.types.reference import CANONICAL, targets_of
from fhir_server.store.keys import token_hash
from fhir_server.store.resources import StoredResource

Tokens = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CanonicalTarget:
    """A type that canonicals lead to, with the numbers of its parameters `url` and `version`."""

    type: str
    url: int
    version: int | None


@dataclass(frozen=True, slots=True)
class CanonicalLink:
    """A parameter of canonicals, the number of their form, where they stand, and what they may lead to."""

    source: str
    number: int
    paths: tuple[Path, ...]
    targets: tuple[CanonicalTarget, ...]

    def named_by(self, sources: Iterable[StoredResource]) -> Iterator[Tokens]:
        """The tokens of what the resources name: all that one array holds."""
        for stored in sources:
            if stored.type == self.source:
                for text in self._values(stored):
                    url, _, version = text.partition("|")
                    for target in self.targets:
                        yield from _tokens_of(target, url, version)

    def naming(self, targets: Iterable[StoredResource]) -> Iterator[Tokens]:
        """The tokens of what names one of the resources, in its version or in none."""
        types = {target.type for target in self.targets}
        for stored in targets:
            body = _body(stored) if stored.type in types else {}
            url, version = body.get("url"), body.get("version")
            if isinstance(url, str):
                yield (token_hash(self.number, f"{url}|"),)
                if isinstance(version, str):
                    yield (token_hash(self.number, f"{url}|{version}"),)

    def _values(self, stored: StoredResource) -> list[str]:
        body = _body(stored)
        found = (value for path in self.paths for value in values_at(path, body))
        return list(dict.fromkeys(value for value in found if isinstance(value, str)))


def canonical_links(
    parameters: SearchParameters, found: Sequence[SearchParameter], types: Iterable[str] | None
) -> tuple[CanonicalLink, ...]:
    """The links of those parameters that hold canonicals, to the types given, None for all."""
    links = []
    wanted = None if types is None else set(types)
    for parameter in found:
        if parameter.type == "reference" and parameters.holds_canonicals(parameter):
            leads_to = (t for t in targets_of(parameter) if wanted is None or t in wanted)
            targets = tuple(one for t in leads_to if (one := _target(parameters, t)) is not None)
            paths = tuple(p for p in parameters.paths_of(parameter) if p.type == "canonical")
            if targets:
                number = parameter.hash_of(CANONICAL)
                links.append(CanonicalLink(parameter.resource_type, number, paths, targets))
    return tuple(links)


def _target(parameters: SearchParameters, name: str) -> CanonicalTarget | None:
    url, version = parameters.find(name, "url"), parameters.find(name, "version")
    if url is None or url.type != "uri":
        return None
    return CanonicalTarget(name, url.hash, None if version is None else version.hash)


def _tokens_of(target: CanonicalTarget, url: str, version: str) -> Iterator[Tokens]:
    named = token_hash(target.url, url)
    if not version:
        yield (named,)
    elif target.version is not None:
        yield (named, token_hash(target.version, "=" + version.casefold()))


def _body(stored: StoredResource) -> Mapping[str, Any]:
    body: Mapping[str, Any] = parse_stored(stored.body or b"{}")
    return body
