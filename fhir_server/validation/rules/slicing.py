"""Slicing: each item belongs to the slice whose discriminators it meets.

Source: FHIR R4 §5.1.0.14, https://hl7.org/fhir/R4/profiling.html#slicing
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fhir_server.validation.doubts import ValueScan
from fhir_server.validation.element import Element
from fhir_server.validation.inspection import Conforms, Inspection
from fhir_server.validation.items import Item
from fhir_server.validation.knowledge import Knowledge
from fhir_server.validation.report import shown
from fhir_server.validation.rules.discriminators import (
    Condition,
    conditions,
    values_at,
)
from fhir_server.validation.rules.extensions import constraining_profiles, urls_of_extension
from fhir_server.validation.scope import Scope
from fhir_server.validation.slice_table import SliceRow, SliceTable

DEFAULT_SLICE = "@default"
MAX_TABLE_ROWS = 200


@dataclass(frozen=True, slots=True)
class SliceMatcher:
    """One slice and what makes an item belong to it. `is_decided` is False where nothing in the slice
    speaks of any discriminator.
    """

    element: Element
    conditions: tuple[Condition, ...]
    is_decided: bool

    @property
    def name(self) -> str:
        """The name of the slice."""
        return self.element.slice_name or ""

    def holds(self, value: Any, type_code: str, scope: Scope, knowledge: Knowledge) -> bool:
        """Whether an item belongs to the slice."""
        return self.is_decided and all(
            condition.holds(values_at(value, type_code, condition.steps, scope, knowledge), scope)
            for condition in self.conditions
        )


def matchers(
    element: Element, knowledge: Knowledge, conforms: Conforms
) -> tuple[SliceMatcher, ...]:
    """The matchers of an element's slices, in order, the default slice left out."""
    found: list[SliceMatcher] = []
    slicings = {entry.slice_name: entry.slicing for entry in element.slices}
    for entry in element.slices:
        if entry.slice_name == DEFAULT_SLICE:
            continue
        # §5.1.0.14: a slice that is sliced again says what tells its own slices apart.
        slicing = slicings.get((entry.slice_name or "").rpartition("/")[0]) or element.slicing
        discriminators = slicing.get("discriminator") or ()
        if _is_by_url(discriminators) and element.name in {"extension", "modifierExtension"}:
            urls = urls_of_extension(entry, knowledge)
            if urls:
                found.append(SliceMatcher(entry, (_url_condition(urls),), is_decided=True))
                continue
        wanted: list[Condition] = []
        for discriminator in discriminators:
            wanted.extend(conditions(entry, discriminator, knowledge, conforms))
        found.append(SliceMatcher(entry, tuple(wanted), is_decided=bool(wanted)))
    return tuple(found)


def _is_by_url(discriminators: Sequence[Any]) -> bool:
    return [(d.get("type"), d.get("path")) for d in discriminators] == [("value", "url")]


def _url_condition(urls: set[str]) -> Condition:
    return Condition(
        "url",
        (("child", "url"),),
        " | ".join(sorted(urls)),
        lambda found, _: any(isinstance(v, str) and v in urls for v, _c in found),
    )


def slice_of(
    candidates: Sequence[SliceMatcher],
    value: Any,
    type_code: str,
    scope: Scope,
    knowledge: Knowledge,
) -> list[SliceMatcher]:
    """The slices an item belongs to: one of the first level, and the re-slices of it."""
    found: list[SliceMatcher] = []
    for matcher in candidates:
        outer = matcher.name.rpartition("/")[0]
        if outer and all(one.name != outer for one in found):
            continue
        if not outer and found:
            continue
        if matcher.holds(value, type_code, scope, knowledge):
            found.append(matcher)
    return found


def compile_slicing(
    element: Element,
    knowledge: Knowledge,
    conforms: Conforms,
    value_scan: Callable[[Element, str], ValueScan],
) -> Callable[[list[tuple[Any, str]], Scope, Element], bool]:
    """The fast check of all items of a sliced element together."""
    candidates = matchers(element, knowledge, conforms)
    if _is_extensions_by_url(element, candidates, knowledge):
        return _compile_extension_counts(candidates, knowledge)
    by_url = _slices_by_url(element, candidates, knowledge)
    scans = {
        (id(matcher), ref.code): value_scan(matcher.element, ref.code)
        for matcher in candidates
        for ref in matcher.element.types
    }
    rules, ordered = element.slicing.get("rules"), element.slicing.get("ordered", False)
    decided = all(matcher.is_decided for matcher in candidates)
    has_default = any(entry.slice_name == DEFAULT_SLICE for entry in element.slices)
    inner = [level for level in _levels(element, candidates) if level.name]
    has_order = any(level.is_ordered or level.rules == "openAtEnd" for level in inner)

    def check(items: list[tuple[Any, str]], scope: Scope, place: Element) -> bool:
        counts = dict.fromkeys(map(id, candidates), 0)
        if items and (not decided or ordered or rules == "openAtEnd" or has_default or has_order):
            return False
        for value, type_code in items:
            url = value.get("url") if by_url and type(value) is dict else None
            if type(url) is str:
                found = by_url.get(url, [])
            else:
                found = slice_of(candidates, value, type_code, scope, knowledge)
            if not found and rules == "closed":
                return False
            for matcher in found:
                counts[id(matcher)] += 1
                scan = scans.get((id(matcher), type_code))
                # Extensions are judged by the element that carries them.
                at = place if type_code == "Extension" else matcher.element
                if scan is None or scan(value, scope, at) is not None:
                    return False
            if any(level.rules == "closed" and level.lacks(found) for level in inner):
                return False
        return all(
            matcher.element.minimum <= counts[id(matcher)] <= _upper(matcher.element)
            for matcher in candidates
        )

    return check


