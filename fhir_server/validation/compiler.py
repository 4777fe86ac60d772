"""The fast path: each profile becomes a chain of closures that answers yes or no.

Every rule family contributes its check; this module only puts them together.
"""

from collections.abc import Callable
from typing import Any, Protocol

from fhir_server.model.primitives import PRIMITIVES
from fhir_server.validation.check import Check, Member, all_of, never
from fhir_server.validation.element import Element, TypeRef
from fhir_server.validation.inspection import Conforms
from fhir_server.validation.knowledge import Knowledge
from fhir_server.validation.objects import Members, ObjectRule, ObjectRules, compile_object
from fhir_server.validation.rules import structure
from fhir_server.validation.rules.attachments import compile_attachment
from fhir_server.validation.rules.bindings import compile_binding
from fhir_server.validation.rules.bounds import compile_bounds
from fhir_server.validation.rules.cardinality import (
    compile_maximum,
    compile_required,
)
from fhir_server.validation.rules.codings import compile_coding
from fhir_server.validation.rules.extensions import compile_extension
from fhir_server.validation.rules.fixed import compile_fixed
from fhir_server.validation.rules.identifiers import compile_identifier
from fhir_server.validation.rules.invariants import compile_invariants, evaluated
from fhir_server.validation.rules.narrative import compile_narrative
from fhir_server.validation.rules.primitives import compile_primitive
from fhir_server.validation.rules.quantities import QUANTITIES, compile_quantity
from fhir_server.validation.rules.references import compile_reference
from fhir_server.validation.rules.slicing import compile_slicing
from fhir_server.validation.scope import Scope


class ResourceCheck(Protocol):
    """Checks a resource inside another: the scope around it and the profiles it must meet."""

    def __call__(
        self, value: Any, scope: Scope, profiles: tuple[str, ...], *, is_contained: bool
    ) -> bool: ...


