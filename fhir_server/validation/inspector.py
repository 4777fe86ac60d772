"""The detailed path: explains the doubts that a scan has noted along a resource.

Every rule family contributes its explanation; this module only leads them to the values.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Protocol

import msgspec

from fhir_server.model.primitives import PRIMITIVES
from fhir_server.validation.check import MISSHAPEN
from fhir_server.validation.compiler import Compiler
from fhir_server.validation.doubts import (
    EVERYTHING,
    WHOLE,
    Doubtful,
    ItemsDoubts,
    MemberDoubts,
    ObjectDoubts,
    ValueDoubts,
    may_be_misshapen,
    whole,
)
from fhir_server.validation.element import Element
from fhir_server.validation.inspection import Inspection
from fhir_server.validation.items import Item, item_of, items_of
from fhir_server.validation.report import Report
from fhir_server.validation.rules.cardinality import explain_cardinality
from fhir_server.validation.rules.extensions import (
    constraining_profiles,
    explain_extension,
    places_of,
)
from fhir_server.validation.rules.primitives import explain_primitive
from fhir_server.validation.rules.profiles import explain_missing
from fhir_server.validation.rules.slicing import explain_slicing
from fhir_server.validation.rules.structure import explain_choice, explain_keys
from fhir_server.validation.scope import Scope


class Nested(Protocol):
    """Explains a resource inside another."""

    def __call__(
        self,
        value: Any,
        scope: Scope,
        profiles: tuple[str, ...],
        *,
        is_contained: bool,
        location: str,
        report: Report,
    ) -> None: ...


class Inspector:
    """Explains one resource against one profile.

    Most of a resource has nothing to be said of. A scan has gone through it and noted its doubts
    (`doubts.py`): the walk goes down only there, and asks only the rules that were not kept. Where more than
    single values is in doubt, it scans each of them anew. A `thorough` walk asks everything everywhere, and
    finds the same.
    """

    def __init__(
        self, case: Inspection, nested: Nested, compiler: Compiler, *, thorough: bool = False
    ) -> None:
        self._case = case
        self._knowledge, self._scope, self._report = case.knowledge, case.scope, case.report
        self._nested = nested
        self._compiler = compiler
        self._thorough = thorough

    def resource(self, value: dict[str, Any], doubts: ObjectDoubts, location: str) -> None:
        """Explain the doubts about a resource, or a value of a data type."""
        self._object(value, doubts, location, doubts.content)

    def _against(
        self, value: Any, content: Element, type_code: str, location: str, place: Element
    ) -> None:
        """Explains what is wrong with an object that is now held against an element."""
        if self._thorough:
            doubts: ObjectDoubts | None = whole(content, type_code)
        else:
            doubts = self._compiler.object(content, type_code)(value, self._scope, place)
        if doubts is not None:
            self._object(value, doubts, location, place)

    def _object(self, value: Any, doubts: ObjectDoubts, location: str, place: Element) -> None:
        content, type_code = doubts.content, doubts.type_code
        if not isinstance(value, dict):
            self._report.error(
                "json-object-expected", "structure", location, content.profile, type=type_code
            )
            return
        keys = [key for key, one in doubts.members if may_be_misshapen(one)]
        if doubts.is_whole:
            doubts, keys = self._all_of(value, doubts), list(value)
        if keys or not value:
            is_resource = "." not in type_code and self._knowledge.types.is_resource(type_code)
            explain_keys(content, value, location, self._report, is_resource=is_resource, keys=keys)
        for child, key, found in _by_child(doubts):
            if found is WHOLE:
                self._child(child, value, location, place)
            else:
                for item, one in _noted(child, key, found, value, location):
                    self._value(child, item, place, value, one)
        if doubts.invariants:
            itself = Item(value, None, type_code, location, "", None)
            for source, rule in doubts.invariants:
                rule.explain(source, itself, self._case)

    def _all_of(self, value: dict[str, Any], doubts: ObjectDoubts) -> ObjectDoubts:
        """All that there may be doubts about, spelt out."""
        asked = self._compiler.asked(doubts.content, doubts.type_code)
        return ObjectDoubts(
            doubts.content,
            doubts.type_code,
            [(key, WHOLE) for key in value],
            [child for child in doubts.content.children if child.is_asked_for],
            asked.invariants,
        )

    def _child(self, child: Element, value: dict[str, Any], location: str, place: Element) -> None:
        """Explains all about a child: which type it has, how often it occurs, its values, its slices."""
        items = list(items_of(child, value, location))
        if child.is_choice:
            explain_choice(child, value, location, self._report)
        explain_cardinality(child, len(items), location, self._report)
        allowed = [item for item in items if child.type_ref(item.type_code) is not None]
        for item in allowed:
            self._item(child, item, place, value)
        if child.slices and child.maximum != 0:
            sliced = explain_slicing(child, allowed, location, self._case)
            for one in sliced:
                for entry in one.slices:
                    self._slice_item(entry, one.item, place, value)

    def _slice_item(
        self, entry: Element, item: Item, place: Element, holder: dict[str, Any]
    ) -> None:
        item = self._with_own_type(entry, item)
        if entry.type_ref(item.type_code) is None:
            expected = ", ".join(ref.code for ref in entry.types)
            self._report.error("choice-type", "structure", item.location, entry.profile,
                               found=item.type_code, expected=expected)  # fmt: skip
            return
        self._item(entry, item, place, holder)

    def _with_own_type(self, entry: Element, item: Item) -> Item:
        """The item under its own resource type, where a slice of `Resource` names that."""
        kind = item.value.get("resourceType") if isinstance(item.value, dict) else None
        if item.type_code == "Resource" and isinstance(kind, str) and entry.type_ref(kind):
            return msgspec.structs.replace(item, type_code=kind)
        return item

    def _item(self, element: Element, item: Item, place: Element, holder: dict[str, Any]) -> None:
        """Explains a value that has not been scanned, or not by itself."""
        doubts = self._doubts_about(element, item, place)
        if doubts is not None:
            self._value(element, item, place, holder, doubts)

    def _doubts_about(self, element: Element, item: Item, place: Element) -> Doubtful | None:
        if self._thorough or item.value is None or item.sibling is not None:
            return EVERYTHING
        at = place if item.type_code == "Extension" else element
        try:
            return self._compiler.value(element, item.type_code)(item.value, self._scope, at)
        except MISSHAPEN:
            return EVERYTHING

    def _value(
        self,
        element: Element,
        item: Item,
        place: Element,
        holder: dict[str, Any],
        doubts: Doubtful,
    ) -> None:
        """Explains the doubts about one value; `holder` is the object it stands in, `place` the element of
        that.
        """
        if doubts is EVERYTHING or item.value is None:
            self._everything(element, item, place, holder)
        elif isinstance(doubts, ValueDoubts):
            for part in doubts.parts:
                self._object(item.value, part, item.location, element)
            for rule in doubts.rules:
                rule.explain(element, item, self._case)
        else:
            self._object(item.value, doubts, item.location, element)

    def _everything(
        self, element: Element, item: Item, place: Element, holder: dict[str, Any]
    ) -> None:
        """Explains all about one value."""
        if element.type_ref(item.type_code) is None:
            return
        own, invariants = self._compiler.rules(element, item.type_code)
        if item.type_code in PRIMITIVES:
            if not self._primitive(element, item):
                if isinstance(item.sibling, dict):
                    without = msgspec.structs.replace(item, value=None)
                    for rule in invariants:
                        rule.explain(element, without, self._case)
                return
        elif item.value is None:
            if item.index is not None:
                self._report.error(
                    "json-null", "invalid", item.location, element.profile, element=element.name
                )
            return
        else:
            self._content(element, item, place, holder)
        for rule in (*own, *invariants):
            rule.explain(element, item, self._case)

    def _content(
        self, element: Element, item: Item, place: Element, holder: dict[str, Any]
    ) -> None:
        ref = element.type_ref(item.type_code)
        if item.type_code == "Extension":
            self._extension(element, item, place, holder)
        elif ref is not None and self._knowledge.types.is_resource(item.type_code):
            contained = element.name == "contained"
            self._nested(
                item.value, self._scope, element.profiles_for(item.value, ref),
                is_contained=contained, location=item.location, report=self._report,
            )  # fmt: skip
        else:
            self._complex(element, item)

    def _primitive(self, element: Element, item: Item) -> bool:
        """Explains a primitive and its sibling; whether there is a value of the right JSON type."""
        if item.sibling is not None:
            self._sibling(element, item)
        if item.value is None:
            if element.must_have_value and item.sibling is not None:
                self._report.error(
                    "primitive-value-missing", "required", item.location, element.profile
                )
            if (
                item.sibling is None
                or not isinstance(item.sibling, dict)
                or "extension" not in item.sibling
            ) and (item.index is not None or item.sibling is not None):
                self._report.error("element-empty", "invalid", item.location, element.profile)
            return False
        return explain_primitive(element, item, self._case)

    def _sibling(self, element: Element, item: Item) -> None:
        content = self._knowledge.plans.type("Element")
        value = item.sibling
        if not isinstance(value, dict):
            self._report.error(
                "json-object-expected", "structure", item.location, element.profile, type="Element"
            )
            return
        known = {key: inner for key, inner in value.items() if key != "fhir_comments"}
        explain_keys(content, {**known, "extension": known.get("extension", [None])}
                     if set(known) == {"id"} and item.value is not None else known,
                     item.location, self._report, is_resource=False)  # fmt: skip
        for child in content.children:
            self._child(child, known, item.location, element)

    def _extension(
        self, element: Element, item: Item, place: Element, holder: dict[str, Any]
    ) -> None:
        is_modifier = element.name == "modifierExtension"
        places = places_of(place, self._knowledge)
        root = explain_extension(
            item, holder, places, self._case, profile=element.profile, modifier=is_modifier
        )
        if root is None and not element.children:
            root = self._knowledge.plans.type("Extension")
        if root is not None:
            self._against(item.value, root, "Extension", item.location, element)
        for plan in constraining_profiles(element, self._knowledge):
            self._against(item.value, plan, "Extension", item.location, element)
        if element.children:
            self._against(item.value, element, "Extension", item.location, element)

    def _complex(self, element: Element, item: Item) -> None:
        content = self._knowledge.plans.content(element, item.type_code)
        if content is None:
            self._report.warning("type-unknown", "not-supported", item.location, element.profile,
                                 type=item.type_code)  # fmt: skip
            return
        self._against(item.value, content, item.type_code, item.location, element)
        ref = element.type_ref(item.type_code)
        if ref is not None and ref.profiles:
            self._type_profiles(ref.profiles, element, item)

    def _type_profiles(self, profiles: Sequence[str], element: Element, item: Item) -> None:
        plans = [(profile, self._knowledge.plans.plan(profile)) for profile in profiles]
        for profile, plan in plans:
            if plan is None:
                explain_missing(
                    profile, item.location, element.profile, self._knowledge.plans, self._report
                )
        known = [plan for _, plan in plans if plan is not None]
        if len(known) == 1 and len(plans) == 1:
            self._against(item.value, known[0], item.type_code, item.location, element)
        elif known and len(known) == len(plans):
            self._any_profile(known, element, item)

    def _any_profile(self, plans: list[Element], element: Element, item: Item) -> None:
        reasons: list[str] = []
        for plan in plans:
            trial = Report()
            inspector = Inspector(
                replace(self._case, report=trial), self._nested, self._compiler,
                thorough=self._thorough,
            )  # fmt: skip
            inspector._against(item.value, plan, item.type_code, item.location, element)
            if not trial.has_errors:
                return
            ids = dict.fromkeys(i.id for i in trial.issues if i.severity == "error")
            reasons.append(f"{plan.profile}: {', '.join(ids)}")
        self._report.error("type-profile-none", "structure", item.location, element.profile,
                           profiles="; ".join(reasons))  # fmt: skip


def _by_child(doubts: ObjectDoubts) -> list[tuple[Element, str, MemberDoubts]]:
    """What is in doubt about each child, in the order of the profile, with the JSON key of its values."""
    by_key = doubts.content.by_key
    found: dict[Element, tuple[Element, str, MemberDoubts]] = {}
    for key, member in doubts.members:
        child = by_key.get(key)
        if child is not None:
            found[child] = (child, key, WHOLE if child in found else member)
    for child in doubts.elements:
        found[child] = (child, "", WHOLE)
    if len(found) < 2:
        return list(found.values())
    return [found[child] for child in doubts.content.children if child in found]


def _noted(
    child: Element, key: str, doubts: ItemsDoubts, holder: dict[str, Any], location: str
) -> Iterator[tuple[Item, Doubtful]]:
    """The values of a child that are in doubt, each with the doubts about it."""
    if isinstance(doubts, list):
        for index, one in doubts:
            yield item_of(child, key, holder, location, index), one
    else:
        yield item_of(child, key, holder, location), doubts
