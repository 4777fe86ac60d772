"""The fast path: each profile becomes scans, closures that go once through a resource and note their doubts.

Every rule family contributes its checks; this module puts them together. Its words:

- *element*: what a profile says of one place, such as `Patient.name` (`Element`).
- *content*: the element whose children describe an object. A `HumanName` at `Patient.name` is described by
  the element `HumanName`, unless the profile spells the children out at `Patient.name` itself.
- *place*: the element at which a value stands, whatever describes its content; it decides which extensions
  the value may carry.
- *item*: one value of an element in an instance, with its path (`Item`).
- *type ref*: one type that an element may take, with the profiles and targets it asks for (`TypeRef`).
- *rule*: one thing asked of a value, as a check and an explanation (`Rule`).
- *doubts*: what a scan does not pass of an object or a value (`doubts.py`).
"""

from collections.abc import Callable
from typing import Any, Protocol

from fhir_server.model.primitives import PRIMITIVES
from fhir_server.validation.check import Check, all_of
from fhir_server.validation.doubts import MemberScan, ObjectScan, ValueScan
from fhir_server.validation.element import Element, TypeRef
from fhir_server.validation.inspection import Conforms
from fhir_server.validation.knowledge import Knowledge
from fhir_server.validation.objects import Members, ObjectCheck, ObjectRules, compile_object
from fhir_server.validation.rule import Rule
from fhir_server.validation.rules import structure
from fhir_server.validation.rules.cardinality import compile_maximum, compile_required
from fhir_server.validation.rules.element_ids import (
    is_element_id,
    noting_id,
    noting_ids_beside,
)
from fhir_server.validation.rules.extensions import (
    VALUE_OR_EXTENSIONS,
    compile_extension,
    constraining_profiles,
)
from fhir_server.validation.rules.fixed import compile_fixed
from fhir_server.validation.rules.invariants import evaluated, invariant_rules
from fhir_server.validation.rules.primitives import compile_primitive
from fhir_server.validation.rules.slicing import compile_slicing
from fhir_server.validation.scope import Scope
from fhir_server.validation.values import (
    ValueRules,
    any_of,
    at,
    doubt_all,
    rules_of,
    scan_of_check,
    scan_of_content,
    scan_of_primitive,
)


class ResourceCheck(Protocol):
    """Checks a resource inside another: the scope around it and the profiles it must meet."""

    def __call__(
        self, value: Any, scope: Scope, profiles: tuple[str, ...], *, is_contained: bool
    ) -> bool: ...