class Compiler:
    """Compiles elements on first use and keeps what it compiled.

    Shape: where `silent`, its checks pass only what has neither error nor warning.
    """

    def __init__(
        self,
        knowledge: Knowledge,
        nested: ResourceCheck,
        conforms: Conforms,
        *,
        silent: bool = False,
    ) -> None:
        self._silent = silent
        self._knowledge = knowledge
        self._items: dict[tuple[Element, str], Check] = {}
        self._conforms = conforms
        self._nested = nested
        self._contents: dict[tuple[Element, str], Check] = {}
        self._objects: dict[tuple[Element, str], Check] = {}
        self._described: dict[tuple[Element, str], ObjectRules] = {}
        self._extensions: dict[bool, Check] = {}

    def content(self, element: Element, type_code: str) -> Check:
        """The check of the content of an element's values of a type, compiled when first called.

        Types refer to each other in circles (an Extension has extensions), hence the delay.
        """
        key = (element, type_code)
        found = self._contents.get(key)
        if found is None:
            found = self._contents[key] = self._delayed(element, type_code)
        return found

    def _delayed(self, element: Element, type_code: str) -> Check:
        compiled: list[Check] = []

        def check(value: Any, scope: Scope, place: Element) -> bool:
            if not compiled:
                compiled.append(self._shared(element, type_code))
            return compiled[0](value, scope, place)

        return check

    def _shared(self, element: Element, type_code: str) -> Check:
        """The check of the element whose children describe the content: one for all that share it."""
        content = self._knowledge.plans.content(element, type_code)
        if content is None:
            return never
        key = (content, type_code)
        found = self._objects.get(key)
        if found is None:
            found = self._objects[key] = compile_object(self.described(content, type_code))
        return found

    def described(self, content: Element, type_code: str) -> ObjectRules:
        """What is known of the objects that an element describes."""
        key = (content, type_code)
        found = self._described.get(key)
        if found is None:
            found = self._described[key] = self._object(content, type_code)
        return found

    def _object(self, content: Element, type_code: str) -> ObjectRules:
        is_resource = self._knowledge.types.is_resource(type_code)
        rules: list[tuple[Element, ObjectRule]] = [
            (child, self._slicing(child)) for child in content.children if child.slices
        ]
        required = [
            (child, present) for child in content.children if (present := compile_required(child))
        ]
        if type_code == "Extension":
            rules.append((content, _has_value_or_extensions))
        by_key = content.by_key

        def member_of(key: str) -> Member | None:
            if key == "resourceType" and is_resource:
                return _is_text
            child = by_key.get(key)
            if child is not None:
                return self._member(child, key)
            is_abstract = content.path in structure.ABSTRACT_RESOURCES
            return structure.left_to_own_type if is_abstract else None

        base = self._knowledge.plans.plan(type_code) if "." not in type_code else None
        context = type_code if base is not None else content.path
        sources = [content] if "." not in content.path else []
        if base is not None and base is not content:
            sources.append(base)
        invariants = [
            check
            for source in sources
            for check in compile_invariants(source, context, self._knowledge, silent=self._silent)
        ]
        return ObjectRules(Members(member_of), required, rules, invariants)

    def _member(self, child: Element, key: str) -> Member | None:
        name = key.removeprefix("_")
        type_code = child.json_names[name]
        if child.maximum == 0 or child.type_ref(type_code) is None:
            return None
        member = (
            self._value_member(child, name, type_code)
            if key == name
            else self._sibling_member(child, name)
        )
        others = child.keys - {name, f"_{name}"}
        return structure.exclusive(others, member) if others else member

    def _value_member(self, child: Element, name: str, type_code: str) -> Member:
        check, maximum = self.item(child, type_code), compile_maximum(child)
        if not child.is_list:
            return structure.single(child, check)
        if type_code in PRIMITIVES:
            return structure.repeated_primitive(child, name, check, maximum)
        if type_code == "Extension":
            return _of_parent(check, maximum)
        return structure.repeated(child, check, maximum)

    def _sibling_member(self, child: Element, name: str) -> Member:
        if child.must_have_value or evaluated(child, self._knowledge):
            # What FHIRPath says of a primitive with extensions is left to the detailed path.
            return structure.left_to_detail
        return structure.siblings(child, name, self._extension(modifier=False))

    def item(self, element: Element, type_code: str) -> Check:
        """The check of one value of an element; of an extension, at the element that carries it."""
        key = (element, type_code)
        found = self._items.get(key)
        if found is None:
            found = self._items[key] = self._item(element, type_code)
        return found

    def _item(self, element: Element, type_code: str) -> Check:
        ref = element.type_ref(type_code)
        if ref is None:
            return never
        checks: list[Check] = []
        if type_code in PRIMITIVES:
            checks.append(compile_primitive(element, type_code, silent=self._silent))
            if type_code == "xhtml":
                checks.append(compile_narrative())
        elif type_code == "Extension":
            checks.append(self._extension(modifier=element.name == "modifierExtension"))
            if element.children:
                checks.append(_at(element, self.content(element, type_code)))
        elif self._knowledge.types.is_resource(type_code):
            checks.append(self._resource(element, ref))
        else:
            checks.append(self.content(element, type_code))
            if ref.profiles:
                checks.append(self._any_profile(ref.profiles, type_code))
        checks.extend(self._of_type(element, type_code))
        checks.extend(compile_fixed(element))
        checks.extend(compile_binding(element, type_code, self._knowledge, silent=self._silent))
        if "." in element.path:
            context = element.model_type if len(element.types) == 1 else type_code
            checks.extend(
                compile_invariants(element, context, self._knowledge, silent=self._silent)
            )
        if self._silent:
            # Warnings come mostly from codes: these are asked first, the content last.
            checks.reverse()
        return all_of(checks)

    def _of_type(self, element: Element, type_code: str) -> list[Check]:
        if type_code == "Reference":
            ref = element.type_ref("Reference")
            return compile_reference(ref, self._knowledge, self._conforms) if ref else []
        if type_code == "Attachment":
            return [compile_attachment()]
        if type_code == "Identifier":
            return [compile_identifier(silent=self._silent)]
        if type_code in QUANTITIES:
            return [compile_quantity(self._knowledge), *compile_bounds(element)]
        return (
            [compile_coding(self._knowledge, silent=self._silent)] if type_code == "Coding" else []
        )

    def _any_profile(self, profiles: tuple[str, ...], type_code: str) -> Check:
        plans = [self._knowledge.plans.plan(profile) for profile in profiles]
        checks = [self.content(plan, type_code) for plan in plans if plan is not None]
        if len(checks) < len(plans):
            # An unknown profile can be met by nobody knows what: the detailed path says so.
            return never
        if len(checks) == 1:
            return checks[0]
        return lambda value, scope, place: any(check(value, scope, place) for check in checks)

    def _resource(self, element: Element, ref: TypeRef) -> Check:
        nested, is_contained = self._nested, element.name == "contained"
        if len(element.types) > 1:
            return lambda value, scope, _place: nested(
                value, scope, element.profiles_for(value, ref), is_contained=is_contained
            )
        profiles = ref.profiles
        return lambda value, scope, _place: nested(
            value, scope, profiles, is_contained=is_contained
        )

    def _extension(self, *, modifier: bool) -> Check:
        found = self._extensions.get(modifier)
        if found is None:
            found = compile_extension(
                self._knowledge, self.content, modifier=modifier, silent=self._silent
            )
            self._extensions[modifier] = found
        return found

    def _slicing(self, element: Element) -> ObjectRule:
        compiled: list[Callable[[list[tuple[Any, str]], Scope, Element], bool]] = []
        names = tuple(element.json_names.items())

        def rule(value: dict[str, Any], scope: Scope, place: Element) -> bool:
            if not compiled:
                compiled.append(
                    compile_slicing(element, self._knowledge, self._conforms, self.item)
                )
            items: list[tuple[Any, str]] = []
            for key, type_code in names:
                inner = value.get(key)
                if inner is None:
                    if f"_{key}" in value:
                        return False
                    continue
                items.extend(
                    (item, type_code) for item in (inner if isinstance(inner, list) else [inner])
                )
            return compiled[0](items, scope, place)

        return rule

    def _primitive_profile(self, plan: Element) -> Check:
        """The check of a profile on a primitive type, which may speak of the type or of its value."""
        checks: list[Check] = [compile_primitive(plan, plan.path)]
        for element in (plan, plan.child("value")):
            if element is not None:
                checks.extend(compile_fixed(element))
                checks.extend(
                    compile_invariants(element, plan.path, self._knowledge, silent=self._silent)
                )
        return all_of(checks)

    def passes(self, value: Any, profile: str, scope: Scope) -> bool:
        """Whether a value meets a profile; a no may be wrong."""
        plan = self._knowledge.plans.plan(profile)
        if plan is None:
            return False
        if not isinstance(value, dict):
            return plan.path in PRIMITIVES and self._primitive_profile(plan)(value, scope, plan)
        if "resourceType" in value:
            if value["resourceType"] != plan.path:
                return False
            inner = scope if value is scope.resource else scope.entry(value)
            return self.content(plan, plan.path)(value, inner, plan)
        return self.content(plan, plan.path)(value, scope, plan)


def _at(element: Element, check: Check) -> Check:
    return lambda value, scope, _place: check(value, scope, element)


def _of_parent(check: Check, maximum: Callable[[Any], bool] | None) -> Member:
    """Extensions are judged by the element that carries them, not by the `extension` element itself."""

    def member(value: Any, _beside: dict[str, Any], scope: Scope, place: Element) -> bool:
        if type(value) is not list or not value or (maximum is not None and not maximum(value)):
            return False
        for item in value:  # noqa: SIM110 — all() with a generator costs twice as much here
            if not check(item, scope, place):
                return False
        return True

    return member


def _is_text(value: Any, _: dict[str, Any], __: Scope, ___: Element) -> bool:
    return type(value) is str


def _has_value_or_extensions(value: dict[str, Any], _: Scope, __: Element) -> bool:
    """`ext-1`: an extension has a value or extensions, not both."""
    has_value = any(key.startswith(("value", "_value")) for key in value)
    return has_value is not ("extension" in value)
