"""String parameters: prefixes and parts without regard to case and accents; `:exact` with.

Source: FHIR R4 §3.1.1.4.8, https://hl7.org/fhir/R4/search.html#string
"""

from collections.abc import Iterable, Iterator
from typing import Any

from fhir_server.search.criteria import Criterion
from fhir_server.search.folding import PREFIX_LENGTH, fold, windows
from fhir_server.search.parameters import SearchParameter
from fhir_server.search.predicates import AnyOf, HasString, HasToken, Predicate
from fhir_server.search.rows import IndexRows, TypedValue
from fhir_server.search.values import unescape
from fhir_server.store.keys import token_hash

# R4: a search on a HumanName or an Address looks at each of their parts.
_PARTS: dict[str, tuple[str, ...]] = {
    "HumanName": ("text", "family", "given", "prefix", "suffix"),
    "Address": ("text", "line", "city", "district", "state", "postalCode", "country"),
    "CodeableConcept": ("text",),
    "Annotation": ("text",),
    "ContactPoint": ("value",),
    "Identifier": ("value",),
    "Money": ("currency",),
}


def extract(parameter: SearchParameter, values: Iterable[TypedValue], rows: IndexRows) -> bool:
    """Add the folded strings, and the tokens for `:exact`; whether there were any."""
    before = len(rows.strings)
    for item in values:
        kind, value = item.type, item.value
        for text in _texts(kind, value):
            rows.tokens.append(token_hash(parameter.hash_of("exact"), text))
            folded = fold(text)
            rows.strings.append((parameter.hash, folded[:PREFIX_LENGTH], True))
            if len(folded) > PREFIX_LENGTH:
                number = parameter.hash_of("rest")
                rows.strings.extend((number, window, True) for window in windows(folded))
    return len(rows.strings) > before


def _texts(kind: str, value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name in _PARTS.get(kind, ()):
            part = value.get(name)
            if isinstance(part, str):
                yield part
            elif isinstance(part, list):
                yield from (text for text in part if isinstance(text, str))


def predicate(criterion: Criterion) -> Predicate:
    """What the values ask for. Errors: Refused(400)."""
    match criterion.modifier:
        case None:
            return any_of_strings(criterion, criterion.hashes, contains=False)
        case "contains":
            numbers = (*criterion.hashes, *criterion.hashes_of("rest"))
            return any_of_strings(criterion, numbers, contains=True)
        case "exact":
            texts = [unescape(value) for value in criterion.values]
            numbers = criterion.hashes_of("exact")
            return HasToken(tuple(token_hash(number, text) for number in numbers for text in texts))
    raise criterion.bad_modifier("exact", "contains")


def any_of_strings(criterion: Criterion, numbers: tuple[int, ...], *, contains: bool) -> Predicate:
    """One of the values begins, or is part of, a string under one of the parameters."""
    found = []
    for value in criterion.values:
        folded = fold(unescape(value))
        if not folded:
            raise criterion.bad_value(value, "string")
        if len(folded) > PREFIX_LENGTH:
            raise criterion.bad_value(value, "too-long")
        found.append(HasString(numbers, folded, "contains" if contains else "starts"))
    return found[0] if len(found) == 1 else AnyOf(tuple(found))
