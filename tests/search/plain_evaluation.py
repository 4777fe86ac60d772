"""What a search should find, worked out resource by resource from R4's text, without any index.

It shares no code with the product, and knows the parameters of the stores that `random_store` makes.
"""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.search.random_store import Json

Resources = Mapping[str, Json]
"""By `Type/id`."""
Values = Callable[[Json], Iterable[Any]]

# What the parameters find.


def _names(*parts: str) -> Values:
    def texts(resource: Json) -> Iterator[str]:
        for name in resource.get("name", ()):
            for part in parts:
                value = name.get(part, [])
                yield from [value] if isinstance(value, str) else value

    return texts


def _one(element: str) -> Values:
    return lambda r: [r[element]] if element in r else []


def _times(resource: Json) -> Iterator[Any]:
    for name in ("effectiveDateTime", "effectivePeriod"):
        if name in resource:
            yield resource[name]


def _probabilities(resource: Json) -> Iterator[Any]:
    for one in resource.get("prediction", ()):
        yield from (value for value in one.values())


def _of_components(resource: Json, element: str) -> Iterable[Any]:
    return [one[element] for one in resource.get("component", ())]


def _pairs(elements: Iterable[Json]) -> Iterable[Any]:
    names = ("code", "valueQuantity")
    return [
        tuple(one[name] for name in names) for one in elements if all(name in one for name in names)
    ]


PARAMETERS: Mapping[str, Mapping[str, tuple[str, Values]]] = {
    "Patient": {
        "family": ("string", _names("family")),
        "given": ("string", _names("given")),
        "name": ("string", _names("family", "given")),
        "gender": ("code", _one("gender")),
        "birthdate": ("date", _one("birthDate")),
        "identifier": ("identifier", lambda r: r.get("identifier", ())),
        "organization": ("reference", _one("managingOrganization")),
    },
    "Organization": {
        "name": ("string", _one("name")),
        "active": ("code", lambda r: [str(r["active"]).lower()] if "active" in r else []),
        "partof": ("reference", _one("partOf")),
    },
    "ValueSet": {"url": ("uri", _one("url"))},
    "RiskAssessment": {"probability": ("number", _probabilities)},
    "Observation": {
        "code": ("concept", _one("code")),
        "combo-code": (
            "concept",
            lambda r: [
                *_one("code")(r),
                *(c["code"] for c in r.get("component", ()) if "code" in c),
            ],
        ),
        "status": ("code", _one("status")),
        "date": ("date", _times),
        "value-quantity": ("quantity", _one("valueQuantity")),
        "component-value-quantity": ("quantity", lambda r: _of_components(r, "valueQuantity")),
        "subject": ("reference", _one("subject")),
        "has-member": ("reference", lambda r: r.get("hasMember", ())),
        "code-value-quantity": ("composite", lambda r: _pairs([r])),
        "component-code-value-quantity": ("composite", lambda r: _pairs(r.get("component", ()))),
    },
}
TARGETS = {
    ("Patient", "organization"): ("Organization",), ("Organization", "partof"): ("Organization",),
    ("Observation", "subject"): ("Patient",), ("Observation", "has-member"): ("Observation",),
}  # fmt: skip
SORTED = {
    "Patient": ("family", "birthdate", "gender", "organization", "_id", "given"),
    "Observation": ("date", "value-quantity", "status", "code", "subject", "_id"),
    "RiskAssessment": ("probability", "_id"),
    "Organization": ("name", "active", "partof", "_id"),
    "ValueSet": ("url", "_id"),
}


# How a value compares.


def fold(text: str) -> str:
    """Without case, accents and runs of white space."""
    plain = unicodedata.normalize("NFKD", text.casefold().replace("œ", "oe"))
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).split())


def _string(value: str, modifier: str | None, asked: str) -> bool:
    match modifier:
        case "exact":
            return value == asked
        case "contains":
            return fold(asked) in fold(value)
    return fold(value).startswith(fold(asked))


def _is_coded(system: str | None, code: str | None, asked: str) -> bool:
    if "|" not in asked:
        return code is not None and code.lower() == asked.lower()
    wanted_system, wanted = asked.split("|")
    if not wanted:
        return system == wanted_system
    same = code is not None and code.lower() == wanted.lower()
    return same and (system or "") == wanted_system


def _concept_is(value: Json, modifier: str | None, asked: str) -> bool:
    if modifier == "text":
        texts = [value.get("text"), *(one.get("display") for one in value.get("coding", ()))]
        return any(fold(text).startswith(fold(asked)) for text in texts if text)
    return any(_is_coded(one.get("system"), one["code"], asked) for one in value.get("coding", ()))


