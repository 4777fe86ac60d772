"""The filters of a value set: which codes of a code system pass.

Source: FHIR R4 ValueSet §4.9.5.1, https://hl7.org/fhir/R4/valueset.html#compositions
"""

import time
from collections.abc import Callable, Iterable
from typing import Any

from fhir_server.fhirpath.errors import FHIRPathError
from fhir_server.fhirpath.regex import compile_pattern
from fhir_server.terminology.code_system import CodeSystem

_MAX_PATTERN = 500
REGEX_BUDGET_S = 1.0
"""How long one regex filter may take over a whole code system; sane ones take milliseconds."""


class UnsupportedFilterError(ValueError):
    """A filter that cannot be carried out: the id of the reason, and the filter in short."""

    def __init__(self, reason_id: str, shown: str) -> None:
        super().__init__(f"{reason_id}: {shown}")
        self.reason_id = reason_id
        self.shown = shown


def filtered_codes(system: CodeSystem, filters: Iterable[dict[str, Any]]) -> frozenset[str]:
    """The codes that pass every filter. Errors: UnsupportedFilterError."""
    codes = system.codes
    for entry in filters:
        operator = entry.get("op", "")
        run = _FILTERS.get(operator)
        if run is None:
            raise UnsupportedFilterError(
                "because-filter", f"{entry.get('property')} {operator}"[:100]
            )
        codes &= run(system, entry.get("property", ""), str(entry.get("value", "")))
    return codes


def _is_a(system: CodeSystem, _: str, value: str) -> frozenset[str]:
    return frozenset(system.descendants(value) | {value}) & system.codes


def _descendent_of(system: CodeSystem, _: str, value: str) -> frozenset[str]:
    return frozenset(system.descendants(value))


def _is_not_a(system: CodeSystem, _: str, value: str) -> frozenset[str]:
    return system.codes - _is_a(system, _, value)


def _generalizes(system: CodeSystem, _: str, value: str) -> frozenset[str]:
    return frozenset(system.ancestors(value) | {value}) & system.codes


def _values(system: CodeSystem, code: str, name: str) -> list[str]:
    """The values of a property as text; `code`, `display`, `parent` and `child` are known to all systems."""
    concept = system.concepts[code]
    if name in {"code", "concept"}:
        return [code]
    if name == "display":
        return [concept.display or ""]
    if name == "parent":
        return list(concept.parents)
    if name == "child":
        return list(system.children.get(code, ()))
    return [_text(value) for value in concept.properties.get(name, ())]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _where(system: CodeSystem, name: str, accepts: Callable[[list[str]], bool]) -> frozenset[str]:
    return frozenset(code for code in system.codes if accepts(_values(system, code, name)))


def _equals(system: CodeSystem, name: str, value: str) -> frozenset[str]:
    return _where(system, name, lambda values: value in values)


def _regex(system: CodeSystem, name: str, value: str) -> frozenset[str]:
    # A pattern comes from outside and may be built to explode: its length and its processor time are bounded.
    if len(value) > _MAX_PATTERN:
        raise UnsupportedFilterError("because-filter-long", f"{name} regex")
    deadline = time.thread_time() + REGEX_BUDGET_S
    try:
        pattern = compile_pattern(value)
        return _where(
            system,
            name,
            lambda values: any(
                pattern.fullmatch(v, timeout=max(deadline - time.thread_time(), 1e-3))
                for v in values
            ),
        )
    except FHIRPathError:
        raise UnsupportedFilterError(
            "because-filter-no-pattern", f"{name} regex {value[:100]}"
        ) from None
    except TimeoutError:
        raise UnsupportedFilterError("because-filter-slow", f"{name} regex {value[:100]}") from None


def _in(system: CodeSystem, name: str, value: str) -> frozenset[str]:
    wanted = {item.strip() for item in value.split(",")}
    return _where(system, name, lambda values: not wanted.isdisjoint(values))


def _not_in(system: CodeSystem, name: str, value: str) -> frozenset[str]:
    return system.codes - _in(system, name, value)


def _exists(system: CodeSystem, name: str, value: str) -> frozenset[str]:
    wanted = value == "true"
    return _where(system, name, lambda values: bool(values) is wanted)


_FILTERS: dict[str, Callable[[CodeSystem, str, str], frozenset[str]]] = {
    "=": _equals,
    "is-a": _is_a,
    "descendent-of": _descendent_of,
    "is-not-a": _is_not_a,
    "generalizes": _generalizes,
    "regex": _regex,
    "in": _in,
    "not-in": _not_in,
    "exists": _exists,
}