def _slices_by_url(
    element: Element, candidates: Sequence[SliceMatcher], knowledge: Knowledge
) -> Mapping[str, list[SliceMatcher]]:
    """The slices of extensions by url, where that alone tells them apart; empty where it does not."""
    table: dict[str, list[SliceMatcher]] = {}
    if element.name in {"extension", "modifierExtension"} and _is_by_url(
        element.slicing.get("discriminator") or ()
    ):
        for matcher in candidates:
            urls = urls_of_extension(matcher.element, knowledge)
            if not urls or "/" in matcher.name:
                return {}
            for url in urls:
                table.setdefault(url, [matcher])
    return table


def _is_extensions_by_url(
    element: Element, candidates: Sequence[SliceMatcher], knowledge: Knowledge
) -> bool:
    """Whether the slices are extensions told apart by url and described by their own profiles alone."""
    return (
        element.name in {"extension", "modifierExtension"}
        and _is_by_url(element.slicing.get("discriminator") or ())
        and element.slicing.get("rules") == "open"
        and not element.slicing.get("ordered")
        and all(
            not matcher.element.children
            and any(ref.profiles for ref in matcher.element.types)
            and not constraining_profiles(matcher.element, knowledge)
            for matcher in candidates
        )
    )


def _compile_extension_counts(
    candidates: Sequence[SliceMatcher], knowledge: Knowledge
) -> Callable[[list[tuple[Any, str]], Scope, Element], bool]:
    """Extensions are checked against their profile by their url already: only their number is left."""
    bounds = [
        (
            frozenset(urls_of_extension(matcher.element, knowledge)),
            matcher.element.minimum,
            _upper(matcher.element),
        )
        for matcher in candidates
    ]

    def check(items: list[tuple[Any, str]], _scope: Scope, _place: Element) -> bool:
        urls = [value.get("url") for value, _ in items]
        return all(low <= sum(url in known for url in urls) <= high for known, low, high in bounds)

    return check


def _upper(element: Element) -> float:
    return float("inf") if element.maximum is None else element.maximum


@dataclass(frozen=True, slots=True)
class Sliced:
    """The detailed result: the slice elements of each item, in the order of the items."""

    item: Item
    slices: tuple[Element, ...]


@dataclass(frozen=True, slots=True)
class _Level:
    """What is sliced together: an element, or, where `name` says so, one of its slices that is sliced again;
    that has rules and an order of its own (§5.1.0.14).
    """

    name: str
    slicing: Mapping[str, Any]
    candidates: tuple[SliceMatcher, ...]

    @property
    def rules(self) -> Any:
        """Whether items of no slice may be there."""
        return self.slicing.get("rules")

    @property
    def is_ordered(self) -> bool:
        """Whether the slices come in their order."""
        return bool(self.slicing.get("ordered"))

    def holds(self, one: Sliced) -> bool:
        """Whether an item is among those that are sliced here."""
        return not self.name or any(entry.slice_name == self.name for entry in one.slices)

    def slice_within(self, one: Sliced) -> Element | None:
        """The slice of this level that an item belongs to."""
        own = (entry for entry in one.slices if _outer(entry.slice_name or "") == self.name)
        return next(own, None)

    def lacks(self, found: Sequence[SliceMatcher]) -> bool:
        """Whether an item of these slices is sliced here and belongs to none."""
        names = [matcher.name for matcher in found]
        return self.name in names and all(_outer(name) != self.name for name in names)


def _outer(slice_name: str) -> str:
    return slice_name.rpartition("/")[0]


