"""The validator: a fast answer, and an explanation where the answer is no."""

import logging
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from fhir_server.definitions import Definitions
from fhir_server.fhirpath.regex import matching_budget
from fhir_server.model.issues import Issue
from fhir_server.model.primitives import PRIMITIVES
from fhir_server.terminology import Terminology
from fhir_server.validation.check import holds
from fhir_server.validation.compiler import Compiler, ResourceCheck
from fhir_server.validation.conformance import conforms_to
from fhir_server.validation.doubts import ObjectDoubts, whole
from fhir_server.validation.element import Element
from fhir_server.validation.inspection import Inspection
from fhir_server.validation.inspector import Inspector
from fhir_server.validation.knowledge import Knowledge
from fhir_server.validation.narrowing import narrows
from fhir_server.validation.report import Report, shown
from fhir_server.validation.rules.contained import explain_contained_id, has_id_of_its_own
from fhir_server.validation.rules.element_ids import explain_element_ids
from fhir_server.validation.rules.profiles import (
    claimed_profiles,
    explain_claim,
    explain_missing,
    global_profiles,
)
from fhir_server.validation.rules.resources import RESOURCE_RULES
from fhir_server.validation.rules.structure import ABSTRACT_RESOURCES
from fhir_server.validation.rules.vital_signs import vital_sign_profiles
from fhir_server.validation.scope import Scope
from fhir_server.validation.snapshot import SnapshotError
from fhir_server.validation.strictness import Strictness

Resource = dict[str, Any]

_log = logging.getLogger("osteon.validation")
_OTHER_VERSION = re.compile(r"http://hl7\.org/fhir/([0-9]+\.[0-9]+)/StructureDefinition/[A-Za-z]+")
"""A core definition of another version of FHIR, which cannot judge an R4 resource."""
MAX_DEPTH = 30
"""Deepest nesting of resources in Bundles and Parameters that is validated."""


