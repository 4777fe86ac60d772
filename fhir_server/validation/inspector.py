"""The detailed path: walks an instance beside its profile and explains every fault.

Every rule family contributes its explanation; this module only leads them to the values.
"""

from typing import Any, Protocol

from fhir_server.model.primitives import PRIMITIVES
from fhir_server.validation.compiler import Compiler
from fhir_server.validation.element import Element
from fhir_server.validation.inspection import Conforms, Inspection
from fhir_server.validation.items import Item, items_of
from fhir_server.validation.knowledge import Knowledge
from fhir_server.validation.report import Report
from fhir_server.validation.rules.attachments import explain_attachment
from fhir_server.validation.rules.bindings import explain_binding
from fhir_server.validation.rules.cardinality import explain_cardinality
from fhir_server.validation.rules.codings import explain_coding
from fhir_server.validation.rules.extensions import explain_extension, places_of
from fhir_server.validation.rules.fixed import explain_fixed
from fhir_server.validation.rules.invariants import explain_invariants
from fhir_server.validation.rules.narrative import explain_narrative
from fhir_server.validation.rules.primitives import explain_primitive
from fhir_server.validation.rules.profiles import explain_missing
from fhir_server.validation.rules.references import conforms_to_target, explain_reference
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
    """Explains one resource against one profile."""

    def __init__(
        self,
        knowledge: Knowledge,
        conforms: Conforms,
        nested: Nested,
        scope: Scope,
        report: Report,
        *,
        silent: Compiler | None = None,
    ) -> None:
        self._silent = silent
        self._knowledge = knowledge
        self._conforms = conforms
        self._nested = nested
        self._scope = scope
        self._report = report
        self._case = Inspection(knowledge, scope, report, conforms)

    def resource(self, value: dict[str, Any], root: Element, location: str) -> None:
        """Explain a resource, or a value of a data type, against a profile of its type."""
        places = places_of(root, self._knowledge)
        self._object(value, root, root.path, location, places)

    def _object(
        self, value: Any, content: Element, type_code: str, location: str, places: frozenset[str]
    ) -> None:
        if not isinstance(value, dict):
            self._report.error(
                "json-object-expected", "structure", location, content.profile, type=type_code
            )
            return
        is_resource = "." not in type_code and self._knowledge.types.is_resource(type_code)
        explain_keys(content, value, location, self._report, is_resource=is_resource)
        by_key = content.by_key
        present = {by_key[key] for key in value if key in by_key}
        for child in content.children:
            if child in present or child.is_asked_for:
                self._child(child, value, location, places)
        if type_code == "Extension":
            self._extension_content(value, content, location)
        self._root_invariants(value, content, type_code, location)

    def _extension_content(self, value: dict[str, Any], content: Element, location: str) -> None:
        has_value = any(key.startswith(("value", "_value")) for key in value)
        if has_value is ("extension" in value):
            self._report.error(
                "invariant", "invariant", location, content.profile, key="ext-1",
                human="Must have either extensions or value[x], not both",
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

    def _child(
        self, child: Element, value: dict[str, Any], location: str, places: frozenset[str]
    ) -> None:
        items = list(items_of(child, value, location))
        if child.is_choice:
            explain_choice(child, value, location, self._report)
        explain_cardinality(child, len(items), location, self._report)
        allowed = [item for item in items if child.type_ref(item.type_code) is not None]
        for item in allowed:
            self._item(child, item, places, value)
        if child.slices and child.maximum != 0:
            sliced = explain_slicing(child, allowed, location, self._case)
            for one in sliced:
                for entry in one.slices:
                    self._slice_item(entry, one.item, places, value)

    def _slice_item(
        self, entry: Element, item: Item, places: frozenset[str], holder: dict[str, Any]
    ) -> None:
        if entry.type_ref(item.type_code) is None:
            expected = ", ".join(ref.code for ref in entry.types)
            self._report.error("choice-type", "structure", item.location, entry.profile,
                               found=item.type_code, expected=expected)  # fmt: skip
            return
        self._item(entry, item, places, holder)

    def _item(
        self, element: Element, item: Item, places: frozenset[str], holder: dict[str, Any]
    ) -> None:
        """Explains one value; `holder` is the object it stands in, `places` how contexts may name that."""
        ref = element.type_ref(item.type_code)
        if ref is None or self._has_nothing_to_say(element, item):
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
            self._extension(element, item, places, holder)
        elif self._knowledge.types.is_resource(item.type_code):
            contained = element.name == "contained"
            self._nested(
                item.value, self._scope, ref.profiles,
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

    def _has_nothing_to_say(self, element: Element, item: Item) -> bool:
        """Whether the fast path finds neither error nor warning in a value."""
        if (
            self._silent is None
            or item.value is None
            or item.sibling is not None
            or item.type_code == "Extension"
            or element.name == "contained"
        ):
            return False
        check = self._silent.kept_item(element, item.type_code)
        try:
            return check(item.value, self._scope, element)
        except (RecursionError, KeyError, TypeError, AttributeError):
            # The fast path trusts the shape of what it is given; the detailed one tells what is wrong.
            return False

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
        places = places_of(element, self._knowledge)
        known = {key: inner for key, inner in value.items() if key != "fhir_comments"}
        explain_keys(content, {**known, "extension": known.get("extension", [None])}
                     if set(known) == {"id"} and item.value is not None else known,
                     item.location, self._report, is_resource=False)  # fmt: skip
        for child in content.children:
            self._child(child, known, item.location, places)

    def _extension(
        self, element: Element, item: Item, places: frozenset[str], holder: dict[str, Any]
    ) -> None:
        is_modifier = element.name == "modifierExtension"
        root = explain_extension(
            item, holder, places, self._case, profile=element.profile, modifier=is_modifier
        )
        inner = places_of(element, self._knowledge)
        if root is None and not element.children:
            root = self._knowledge.plans.type("Extension")
        if root is not None:
            self._object(item.value, root, "Extension", item.location, inner)
        if element.children:
            self._object(item.value, element, "Extension", item.location, inner)

    def _complex(self, element: Element, item: Item) -> None:
        content = self._knowledge.plans.content(element, item.type_code)
        if content is None:
            self._report.warning("type-unknown", "not-supported", item.location, element.profile,
                                 type=item.type_code)  # fmt: skip
            return
        places = places_of(element, self._knowledge)
        self._object(item.value, content, item.type_code, item.location, places)
        self._type_profiles(element, item, places)
        if item.type_code == "Coding":
            explain_coding(element, item, self._case)
        if item.type_code == "Attachment":
            explain_attachment(element, item, self._report)
        if item.type_code == "Reference":
            self._reference(element, item)

    def _type_profiles(self, element: Element, item: Item, places: frozenset[str]) -> None:
        ref = element.type_ref(item.type_code)
        profiles = ref.profiles if ref else ()
        plans = [(profile, self._knowledge.plans.plan(profile)) for profile in profiles]
        for profile, plan in plans:
            if plan is None:
                explain_missing(
                    profile, item.location, element.profile, self._knowledge.plans, self._report
                )
        known = [plan for _, plan in plans if plan is not None]
        if len(known) == 1 and len(plans) == 1:
            self._object(item.value, known[0], item.type_code, item.location, places)
        elif known and len(known) == len(plans):
            self._any_profile(known, element, item, places)

    def _any_profile(
        self, plans: list[Element], element: Element, item: Item, places: frozenset[str]
    ) -> None:
        reasons: list[str] = []
        for plan in plans:
            trial = Report()
            inspector = Inspector(self._knowledge, self._conforms, self._nested, self._scope, trial)
            inspector._object(item.value, plan, item.type_code, item.location, places)
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
        if conforms_to_target(target, reference, ref.targets, self._scope, self._conforms):
            return
        self._report.error("reference-profile", "structure", item.location, element.profile,
                           reference=reference, profiles=", ".join(ref.targets))  # fmt: skip
