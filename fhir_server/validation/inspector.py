"""The detailed path: walks an instance beside its profile and explains every fault.

Every rule family contributes its explanation; this module only leads them to the values.
"""

from dataclasses import replace
from typing import Any, Protocol

import msgspec

from fhir_server.model.issues import Quoted
from fhir_server.model.primitives import PRIMITIVES
from fhir_server.validation.compiler import Compiler
from fhir_server.validation.element import Element
from fhir_server.validation.inspection import Inspection
from fhir_server.validation.items import Item, items_of
from fhir_server.validation.objects import Doubts, holds
from fhir_server.validation.report import Report
from fhir_server.validation.rules.attachments import explain_attachment
from fhir_server.validation.rules.bindings import explain_binding
from fhir_server.validation.rules.bounds import explain_bounds
from fhir_server.validation.rules.cardinality import explain_cardinality
from fhir_server.validation.rules.codings import explain_coding
from fhir_server.validation.rules.extensions import explain_extension, places_of
from fhir_server.validation.rules.fixed import explain_fixed
from fhir_server.validation.rules.identifiers import explain_identifier
from fhir_server.validation.rules.invariants import explain_invariants
from fhir_server.validation.rules.narrative import explain_narrative
from fhir_server.validation.rules.primitives import explain_primitive
from fhir_server.validation.rules.profiles import explain_missing
from fhir_server.validation.rules.quantities import QUANTITIES, explain_quantity
from fhir_server.validation.rules.references import conforms_to_target, explain_reference
from fhir_server.validation.rules.slicing import explain_slicing
from fhir_server.validation.rules.structure import explain_choice, explain_keys
from fhir_server.validation.scope import Scope

