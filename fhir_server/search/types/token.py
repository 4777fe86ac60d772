"""Token parameters: coded values, identifiers, booleans.

Codes are compared without case, systems exactly. R4: "When in doubt, servers SHOULD treat tokens in a
case-insensitive manner".
Forms hashed for a value with system S and code C: `=C` (any system), `S|C`, `S|`; without system `|C`.

Source: FHIR R4 §3.1.1.4.10, https://hl7.org/fhir/R4/search.html#token
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from fhir_server.model.references import parse_reference
from fhir_server.search.criteria import Criterion
from fhir_server.search.folding import PREFIX_LENGTH, fold
from fhir_server.search.parameters import SearchParameter
from fhir_server.search.predicates import HasToken, Not, Predicate
from fhir_server.search.rows import IndexRows, TypedValue
from fhir_server.search.values import split_escaped, unescape
from fhir_server.store.keys import hash64, token_hash
from fhir_server.terminology.expansion import Expansion

Coded = tuple[str | None, str | None]
"""System and code of a value."""

_MODIFIERS = ("not", "in", "not-in", "above", "below", "text", "of-type")


# Their codes are few, and say nothing of one person.
_DICTIONARY = frozenset(
    {"code", "boolean", "System.Boolean", "Coding", "CodeableConcept", "Quantity"}
)

MIME = "mime"
"""The form of a parameter under which a MIME type is found without its parameters."""
_MIME_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)

Systems = Mapping[str, frozenset[str]]
"""Codes by system."""


def extract(
    parameter: SearchParameter,
    values: Iterable[TypedValue],
    rows: IndexRows,
    systems: Systems = MappingProxyType({}),
) -> bool:
    """Add the tokens, the texts for `:text`, and the codes for sorting; whether there were any: a concept may
    have a text alone.

    Shape: `systems` those that a value of type `code` may be of: it carries none itself.
    """
    number = parameter.hash
    before = len(rows.tokens) + len(rows.strings)
    for item in values:
        kind, value = item.type, item.value
        coded = _CODED.get(kind)
        for system, code in coded(value) if coded is not None else _plain(value):
            forms = _hashes(system, code)
            rows.tokens.extend([number ^ form for form in forms])
            if code is not None:
                _extract_order(parameter, kind, code, rows)
        if kind == "code":
            rows.tokens.extend([number ^ form for form in _of_systems(value, systems)])
            if ";" in value:
                rows.tokens.append(token_hash(parameter.hash_of(MIME), _base_of(value)))
        texts = _TEXTS.get(kind)
        if texts is not None:
            for text in texts(value):
                folded = fold(text)[:PREFIX_LENGTH]
                rows.strings.append((parameter.hash_of("text"), folded, False))
        if kind == "Identifier":
            _extract_of_type(parameter, value, rows)
    return len(rows.tokens) + len(rows.strings) > before


def _extract_order(parameter: SearchParameter, kind: str, code: str, rows: IndexRows) -> None:
    """Add what the code is sorted by."""
    number, value = parameter.hash, code.casefold()[:PREFIX_LENGTH]
    if kind in _DICTIONARY:
        rows.codes.append((number, number ^ _hashes(None, code)[0], value))
    else:
        rows.strings.append((parameter.hash_of("sort"), value, False))


def form_hashes(kind: str, value: Any, systems: Systems = MappingProxyType({})) -> list[int]:
    """The hashes of the forms by which a value is found. `systems`: as `extract` takes them."""
    coded = _CODED.get(kind)
    pairs = coded(value) if coded is not None else _plain(value)
    found = [form for pair in pairs for form in _hashes(*pair)]
    return found + list(_of_systems(value, systems)) if kind == "code" else found


def _of_systems(code: str, systems: Systems) -> Iterator[int]:
    for system, codes in systems.items():
        if code in codes:
            yield from _hashes(system, code)


# A few systems and codes make up most of what is stored.
@lru_cache(maxsize=1024)
def _hashes(system: str | None, code: str | None) -> tuple[int, ...]:
    forms = []
    if code is not None:
        code = code.casefold()
        forms.append("=" + code)
        forms.append(f"{system or ''}|{code}")
    if system is not None:
        forms.append(system + "|")
    return tuple(hash64(form) for form in forms)


def _extract_of_type(parameter: SearchParameter, value: dict[str, Any], rows: IndexRows) -> None:
    identifier = value.get("value")
    if isinstance(identifier, str):
        number = parameter.hash_of("of-type")
        for coding in value.get("type", {}).get("coding", ()):
            text = f"{coding.get('system', '')}|{coding.get('code', '')}|{identifier}".casefold()
            rows.tokens.append(token_hash(number, text))


def _plain(value: Any) -> Iterator[Coded]:
    if value is True or value is False:
        yield None, "true" if value else "false"
    elif isinstance(value, str):
        yield None, value
    elif value is not None and not isinstance(value, dict | list):
        yield None, str(value)


def _coding(value: dict[str, Any]) -> Iterator[Coded]:
    yield value.get("system"), value.get("code")


def _concept(value: dict[str, Any]) -> Iterator[Coded]:
    for coding in value.get("coding", ()):
        yield coding.get("system"), coding.get("code")


def _identifier(value: dict[str, Any]) -> Iterator[Coded]:
    yield value.get("system"), value.get("value")


def _contact_point(value: dict[str, Any]) -> Iterator[Coded]:
    yield None, value.get("value")


def _quantity(value: dict[str, Any]) -> Iterator[Coded]:
    yield value.get("system"), value.get("code")


_CODED: dict[str, Callable[[Any], Iterator[Coded]]] = {
    "Coding": _coding,
    "CodeableConcept": _concept,
    "Identifier": _identifier,
    "ContactPoint": _contact_point,
    "Quantity": _quantity,
}


def _coding_texts(value: dict[str, Any]) -> Iterator[str]:
    if "display" in value:
        yield value["display"]


def _concept_texts(value: dict[str, Any]) -> Iterator[str]:
    if "text" in value:
        yield value["text"]
    for coding in value.get("coding", ()):
        if "display" in coding:
            yield coding["display"]


def _identifier_texts(value: dict[str, Any]) -> Iterator[str]:
    if "text" in value.get("type", {}):
        yield value["type"]["text"]


_TEXTS: dict[str, Callable[[Any], Iterator[str]]] = {
    "Coding": _coding_texts,
    "CodeableConcept": _concept_texts,
    "Identifier": _identifier_texts,
}


def predicate(criterion: Criterion) -> Predicate:
    """What the values ask for. Errors: Refused(400)."""
    match criterion.modifier:
        case None:
            return has_token(criterion, criterion.hashes)
        case "not":
            return Not(has_token(criterion, criterion.hashes))
        case "in":
            return _in_value_set(criterion)
        case "not-in":
            return Not(_in_value_set(criterion))
        case "above" | "below":
            return _related(criterion)
        case "text":
            return _has_text(criterion)
        # R4 writes it so in its text, and `ofType` in the code system of modifiers.
        case "of-type" | "ofType":
            return _has_identifier_of_type(criterion)
    raise criterion.bad_modifier(*_MODIFIERS)


def has_token(criterion: Criterion, parameters: Iterable[int]) -> HasToken:
    """One of the values, as `code`, `system|code`, `|code` or `system|`, under one of the parameters."""
    forms = [query_form(criterion, value) for value in criterion.values]
    return HasToken(tuple(token_hash(number, form) for number in parameters for form in forms))


def query_form(criterion: Criterion, value: str) -> str:
    """The form of a value that was asked for, as it is hashed."""
    parts = [unescape(part) for part in split_escaped(value, "|")]
    if len(parts) == 1 and parts[0]:
        return "=" + parts[0].casefold()
    if len(parts) == 2 and any(parts):
        return f"{parts[0]}|{parts[1].casefold()}"
    raise criterion.bad_value(value, "token")


def _in_value_set(criterion: Criterion) -> HasToken:
    """One of the codes of the value sets named, each with its system."""
    forms: list[str] = []
    for value in criterion.values:
        canonical = unescape(value)
        expansion = _expansion(criterion, canonical)
        if expansion is None or not expansion.is_closed:
            raise criterion.bad_value(canonical, "value-set")
        forms.extend(f"{system}|{code.casefold()}" for system, code in expansion)
    hashes = [hash64(form) for form in forms]
    return HasToken(tuple(number ^ form for number in criterion.hashes for form in hashes))


def _expansion(criterion: Criterion, canonical: str) -> Expansion | None:
    """What a value set holds: one stored here by its address, else one by its canonical URL."""
    setting = criterion.setting
    if setting.terminology is None:
        return None
    reference = parse_reference(canonical)
    if setting.value_set is not None and reference.type == "ValueSet":
        stored = setting.value_set(reference.id) if reference.is_local({setting.base_url}) else None
        if stored is not None:
            return setting.terminology.expansion_of(stored)
    return setting.terminology.expansion(canonical)


def _related(criterion: Criterion) -> HasToken:
    """A code and those above or below it in its code system, which must be one that is known; a MIME type and
    those with parameters behind it (§3.1.1.4.10.1).
    """
    hashes: list[int] = []
    for value in criterion.values:
        parts = [unescape(part) for part in split_escaped(value, "|")]
        if len(parts) == 1 and criterion.modifier == "below" and _MIME_TYPE.fullmatch(parts[0]):
            base = _base_of(parts[0])
            hashes.extend(token_hash(number, "=" + base) for number in criterion.hashes)
            hashes.extend(token_hash(number, base) for number in criterion.hashes_of(MIME))
            continue
        if len(parts) != 2 or not all(parts):
            raise criterion.bad_value(value, "hierarchy")
        system, code = parts
        terminology = criterion.setting.terminology
        known = terminology.code_system(system) if terminology is not None else None
        spelled = known.spelling(code) if known is not None else None
        if known is None or spelled is None:
            raise criterion.bad_value(value, "hierarchy")
        find = known.descendants if criterion.modifier == "below" else known.ancestors
        hashes.extend(
            token_hash(number, f"{system}|{one.casefold()}")
            for number in criterion.hashes
            for one in (spelled, *find(spelled))
        )
    return HasToken(tuple(hashes))


def _base_of(mime_type: str) -> str:
    return mime_type.partition(";")[0].strip().casefold()


def _has_text(criterion: Criterion) -> Predicate:
    from fhir_server.search.types.string import any_of_strings

    return any_of_strings(criterion, criterion.hashes_of("text"), contains=False)


def _has_identifier_of_type(criterion: Criterion) -> HasToken:
    forms = []
    for value in criterion.values:
        parts = [unescape(part) for part in split_escaped(value, "|")]
        if len(parts) != 3 or not all(parts):
            raise criterion.bad_value(value, "of-type")
        forms.append("|".join(parts).casefold())
    numbers = criterion.hashes_of("of-type")
    return HasToken(tuple(token_hash(number, form) for number in numbers for form in forms))
