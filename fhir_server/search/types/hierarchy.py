"""`:above` and `:below` on references: up and down a hierarchy of resources, or the versions of a canonical.

`location:below=Location/ward` asks for what happened there or in a part of it, `encounter:above=…` for what
happened in an encounter or in one that it is part of. `instantiates-canonical:below=url` asks for the URL in
any version, `url|1` for its versions 1, 1.0, 1.2.3.

Source: FHIR R4 §3.1.1.4.13 (versions), §3.1.1.4.14 (hierarchies), https://hl7.org/fhir/R4/search.html#recursive
"""

from collections.abc import Iterator

from fhir_server.model.references import VALID_ID, parse_reference
from fhir_server.search.criteria import Criterion
from fhir_server.search.parameters import SearchParameter, SearchParameters
from fhir_server.search.predicates import AnyOf, HasToken, InHierarchy, Predicate
from fhir_server.search.types.reference import CANONICAL, targets_of
from fhir_server.search.values import unescape
from fhir_server.store.keys import resource_key, token_hash

MODIFIERS = frozenset({"above", "below"})
PART_OF = ("partof", "part-of", "parent")
"""Codes of the parameters by which a resource names the one it is part of."""
_STRICT = "http://hl7.org/fhir/StructureDefinition/structuredefinition-hierarchy"


def predicate(criterion: Criterion, parameters: SearchParameters) -> Predicate:
    """What the values ask for. Errors: Refused(400)."""
    choices: list[Predicate] = []
    for parameter in criterion.parameters:
        links = _links(parameter, parameters)
        is_versioned = criterion.modifier == "below" and parameters.holds_canonicals(parameter)
        if not links and not is_versioned:
            allowed = () if parameters.holds_canonicals(parameter) else ("identifier",)
            raise criterion.bad_modifier(*allowed, *targets_of(parameter)[:5])
        for value in criterion.values:
            text = unescape(value)
            roots = dict(_roots(criterion, links, text))
            for link in sorted(set(roots.values())):
                found = tuple(key for key, one in roots.items() if one == link)
                is_above = criterion.modifier == "above"
                choices.append(InHierarchy((parameter.hash,), found, (link,), is_above))
            if not roots and is_versioned and parse_reference(text).kind in {"absolute", "urn"}:
                choices.append(HasToken(_versions(parameter, text)))
            elif not roots:
                raise criterion.bad_value(text, "reference-hierarchy")
    return choices[0] if len(choices) == 1 else AnyOf(tuple(choices))


def _links(parameter: SearchParameter, parameters: SearchParameters) -> dict[str, int]:
    """The numbers of the parameters by which resources of a type name the next higher one, by the types that
    the parameter leads to and that form a hierarchy.
    """
    if parameter.resource_type in targets_of(parameter) and _is_strict(parameter, parameters):
        return {parameter.resource_type: parameter.hash}
    links = {}
    for target in targets_of(parameter):
        each = (parameters.find(target, code) for code in PART_OF)
        link = next((one for one in each if one and target in targets_of(one)), None)
        if link is not None:
            links[target] = link.hash
    return links


def _is_strict(parameter: SearchParameter, parameters: SearchParameters) -> bool:
    """Whether R4 marks the element as one whose references never lead back to where they start."""
    structure = parameters.definitions.structure(parameter.resource_type)
    paths = {".".join((parameter.resource_type, *one.path)) for one in parameter.branches}
    return any(
        extension["url"] == _STRICT and extension.get("valueBoolean") is True
        for element in (structure["snapshot"]["element"] if structure is not None else ())
        if element["path"] in paths
        for kind in element.get("type", ())
        for extension in kind.get("extension", ())
    )


def _roots(criterion: Criterion, links: dict[str, int], text: str) -> Iterator[tuple[int, int]]:
    """The keys of the resources that a value names, each with the link of its hierarchy."""
    reference = parse_reference(text)
    if VALID_ID.fullmatch(text):
        for target, link in links.items():
            yield resource_key(target, text), link
    elif reference.is_local({criterion.setting.base_url}) and reference.type in links:
        yield resource_key(reference.type, reference.id), links[reference.type]


def _versions(parameter: SearchParameter, text: str) -> tuple[int, ...]:
    """The tokens of a canonical and of what is below its version."""
    number = parameter.hash_of(CANONICAL)
    forms = (text, text + ".*") if "|" in text else (text,)
    return tuple(token_hash(number, form) for form in forms)