_EITHER = Quoted(
    "Must have either extensions or value[x], not both",
    "Il faut soit des extensions, soit value[x], pas les deux",
)
"""What `ext-1` says."""


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

    Most of a resource has nothing to be said of. With `silent`, checks that pass only what has neither error
    nor warning (`Compiler`), each object is first asked for its doubts: which of its members, counts and
    invariants these checks do not pass. The walk looks at those alone, and goes down only there. Without
    `silent` it looks at everything, and finds the same.
    """

    def __init__(self, case: Inspection, nested: Nested, silent: Compiler | None) -> None:
        self._case = case
        self._knowledge, self._scope, self._report = case.knowledge, case.scope, case.report
        self._nested = nested
        self._silent = silent

    def resource(self, value: dict[str, Any], root: Element, location: str) -> None:
        """Explain a resource, or a value of a data type, against a profile of its type."""
        self._object(value, root, root.path, location, root)

    def _object(
        self, value: Any, content: Element, type_code: str, location: str, place: Element
    ) -> None:
        """Explains what is wrong with an object at an element of a profile."""
        if not isinstance(value, dict):
            self._report.error(
                "json-object-expected", "structure", location, content.profile, type=type_code
            )
            return
        doubts = self._doubts(value, content, type_code, place)
        is_resource = "." not in type_code and self._knowledge.types.is_resource(type_code)
        explain_keys(
            content, value, location, self._report, is_resource=is_resource, keys=doubts.keys
        )
        if doubts.keys or doubts.elements:
            by_key = content.by_key
            doubtful = {by_key[key] for key in doubts.keys if key in by_key}.union(doubts.elements)
            for child in content.children:
                if child in doubtful:
                    self._child(child, value, location, place)
        if type_code == "Extension":
            self._extension_content(value, content, location)
        if doubts.invariants:
            self._root_invariants(value, content, type_code, location)

    def _doubts(
        self, value: dict[str, Any], content: Element, type_code: str, place: Element
    ) -> Doubts:
        """What is to be looked at: what the fast path does not pass, or without it everything."""
        if self._silent is not None:
            return self._silent.described(content, type_code).doubts(value, self._scope, place)
        asked_for = [child for child in content.children if child.is_asked_for]
        return Doubts(value.keys(), asked_for, invariants=True)

    def _extension_content(self, value: dict[str, Any], content: Element, location: str) -> None:
        has_value = any(key.startswith(("value", "_value")) for key in value)
        if has_value is ("extension" in value):
            self._report.error(
                "invariant", "invariant", location, content.profile, key="ext-1",
                human=_EITHER,
                rule="extension.exists() != value.exists()",
            )  # fmt: skip

    def _root_invariants(
        self, value: dict[str, Any], content: Element, type_code: str, location: str
    ) -> None:
        base = self._knowledge.plans.plan(type_code) if "." not in type_code else None
        context = type_code if base is not None else content.path
        if "." not in content.path:
            explain_invariants(content, value, self._case, location=location, context_type=context)
        if base is not None and base is not content:
            explain_invariants(base, value, self._case, location=location, context_type=context)

    def _child(self, child: Element, value: dict[str, Any], location: str, place: Element) -> None:
        items = list(items_of(child, value, location))
        if child.is_choice:
            explain_choice(child, value, location, self._report)
        explain_cardinality(child, len(items), location, self._report)
        allowed = [item for item in items if child.type_ref(item.type_code) is not None]
        for item in allowed:
            if len(items) == 1 or not self._has_nothing_to_say(child, item, place):
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
        if not self._has_nothing_to_say(entry, item, place):
            self._item(entry, item, place, holder)

    def _with_own_type(self, entry: Element, item: Item) -> Item:
        """The item under its own resource type, where a slice of `Resource` names that."""
        kind = item.value.get("resourceType") if isinstance(item.value, dict) else None
        if item.type_code == "Resource" and isinstance(kind, str) and entry.type_ref(kind):
            return msgspec.structs.replace(item, type_code=kind)
        return item

    def _item(self, element: Element, item: Item, place: Element, holder: dict[str, Any]) -> None:
        """Explains one value; `holder` is the object it stands in, `place` the element of that."""
        ref = element.type_ref(item.type_code)
        if ref is None:
            return
        if item.type_code in PRIMITIVES:
            if not self._primitive(element, item):
                if isinstance(item.sibling, dict):
                    explain_invariants(
                        element, None, self._case, location=item.location,
                        context_type=item.type_code, sibling=item.sibling,
                    )  # fmt: skip
                return
        elif item.value is None:
            if item.index is not None:
                self._report.error(
                    "json-null", "invalid", item.location, element.profile, element=element.name
                )
            return
        elif item.type_code == "Extension":
            self._extension(element, item, place, holder)
        elif self._knowledge.types.is_resource(item.type_code):
            contained = element.name == "contained"
            self._nested(
                item.value, self._scope, element.profiles_for(item.value, ref),
                is_contained=contained, location=item.location, report=self._report,
            )  # fmt: skip
        else:
            self._complex(element, item)
        explain_fixed(element, item, self._report)
        explain_binding(element, item, self._case)
        if "." in element.path and item.value is not None:
            context = element.model_type if len(element.types) == 1 else item.type_code
            explain_invariants(
                element,
                item.value,
                self._case,
                location=item.location,
                context_type=context,
                sibling=item.sibling if isinstance(item.sibling, dict) else None,
            )

    def _has_nothing_to_say(self, element: Element, item: Item, place: Element) -> bool:
        """Whether the fast path finds neither error nor warning in a value."""
        if self._silent is None or item.value is None or item.sibling is not None:
            return False
        at = place if item.type_code == "Extension" else element
        return holds(self._silent.item(element, item.type_code), item.value, self._scope, at)

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
        if not explain_primitive(element, item, self._report):
            return False
        if item.type_code == "xhtml":
            explain_narrative(element, item, self._scope, self._report)
        return True

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
            self._object(item.value, root, "Extension", item.location, element)
        if element.children:
            self._object(item.value, element, "Extension", item.location, element)

    def _complex(self, element: Element, item: Item) -> None:
        content = self._knowledge.plans.content(element, item.type_code)
        if content is None:
            self._report.warning("type-unknown", "not-supported", item.location, element.profile,
                                 type=item.type_code)  # fmt: skip
            return
        self._object(item.value, content, item.type_code, item.location, element)
        self._type_profiles(element, item)
        if item.type_code == "Coding":
            explain_coding(element, item, self._case)
        if item.type_code == "Attachment":
            explain_attachment(element, item, self._report)
        if item.type_code in QUANTITIES:
            explain_quantity(element, item, self._case)
            explain_bounds(element, item, self._report)
        if item.type_code == "Identifier":
            explain_identifier(element, item, self._report)
        if item.type_code == "Reference":
            self._reference(element, item)

    def _type_profiles(self, element: Element, item: Item) -> None:
        ref = element.type_ref(item.type_code)
        profiles = ref.profiles if ref else ()
        if not profiles:
            return
        plans = [(profile, self._knowledge.plans.plan(profile)) for profile in profiles]
        for profile, plan in plans:
            if plan is None:
                explain_missing(
                    profile, item.location, element.profile, self._knowledge.plans, self._report
                )
        known = [plan for _, plan in plans if plan is not None]
        if len(known) == 1 and len(plans) == 1:
            self._object(item.value, known[0], item.type_code, item.location, element)
        elif known and len(known) == len(plans):
            self._any_profile(known, element, item)

    def _any_profile(self, plans: list[Element], element: Element, item: Item) -> None:
        reasons: list[str] = []
        for plan in plans:
            trial = Report()
            inspector = Inspector(replace(self._case, report=trial), self._nested, self._silent)
            inspector._object(item.value, plan, item.type_code, item.location, element)
            if not trial.has_errors:
                return
            ids = dict.fromkeys(i.id for i in trial.issues if i.severity == "error")
            reasons.append(f"{plan.profile}: {', '.join(ids)}")
        self._report.error("type-profile-none", "structure", item.location, element.profile,
                           profiles="; ".join(reasons))  # fmt: skip

    def _reference(self, element: Element, item: Item) -> None:
        target = explain_reference(element, item, self._case)
        ref = element.type_ref("Reference")
        if target is None or ref is None:
            return
        reference = item.value["reference"]
        if conforms_to_target(target, reference, ref.targets, self._scope, self._case.conforms):
            return
        self._report.error("reference-profile", "structure", item.location, element.profile,
                           reference=reference, profiles=", ".join(ref.targets))  # fmt: skip