class Validator:
    """Validates resources against their type, the profiles they claim and those asked for.

    Immutable and shared between threads; profiles are compiled when first needed.

    Three readings of one profile, from the same rule families:
    - `accepts` scans for errors, and where there are doubts explains them to be sure.
    - `validate` scans for errors and warnings, and explains what is in doubt (`Inspector`).
    - With `thorough` everything is explained, in doubt or not. That finds the same, some ten times slower,
      and is there to prove it (`tests/validation/test_silent.py`).
    """

    def __init__(
        self,
        definitions: Definitions,
        terminology: Terminology | None = None,
        *,
        thorough: bool = False,
        strictness: Strictness | None = None,
    ) -> None:
        self._knowledge = Knowledge(definitions, terminology, strictness, conforms_to(self))
        self._globals = global_profiles(definitions)
        self._covering: dict[tuple[Element, Element], bool] = {}
        self._thorough = thorough
        self._errors = Compiler(self._knowledge, self._nested(silent=False), self._conforms)
        self._silent = Compiler(
            self._knowledge, self._nested(silent=True), self._conforms, silent=True
        )

    @property
    def definitions(self) -> Definitions:
        """What the validator knows."""
        return self._knowledge.definitions

    def accepts(self, resource: Resource, profiles: Sequence[str] = ()) -> bool:
        """Whether a resource has no error. Cost: microseconds where it has none."""
        if not isinstance(resource, dict):
            return False
        with matching_budget():
            return self._accepts(resource, tuple(profiles))

    def _accepts(self, resource: Resource, profiles: tuple[str, ...]) -> bool:
        scope, report = Scope(resource), Report()
        if holds(self._passes, resource, scope, profiles, self._errors):
            return True
        self._explain(resource, scope, profiles, "", report)
        return not report.has_errors

    def conforms(self, value: Any, type_name: str, profile: str) -> bool | None:
        """Whether a value of a type has no error by a profile; None where the profile is not known."""
        root = self._knowledge.plans.plan(profile)
        if root is None:
            return None
        if not self._fits(root, type_name):
            return False
        if self._knowledge.types.is_resource(type_name):
            return self.accepts(value, (profile,))
        with matching_budget():
            return self._judged(value, profile, Scope({}))

    def validate(self, resource: Resource, profiles: Sequence[str] = ()) -> list[Issue]:
        """All issues of a resource, errors and warnings, in the order of the profile's elements."""
        report = Report()
        if not isinstance(resource, dict):
            report.error("json-not-a-resource", "structure", "")
            return report.issues
        with matching_budget():
            self._explain(resource, Scope(resource), tuple(profiles), "", report)
        report.drop_rebound()
        return report.issues

    def _doubts(
        self, resource: Resource, root: Element, scope: Scope, compiler: Compiler
    ) -> ObjectDoubts | None:
        """What a scan of a resource against a profile or its type notes. Doubts are kept: a resource within
        another is scanned with that, and explained later.
        """
        key = (id(resource), root, compiler.silent)
        known: ObjectDoubts | None = scope.scanned.get(key)
        if known is not None:
            return known
        try:
            doubts = compiler.object(root, root.path)(resource, scope, root)
        except RecursionError:
            doubts = whole(root, root.path)
        if doubts is not None:
            scope.scanned[key] = doubts
        return doubts

    def _passes(
        self, resource: Resource, scope: Scope, profiles: tuple[str, ...], compiler: Compiler
    ) -> bool:
        """Whether scans have no doubts about a resource, its type and its profiles; a no may be wrong."""
        kind = resource.get("resourceType")
        if not isinstance(kind, str) or scope.depth > MAX_DEPTH:
            return False
        base = self._base(kind)
        if base is None:
            return False
        urls = (*claimed_profiles(resource), *self._implied(resource), *profiles)
        roots = [self._knowledge.plans.plan(url) for url in urls]
        if compiler.silent or not any(self._covers(root, base) for root in roots):
            roots.insert(0, base)
        for root in roots:
            if root is None or not self._fits(root, kind):
                return False
            if self._doubts(resource, root, scope, compiler) is not None:
                return False
        if id(resource) in scope.repeating:
            return False
        return kind not in RESOURCE_RULES or self._keeps_resource_rule(
            resource, scope, silent=compiler.silent
        )

    def _implied(self, resource: Resource) -> tuple[str, ...]:
        """The profiles that a resource must conform to without claiming them."""
        kind = resource["resourceType"]
        globals_ = self._globals.get(kind, ())
        return (*globals_, *vital_sign_profiles(resource)) if kind == "Observation" else globals_

    def _keeps_resource_rule(self, resource: Resource, scope: Scope, *, silent: bool) -> bool:
        case = Inspection(self._knowledge, scope, Report(), self._conforms)
        RESOURCE_RULES[resource["resourceType"]](resource, resource["resourceType"], case)
        return not (case.report.issues if silent else case.report.has_errors)

    def _base(self, kind: str) -> Element | None:
        """The definition of a concrete resource type; None for any other name."""
        if kind in ABSTRACT_RESOURCES or not self._knowledge.types.is_resource(kind):
            return None
        return self._knowledge.plans.plan(kind)

    def _covers(self, root: Element | None, base: Element) -> bool:
        """Whether a profile asks all that the type asks."""
        if root is None:
            return False
        known = self._covering.get((root, base))
        if known is None:
            known = self._covering[root, base] = narrows(root, base, self._knowledge)
        return known

    def _fits(self, root: Element, kind: str) -> bool:
        return root.path == kind or self._knowledge.types.is_subtype(kind, root.path)

    def _nested(self, *, silent: bool) -> ResourceCheck:
        """The check of resources within a resource. Each is judged once for each set of profiles: one that
        stands in another is met again with each profile of that.
        """

        def check(
            value: Any, scope: Scope, profiles: tuple[str, ...], *, is_contained: bool
        ) -> bool:
            if type(value) is not dict:
                return False
            if is_contained and not has_id_of_its_own(value, scope):
                return False
            key = (id(value), profiles, silent)
            known = scope.nested.get(key)
            if known is None:
                inner = _inner(scope, value, is_contained=is_contained)
                compiler = self._silent if silent else self._errors
                known = scope.nested[key] = self._passes(
                    value, inner, _beyond_base(profiles), compiler
                )
            return known

        return check

    def _conforms(self, value: Any, profile: str, scope: Scope) -> bool:
        """Whether a value conforms to a profile, for references and discriminators.

        While a resource is being judged it counts as conforming, which ends circles.
        """
        key = (id(value), profile)
        # Of a target of which only the type is known there is an object that lives no longer than the asking.
        is_resource = isinstance(value, dict) and "resourceType" in value and len(value) > 1
        if is_resource:
            known = scope.verdicts.get(key)
            if known is not None:
                return known
            scope.verdicts[key] = True
        verdict = self._judged(value, profile, scope)
        if is_resource:
            scope.verdicts[key] = verdict
        return verdict

    def _judged(self, value: Any, profile: str, scope: Scope) -> bool:
        root = self._knowledge.plans.plan(profile)
        if root is None:
            return False
        if not isinstance(value, dict):
            is_primitive = root.path in PRIMITIVES
            check = self._errors.primitive_profile
            return is_primitive and holds(check(root), value, scope, root)
        kind = value.get("resourceType")
        if kind is not None and not (isinstance(kind, str) and self._fits(root, kind)):
            return False
        inner = scope if kind is None or value is scope.resource else scope.entry(value)
        doubts = self._errors.object(root, root.path)(value, inner, root)
        if doubts is None or scope.depth > MAX_DEPTH:
            return doubts is None
        trial = Report()
        self._inspector(inner, trial, self._errors).resource(value, doubts, root.path)
        return not trial.has_errors

    def _explain(
        self,
        resource: Resource,
        scope: Scope,
        profiles: tuple[str, ...],
        location: str,
        report: Report,
    ) -> None:
        kind = resource.get("resourceType")
        if scope.depth > MAX_DEPTH:
            report.error("nesting-too-deep", "too-costly", location, max=MAX_DEPTH)
            return
        if not isinstance(kind, str):
            report.error("json-not-a-resource", "structure", location)
            return
        base = self._base(kind)
        if base is None:
            report.error("resource-type-unknown", "structure", location, type=shown(kind))
            return
        place = location or kind
        weak = report.weak_bindings
        if report.begins(place, kind, is_asked=False):
            self._explain_root(resource, base, scope, place, report)
            if kind in RESOURCE_RULES:
                case = Inspection(self._knowledge, scope, report, self._conforms)
                RESOURCE_RULES[kind](resource, place, case)
            if self._thorough or id(resource) in scope.repeating:
                explain_element_ids(resource, base, self._knowledge.plans, place, report)
        urls = dict.fromkeys((*profiles, *self._implied(resource), *claimed_profiles(resource)))
        for url in urls:
            asked = url in profiles
            if report.begins(place, url, is_asked=asked):
                self._explain_profile(resource, url, scope, place, report, is_asked=asked)
        if report.is_weakly_bound(place, weak) and not self._thorough:
            self._note_bindings(resource, tuple(urls), scope, place, report)

    def _note_bindings(
        self, resource: Resource, urls: tuple[str, ...], scope: Scope, place: str, report: Report
    ) -> None:
        """Walks through what profiles passed in silence, for the value sets that they bind elements to."""
        for url in urls:
            root = self._knowledge.plans.plan(url)
            if root is not None and self._fits(root, resource["resourceType"]):
                with suppress(Exception):  # said and logged when it was walked for its issues
                    inspector = self._inspector(scope, report, self._silent, thorough=True)
                    inspector.resource(resource, whole(root, root.path), place)

    def _explain_profile(
        self,
        resource: Resource,
        url: str,
        scope: Scope,
        place: str,
        report: Report,
        *,
        is_asked: bool,
    ) -> None:
        kind = resource["resourceType"]
        root = self._knowledge.plans.plan(url)
        if root is None:
            other = _OTHER_VERSION.fullmatch(url)
            if other is not None:
                report.warning(
                    "profile-other-version", "not-supported", place, url, version=other[1]
                )
                return
            if is_asked:
                explain_missing(url, place, url, self._knowledge.plans, report)
            else:
                explain_claim(url, place, self._knowledge, scope, report)
        elif not self._fits(root, kind):
            report.error("profile-wrong-type", "structure", place, url, profile=url,
                         expected=root.path, found=kind)  # fmt: skip
        else:
            try:
                self._explain_root(resource, root, scope, place, report)
            except SnapshotError as fault:
                report.error(fault.reason, "processing", place, url, **fault.parameters)
            except Exception:
                # What a profile's author can get wrong is told above, in its plan and where its expressions
                # are evaluated. What is left is a fault of ours: never taken for a verdict on either side.
                _log.exception("profile not checked: %s", shown(url))
                report.error("profile-fault-of-ours", "exception", place, url, profile=url)

    def _explain_root(
        self, resource: Resource, root: Element, scope: Scope, place: str, report: Report
    ) -> None:
        """Explains what a scan against a profile or the type has noted."""
        doubts = (
            whole(root, root.path)
            if self._thorough
            else self._doubts(resource, root, scope, self._silent)
        )
        if doubts is not None:
            inspector = self._inspector(scope, report, self._silent, thorough=self._thorough)
            inspector.resource(resource, doubts, place)

    def _inspector(
        self, scope: Scope, report: Report, compiler: Compiler, *, thorough: bool = False
    ) -> Inspector:
        case = Inspection(self._knowledge, scope, report, self._conforms)
        return Inspector(case, self._explain_nested, compiler, thorough=thorough)

    def _explain_nested(
        self,
        value: Any,
        scope: Scope,
        profiles: tuple[str, ...],
        *,
        is_contained: bool,
        location: str,
        report: Report,
    ) -> None:
        if not isinstance(value, dict):
            report.error("json-object-expected", "structure", location, type="Resource")
            return
        if is_contained:
            explain_contained_id(value, scope, location, report)
        inner, asked = _inner(scope, value, is_contained=is_contained), _beyond_base(profiles)
        self._explain(value, inner, asked if len(asked) < 2 else (), location, report)
        if len(asked) > 1 and not any(
            self._passes(value, inner, (url,), self._errors) for url in asked
        ):
            report.error("type-profile-none", "structure", location, profiles=", ".join(asked))


def _inner(scope: Scope, value: Resource, *, is_contained: bool) -> Scope:
    return scope.contained(value) if is_contained else scope.entry(value)


def _beyond_base(profiles: tuple[str, ...]) -> tuple[str, ...]:
    """Profiles that ask more than the type itself does."""
    return tuple(
        url
        for url in profiles
        if not url.endswith(
            ("/StructureDefinition/Resource", "/StructureDefinition/DomainResource")
        )
    )