class Compiler:
    """Compiles elements on first use and keeps what it compiled.

    Shape: where `silent`, its scans pass only what has neither error nor warning.
    """

    def __init__(
        self,
        knowledge: Knowledge,
        nested: ResourceCheck,
        conforms: Conforms,
        *,
        silent: bool = False,
    ) -> None:
        self.silent = silent
        self._knowledge = knowledge
        self._nested = nested
        self._conforms = conforms
        self._objects: dict[tuple[Element, str], ObjectScan] = {}
        self._asked: dict[tuple[Element, str], ObjectRules] = {}
        self._values: dict[tuple[Element, str], ValueScan] = {}
        self._rules: dict[tuple[Element, str], ValueRules] = {}
        self._extensions: dict[bool, ValueScan] = {}

    def object(self, content: Element, type_code: str) -> ObjectScan:
        """The scan of the objects that an element describes. Their members are compiled when they are met,
        so that types may refer to each other in circles.
        """
        key = (content, type_code)
        found = self._objects.get(key)
        if found is None:
            found = self._objects[key] = compile_object(self.asked(content, type_code))
        return found

    def asked(self, content: Element, type_code: str) -> ObjectRules:
        """What is asked of the objects that an element describes."""
        key = (content, type_code)
        found = self._asked.get(key)
        if found is None:
            found = self._asked[key] = self._object_rules(content, type_code)
        return found

    def _object_rules(self, content: Element, type_code: str) -> ObjectRules:
        sliced: list[tuple[Element, ObjectCheck]] = [
            (child, self._slicing(child)) for child in content.children if child.slices
        ]
        return ObjectRules(
            content,
            type_code,
            Members(self._members_of(content, type_code)),
            [
                (child, lacks)
                for child in content.children
                if (lacks := compile_required(child)) is not None
            ],
            sliced,
            self._object_invariants(content, type_code),
        )

    def _members_of(self, content: Element, type_code: str) -> Callable[[str], MemberScan | None]:
        is_resource = self._knowledge.types.is_resource(type_code)
        is_abstract = content.path in structure.ABSTRACT_RESOURCES
        by_key = content.by_key

        def member_of(key: str) -> MemberScan | None:
            if key == "resourceType" and is_resource:
                return structure.resource_type
            child = by_key.get(key)
            if child is not None:
                member = self._member(child, key)
                if member is not None and key == "id" and is_element_id(child, type_code):
                    return noting_id(member)
                return member
            return structure.left_to_own_type if is_abstract else None

        return member_of

    def _object_invariants(self, content: Element, type_code: str) -> list[tuple[Element, Rule]]:
        """The invariants of a whole resource or type: those of the profile and those of the type itself."""
        base = self._knowledge.plans.plan(type_code) if "." not in type_code else None
        context = type_code if base is not None else content.path
        sources = [content] if "." not in content.path else []
        if base is not None and base is not content:
            sources.append(base)
        own = [(content, VALUE_OR_EXTENSIONS)] if type_code == "Extension" else []
        return own + [
            (source, rule)
            for source in sources
            for rule in invariant_rules(source, context, self._knowledge, silent=self.silent)
        ]

    def _member(self, child: Element, key: str) -> MemberScan | None:
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

    def _value_member(self, child: Element, name: str, type_code: str) -> MemberScan:
        scan, maximum = self.value(child, type_code), compile_maximum(child)
        if not child.is_list:
            return structure.single(child, scan)
        if type_code in PRIMITIVES:
            return structure.repeated_primitive(child, name, scan, maximum)
        return structure.repeated(None if type_code == "Extension" else child, scan, maximum)

    def _sibling_member(self, child: Element, name: str) -> MemberScan:
        if child.must_have_value or evaluated(child, self._knowledge):
            # What FHIRPath says of a primitive with extensions is left to the detailed path.
            return noting_ids_beside(structure.left_to_detail)
        return noting_ids_beside(structure.siblings(child, name, self._extension(modifier=False)))

    def value(self, element: Element, type_code: str) -> ValueScan:
        """The scan of one value of an element; of an extension, at the element that carries it."""
        key = (element, type_code)
        found = self._values.get(key)
        if found is None:
            found = self._values[key] = self._value(element, type_code)
        return found

    def rules(self, element: Element, type_code: str) -> ValueRules:
        """What an element asks of a value itself, beside its form or content."""
        key = (element, type_code)
        found = self._rules.get(key)
        if found is None:
            found = self._rules[key] = rules_of(
                element, type_code, self._knowledge, self._conforms, silent=self.silent
            )
        return found

    def _value(self, element: Element, type_code: str) -> ValueScan:
        ref = element.type_ref(type_code)
        if ref is None:
            return doubt_all
        own, invariants = self.rules(element, type_code)
        rules = (*own, *invariants)
        if type_code in PRIMITIVES:
            form = compile_primitive(element, type_code, silent=self.silent)
            return scan_of_primitive(form, rules)
        if type_code == "Extension":
            parts = [self._extension(modifier=element.name == "modifierExtension")]
            parts.extend(
                at(element, self.object(plan, type_code))
                for plan in constraining_profiles(element, self._knowledge)
            )
            if element.children:
                parts.append(at(element, self.object(element, type_code)))
            return scan_of_content(parts, rules)
        if self._knowledge.types.is_resource(type_code):
            return scan_of_content([scan_of_check(self._resource(element, ref))], rules)
        parts = self._contents(element, ref)
        return scan_of_content(parts, rules) if parts else doubt_all

    def _contents(self, element: Element, ref: TypeRef) -> list[ValueScan]:
        """The scans of what describes the content of a value: its type, and a profile of that. None where
        one of them is not known.
        """
        plans = self._knowledge.plans
        content = plans.content(element, ref.code)
        profiles = [plans.plan(profile) for profile in ref.profiles]
        if content is None or None in profiles:
            return []
        scans: list[ValueScan] = [self.object(content, ref.code)]
        asked = [self.object(plan, ref.code) for plan in profiles if plan is not None]
        if len(asked) == 1:
            scans.append(asked[0])
        elif asked:
            scans.append(scan_of_check(any_of(asked)))
        return scans

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

    def _extension(self, *, modifier: bool) -> ValueScan:
        found = self._extensions.get(modifier)
        if found is None:
            found = compile_extension(
                self._knowledge, self.object, modifier=modifier, silent=self.silent
            )
            self._extensions[modifier] = found
        return found

    def _slicing(self, element: Element) -> ObjectCheck:
        compiled: list[Callable[[list[tuple[Any, str]], Scope, Element], bool]] = []
        names = tuple(element.json_names.items())

        def check(value: dict[str, Any], scope: Scope, place: Element) -> bool:
            if not compiled:
                compiled.append(
                    compile_slicing(element, self._knowledge, self._conforms, self.value)
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

        return check

    def primitive_profile(self, plan: Element) -> Check:
        """The check of a profile on a primitive type, which may speak of the type or of its value."""
        form = compile_primitive(plan, plan.path)
        checks: list[Check] = [lambda value, _scope, _place: bool(form(value))]
        for element in (plan, plan.child("value")):
            if element is not None:
                checks.extend(compile_fixed(element))
                rules = invariant_rules(element, plan.path, self._knowledge, silent=self.silent)
                checks.extend(rule.check for rule in rules if rule.check is not None)
        return all_of(checks)
