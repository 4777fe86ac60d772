"""Reference parameters: to resources here, elsewhere, by identifier, and canonicals.

A reference to a resource of this server is one token, `key of the target XOR number of the parameter`,
and one edge in `search_reference`. One to a contained resource is a token of the contained key. Any other
reference is a token of its URL; a canonical also one of its URL without version, and what links it to what
it names.

Source: FHIR R4 §3.1.1.4.12, https://hl7.org/fhir/R4/search.html#reference
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from fhir_server.model.references import VALID_ID, ParsedReference, parse_reference
from fhir_server.search.criteria import Criterion
from fhir_server.search.parameters import SearchParameter
from fhir_server.search.predicates import HasToken, Predicate
from fhir_server.search.rows import IndexRows, TypedValue
from fhir_server.search.types.token import form_hashes, query_form
from fhir_server.search.values import unescape
from fhir_server.store.keys import hash64, reference_token, resource_key, token_hash
from fhir_server.store.resource_types import RESOURCE_TYPES, TYPE_NUMBERS

INSIDE = "contained"
"""The form of a parameter under which references to contained resources are found."""
CANONICAL = "canonical"
"""The form of a parameter under which canonicals are found by URL and version."""
MAX_VERSION_PARTS = 8


def extract(
    parameter: SearchParameter,
    values: Iterable[TypedValue],
    rows: IndexRows,
    target: str | None,
    bases: frozenset[str],
) -> bool:
    """Add tokens and edges; whether there were any. `target`: only references to this type count."""
    before = len(rows.tokens) + len(rows.fragments)
    sink = _Sink(parameter, rows, target, bases)
    for item in values:
        value = item.value
        if isinstance(value, str):
            _add_text(sink, value, target)
            if not value.startswith("#"):
                _add_canonical(sink, value)
        elif item.type == "Reference":
            _add_reference(sink, value)
        elif isinstance(value, dict) and "resourceType" in value and "id" in value:
            # Bundle?composition and Bundle?message lead to the resource itself.
            key = resource_key(value["resourceType"], value["id"])
            rows.tokens.append(reference_token(parameter.hash, key))
    return len(rows.tokens) + len(rows.fragments) > before


@dataclass(frozen=True, slots=True)
class _Sink:
    parameter: SearchParameter
    rows: IndexRows
    target: str | None
    bases: frozenset[str]


def _add_reference(sink: _Sink, value: dict[str, Any]) -> None:
    literal = value.get("reference")
    declared = value.get("type", sink.target)
    if isinstance(literal, str):
        _add_text(sink, literal, declared)
    if "identifier" in value and sink.target in {None, declared}:
        number = sink.parameter.hash_of("identifier")
        forms = form_hashes("Identifier", value["identifier"])
        sink.rows.tokens.extend(number ^ form for form in forms)


def _add_text(sink: _Sink, text: str, declared: str | None) -> None:
    if sink.target is not None and sink.target != (parse_reference(text).type or declared):
        return
    if text.startswith("#"):
        _add_fragment(sink, text[1:])
        return
    number = sink.parameter.hash
    hashes, edge = found_by(text, sink.bases)
    sink.rows.tokens.extend([number ^ target for target in hashes])
    if edge is not None:
        sink.rows.references.append((number, edge))


def _add_fragment(sink: _Sink, contained_id: str) -> None:
    """A reference to a contained resource; that the parameter has such ones is noted for chains."""
    if contained_id:
        number = sink.parameter.hash_of(INSIDE)
        sink.rows.fragments.append((number, contained_id))
        sink.rows.codes.append((number, number, ""))


# Most resources of a Bundle refer to the same few others, by several parameters each.
@lru_cache(maxsize=1024)
def found_by(text: str, bases: frozenset[str]) -> tuple[tuple[int, ...], int | None]:
    """By what a reference is found, and the key of its target where that is a resource here.

    Shape: the key of the target, or the hash of its URL; with a version also the hash of the versioned
    form; a canonical also without its version.
    """
    reference = parse_reference(text)
    if reference.is_local(bases) and reference.type in TYPE_NUMBERS:
        key = resource_key(reference.type, reference.id)
        versioned = () if reference.version is None else (hash64(_versioned(reference)),)
        return (key, *versioned), key
    if "|" in text:
        return (hash64(text), hash64(text.partition("|")[0])), None
    return (hash64(text),), None


def _add_canonical(sink: _Sink, text: str) -> None:
    """What links canonicals and their targets: the URL, that with the version or with none, and what the
    version is below of (`u|1.0.2` → `u|1.*`, `u|1.0.*`).
    """
    number = sink.parameter.hash_of(CANONICAL)
    url, _, version = text.partition("|")
    parts = version.split(".")[:MAX_VERSION_PARTS]
    below = [f"{url}|{'.'.join(parts[:count])}.*" for count in range(1, len(parts))]
    sink.rows.tokens.extend(token_hash(number, form) for form in (url, f"{url}|{version}", *below))


def _versioned(reference: ParsedReference) -> str:
    return f"{reference.type}/{reference.id}/_history/{reference.version}"


def predicate(criterion: Criterion) -> Predicate:
    """What the values ask for. Errors: Refused(400)."""
    modifier = criterion.modifier
    if modifier == "identifier":
        forms = [query_form(criterion, value) for value in criterion.values]
        numbers = criterion.hashes_of("identifier")
        return HasToken(tuple(token_hash(number, form) for number in numbers for form in forms))
    targets = {target for parameter in criterion.parameters for target in targets_of(parameter)}
    if modifier is not None and modifier not in targets:
        raise criterion.bad_modifier("identifier", *sorted(targets))
    return HasToken(
        tuple(
            parameter.hash ^ target
            for value in criterion.values
            for parameter in criterion.parameters
            for target in hashes_asked(criterion, parameter, unescape(value))
        )
    )


def targets_of(parameter: SearchParameter) -> tuple[str, ...]:
    """The types that a parameter may lead to; a `patient` parameter only to Patient."""
    narrowed = {branch.target for branch in parameter.branches}
    if None not in narrowed:
        return tuple(sorted(target for target in narrowed if target))
    if not parameter.targets or "Resource" in parameter.targets:
        return RESOURCE_TYPES
    return parameter.targets


def hashes_asked(criterion: Criterion, parameter: SearchParameter, text: str) -> Iterator[int]:
    """By what the references that a value asks for are found. Errors: Refused(400)."""
    reference = parse_reference(text)
    if reference.is_local({criterion.setting.base_url}) and reference.type in TYPE_NUMBERS:
        if reference.version is not None:
            yield hash64(_versioned(reference))
        elif criterion.modifier in {None, reference.type}:
            yield resource_key(reference.type, reference.id)
        else:
            raise criterion.bad_value(text, "reference")
    elif VALID_ID.fullmatch(text):
        targets = targets_of(parameter) if criterion.modifier is None else (criterion.modifier,)
        yield from (resource_key(target, text) for target in targets)
    elif reference.kind in {"absolute", "urn"} and criterion.modifier is None:
        yield hash64(text)
    else:
        raise criterion.bad_value(text, "reference")