def _identifier_is(value: Json, modifier: str | None, asked: str) -> bool:
    if modifier == "of-type":
        system, code, number = asked.split("|")
        kinds = value.get("type", {}).get("coding", ())
        return (
            any((one["system"], one["code"]) == (system, code) for one in kinds)
            and number.lower() == value["value"].lower()
        )
    return _is_coded(value.get("system"), value["value"], asked)


def span(text: str) -> tuple[datetime, datetime]:
    """The first instant of a partial date, and the first one after it."""
    if "T" in text:
        start = datetime.fromisoformat(text)
        return start, start + (timedelta(milliseconds=1) if "." in text else timedelta(seconds=1))
    parts = [int(part) for part in text.split("-")]
    year, month, day = (*parts, 1, 1)[:3]
    start = datetime(year, month, day, tzinfo=UTC)
    if len(parts) == 3:
        return start, start + timedelta(days=1)
    if len(parts) == 2:
        return start, datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    return start, datetime(year + 1, 1, 1, tzinfo=UTC)


_TICK = timedelta(microseconds=1)
_EARLIEST, _LATEST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def date_limits(value: Any) -> tuple[datetime, datetime]:
    """The first and the last instant of a date or a period."""
    if isinstance(value, str):
        start, after = span(value)
        return start, after - _TICK
    start = span(value["start"])[0] if "start" in value else _EARLIEST
    return start, span(value["end"])[1] - _TICK if "end" in value else _LATEST


def _compares(prefix: str, low: Any, high: Any, first: Any, last: Any) -> bool:
    """R4 §3.1.1.4.5: a target [low, high] beside what is asked for, [first, last]."""
    is_within = first <= low and high <= last
    match prefix:
        case "eq":
            return bool(is_within)
        case "ne":
            return not is_within
        case "gt":
            return bool(high > last)
        case "lt":
            return bool(low < first)
        case "ge":
            return bool(high > last or is_within)
        case "le":
            return bool(low < first or is_within)
        case "sa":
            return bool(low > last)
        case "eb":
            return bool(high < first)
    return bool(low <= last and high >= first)


def _prefixed(asked: str) -> tuple[str, str]:
    return (asked[:2], asked[2:]) if asked[:2].isalpha() else ("eq", asked)


def _date(value: Any, _: str | None, asked: str) -> bool:
    prefix, text = _prefixed(asked)
    first, after = span(text)
    return _compares(prefix, *date_limits(value), first, after - _TICK)


_INFINITE = Decimal("Infinity")
_NEXT = Decimal("1e-20")


def number_limits(value: Any) -> tuple[Decimal, Decimal]:
    """Of a number, a Quantity or a Range."""
    if not isinstance(value, dict):
        return value, value
    if "value" in value:
        comparator = value.get("comparator", "")
        return (-_INFINITE if "<" in comparator else value["value"],
                _INFINITE if ">" in comparator else value["value"])  # fmt: skip
    return (value["low"]["value"] if "low" in value else -_INFINITE,
            value["high"]["value"] if "high" in value else _INFINITE)  # fmt: skip


def _number(value: Any, _: str | None, asked: str, factor: Decimal = Decimal(1)) -> bool:
    prefix, text = _prefixed(asked)
    point = Decimal(text)
    first = last = point * factor
    if prefix in {"eq", "ne"}:
        half = Decimal(5).scaleb(int(point.as_tuple().exponent) - 1)
        first, last = (point - half) * factor, (point + half) * factor - _NEXT
    elif prefix == "ap":
        tenth = abs(point) / 10
        first, last = (point - tenth) * factor, (point + tenth) * factor
    low, high = number_limits(value)
    return _compares(prefix, low, high, first, last)


_GRAMS = {"mg": Decimal("0.001"), "g": Decimal(1)}


def _quantity_is(value: Json, _: str | None, asked: str) -> bool:
    number, *unit = asked.split("|")
    if not unit:
        return _number(value, None, number)
    system, code = unit
    if not system:
        return code in {value.get("code"), value.get("unit")} and _number(value, None, number)
    if value.get("system") != system:
        return False
    if code in _GRAMS and value.get("code") in _GRAMS:
        factor = _GRAMS[value["code"]]
        scaled = {**value, "value": value["value"] * factor}
        return _number(scaled, None, number, _GRAMS[code])
    return value.get("code") == code and _number(value, None, number)


def _reference_is(value: Json, modifier: str | None, asked: str) -> bool:
    if modifier == "identifier":
        held = value.get("identifier")
        return held is not None and _identifier_is(held, None, asked)
    target = value.get("reference", "")
    if modifier is not None and "/" not in asked:
        return bool(target == f"{modifier}/{asked}")
    return bool(target == asked or ("/" not in asked and target.endswith("/" + asked)))