def _levels(element: Element, candidates: Sequence[SliceMatcher]) -> list[_Level]:
    by_outer: dict[str, list[SliceMatcher]] = {"": []}
    for matcher in candidates:
        by_outer.setdefault(_outer(matcher.name), []).append(matcher)
    slicings = {matcher.name: matcher.element.slicing for matcher in candidates}
    return [
        _Level(name, slicings.get(name, {}) if name else element.slicing, tuple(inner))
        for name, inner in by_outer.items()
    ]


def explain_slicing(
    element: Element,
    items: Sequence[Item],
    location: str,
    case: Inspection,
) -> list[Sliced]:
    """The detailed check: assigns each item, and says for each slice what was expected and found."""
    candidates = matchers(element, case.knowledge, case.conforms)
    default = next((e for e in element.slices if e.slice_name == DEFAULT_SLICE), None)
    for matcher in candidates:
        if not matcher.is_decided and items and element.slicing.get("discriminator"):
            case.report.warning(
                "slice-undecided", "not-supported", location, element.profile,
                element=element.name, slice=matcher.name, path=element.path,
            )  # fmt: skip
    assigned: list[Sliced] = []
    for item in items:
        found = slice_of(candidates, item.node, item.type_code, case.scope, case.knowledge)
        elements = tuple(matcher.element for matcher in found)
        if not elements and default is not None:
            elements = (default,)
        assigned.append(Sliced(item, elements))
    for level in _levels(element, candidates):
        members = [one for one in assigned if level.holds(one)]
        _explain_unmatched(element, level, members, case)
        _explain_order(element, level, members, case)
    _explain_counts(element, candidates, assigned, location, case)
    return assigned


def _explain_unmatched(
    element: Element, level: "_Level", members: Sequence[Sliced], case: Inspection
) -> None:
    if level.rules != "closed":
        return
    for one in members:
        if level.slice_within(one) is None:
            case.report.error(
                "slice-unmatched", "structure", one.item.location, element.profile,
                element=f"{element.name}:{level.name}" if level.name else element.name,
                table=_table(level.candidates, [one.item], case),
            )  # fmt: skip


def _explain_counts(
    element: Element,
    candidates: Sequence[SliceMatcher],
    assigned: Sequence[Sliced],
    location: str,
    case: Inspection,
) -> None:
    for matcher in candidates:
        outer = matcher.name.rpartition("/")[0]
        members = [
            one for one in assigned if not outer or any(e.slice_name == outer for e in one.slices)
        ]
        count = sum(any(e is matcher.element for e in one.slices) for one in assigned)
        if outer and not members:
            continue
        name = f"{element.name}:{matcher.name}"
        if count < matcher.element.minimum:
            unmatched = [one.item for one in assigned if not one.slices]
            case.report.error(
                "slice-min", "structure", location, element.profile,
                element=name, min=matcher.element.minimum, found=count,
                table=_table([matcher], unmatched, case),
            )  # fmt: skip
        if matcher.element.maximum is not None and count > matcher.element.maximum:
            case.report.error(
                "slice-max", "structure", location, element.profile,
                element=name, max=matcher.element.maximum, found=count,
            )  # fmt: skip


def _explain_order(
    element: Element, level: "_Level", members: Sequence[Sliced], case: Inspection
) -> None:
    ranks = {id(matcher.element): index for index, matcher in enumerate(level.candidates)}
    highest, open_seen = -1, False
    for one in members:
        entry = level.slice_within(one)
        if entry is None:
            open_seen = True
            continue
        rank = ranks.get(id(entry), len(ranks))
        if open_seen and level.rules == "openAtEnd":
            case.report.error("slice-open-at-end", "structure", one.item.location, element.profile,
                         element=element.name, slice=entry.slice_name)  # fmt: skip
        if level.is_ordered and rank < highest:
            case.report.error("slice-order", "structure", one.item.location, element.profile,
                         element=element.name, slice=entry.slice_name)  # fmt: skip
        highest = max(highest, rank)


def _table(
    candidates: Sequence[SliceMatcher], items: Sequence[Item], case: Inspection
) -> SliceTable:
    """Slice × discriminator: expected, found."""
    rows: list[SliceRow] = []
    for item in items:
        for matcher in candidates:
            for condition in matcher.conditions:
                found = values_at(
                    item.node, item.type_code, condition.steps, case.scope, case.knowledge
                )
                if condition.holds(found, case.scope):
                    continue
                values = ", ".join(_shown_found(value, code) for value, code in found[:5]) or "∅"
                rows.append(
                    SliceRow(
                        item.location, matcher.name, condition.path, condition.expected, values
                    )
                )
    return SliceTable(tuple(rows[:MAX_TABLE_ROWS]))


def _shown_found(value: Any, code: str) -> str:
    if isinstance(value, dict) and "resourceType" in value:
        return code
    return shown(value) if not isinstance(value, dict) else f"{code} {shown(value)}"