def _uri(value: str, modifier: str | None, asked: str) -> bool:
    match modifier:
        case "below":
            return value == asked or value.startswith(asked.rstrip("/") + "/")
        case "above":
            return value == asked or asked.startswith(value.rstrip("/") + "/")
    return value == asked


def _composite(value: tuple[Json, Json], _: str | None, asked: str) -> bool:
    code, quantity = asked.split("$")
    return _concept_is(value[0], None, code) and _quantity_is(value[1], None, quantity)


_IS: Mapping[str, Callable[[Any, str | None, str], bool]] = {
    "string": _string, "date": _date, "number": _number, "quantity": _quantity_is, "uri": _uri,
    "reference": _reference_is, "concept": _concept_is, "identifier": _identifier_is,
    "composite": _composite, "code": lambda value, _, asked: _is_coded(None, value, asked) or (
        asked.split("|")[-1] == value and "|" in asked and not asked.startswith("|")),
}  # fmt: skip


@dataclass(frozen=True)
class Evaluation:
    """Searches by looking at each resource."""

    resources: Resources

    def find(self, resource_type: str, pairs: Sequence[tuple[str, str]]) -> set[str]:
        """The names of those that meet all parameters."""
        return {
            name for name, one in self.resources.items()
            if one["resourceType"] == resource_type and all(self.meets(one, *pair) for pair in pairs)
        }  # fmt: skip

    def meets(self, resource: Json, name: str, value: str) -> bool:
        """Whether a resource meets a parameter."""
        if name.startswith("_has:"):
            _, source, link, rest = name.split(":", 3)
            return any(
                self._refers(other, link, resource) and self.meets(other, rest, value)
                for other in self.resources.values() if other["resourceType"] == source
            )  # fmt: skip
        head, dot, rest = name.partition(".")
        if dot:
            code, _, narrowed = head.partition(":")
            return any(
                self.meets(target, rest, value) for target in self._targets(resource, code)
                if narrowed == target["resourceType"]
            )  # fmt: skip
        return self._meets_own(resource, name, value)

    def _meets_own(self, resource: Json, name: str, value: str) -> bool:
        code, _, modifier = name.partition(":")
        asked = value.split(",")
        if code == "_id":
            return resource["id"] in asked
        kind, values = PARAMETERS[resource["resourceType"]][code]
        held = list(values(resource))
        if modifier == "missing":
            return (value == "true") == (not held)
        is_met = any(_IS[kind](one, None if modifier == "not" else modifier or None, text)
                     for one in held for text in asked)  # fmt: skip
        return is_met != (modifier == "not")

    def _targets(self, resource: Json, code: str) -> Iterator[Json]:
        _, values = PARAMETERS[resource["resourceType"]][code]
        for one in values(resource):
            target = self.resources.get(one.get("reference", ""))
            if target is not None:
                yield target

    def _refers(self, resource: Json, code: str, target: Json) -> bool:
        return any(one is target for one in self._targets(resource, code))

    def linked(self, start: str, links: Sequence[tuple[str, str]], *, reverse: bool) -> set[str]:
        """All that the links lead to, step after step, or from where they lead to what is found."""
        edges = {
            (name, f"{target['resourceType']}/{target['id']}")
            for name, one in self.resources.items() for resource_type, code in links
            if one["resourceType"] == resource_type for target in self._targets(one, code)
        }  # fmt: skip
        found, fresh = {start}, {start}
        while fresh:
            steps = ((to, of) if reverse else (of, to) for of, to in edges)
            fresh = {far for near, far in steps if near in fresh} - found
            found |= fresh
        return found

    def sort_value(self, resource: Json, code: str, *, descending: bool) -> Any:
        """The value that decides the place of a resource; None where it has none. Of ranges the pair of the
        limits, of which the deciding one comes first.
        """
        if code == "_id":
            return resource["id"]
        kind, values = PARAMETERS[resource["resourceType"]][code]
        keys = [
            key
            for one in values(resource)
            for key in self._sort_keys(kind, one, descending=descending)
        ]
        if not keys:
            return None
        return max(keys) if descending else min(keys)

    def _sort_keys(self, kind: str, value: Any, *, descending: bool) -> Iterator[Any]:
        match kind:
            case "string":
                yield fold(value)
            case "date":
                low, high = date_limits(value)
                yield (high, low) if descending else (low, high)
            case "number" | "quantity":
                yield number_limits(value)
            case "code":
                yield value
            case "concept":
                yield from (one["code"].lower() for one in value.get("coding", ()))
            case "uri":
                yield value
            case "reference":
                if value.get("reference") in self.resources:
                    yield value["reference"]
