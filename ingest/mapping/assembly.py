"""The resources of one message: built scope by scope, told apart by identity, linked to each other."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from fhir_server.model.issues import Issue, error
from ingest.mapping.binaries import owned
from ingest.mapping.compiled_map import CompiledMap
from ingest.mapping.context import Context, ReadName
from ingest.mapping.decide import Decide
from ingest.mapping.identity import Identity
from ingest.mapping.plans import Link, ResourcePlan
from ingest.mapping.scopes import Scope
from ingest.mapping.targets import Setter
from ingest.mapping.unidentified import unidentified

PROFILE_BASE = "https://osteon.example/fhir/StructureDefinition/"


@dataclass(slots=True, eq=False)
class Built:
    """One resource of the message.

    Shape: `scopes` all it was made from, and `labels` its names there; `missing` what its profile asks for
    and the message lacks; `numbers` what may find it in the store, once somebody has asked.
    """

    plan: ResourcePlan
    identity: Identity
    resource: dict[str, Any]
    labels: list[str]
    scopes: list[Scope]
    full_url: str
    missing: list[Issue] = field(default_factory=list)
    numbers: Sequence[Identity] = ()


Finish = Callable[["Assembly", Scope, dict[str, Any], str], None]
Identify = Callable[["Assembly", Scope, dict[str, Any]], Identity | None]


@dataclass(frozen=True, slots=True)
class CompiledResource:
    """A resource plan with its maps, functions and links compiled."""

    plan: ResourcePlan
    maps: Sequence[CompiledMap]
    gather: Sequence[CompiledMap]
    identify: Identify
    finish: Sequence[Finish]
    links: Sequence[tuple[Link, Setter]]
    decide: Decide | None
    names: Mapping[str, ReadName]


class Assembly:
    """Builds the resources of one message."""

    def __init__(
        self, context: Context, message: Any, root: Scope, gathers: Mapping[str, str]
    ) -> None:
        self.context = context
        self.message = message
        self.root = root
        self.built: list[Built] = []
        self.unidentified: list[dict[str, Any]] = []
        self.ordinals: Counter[tuple[str, ...]] = Counter()
        self._by_identity: dict[tuple[str, Identity], Built] = {}
        self._by_plan: dict[int, list[Built]] = {}
        self._gathers = gathers
        self._specimens: dict[int, list[Built]] = {}
        self._labels: Counter[str] = Counter()

    def build(self, resources: Sequence[CompiledResource]) -> None:
        """Every resource of the plan."""
        by_kind: dict[str, list[Scope]] = {}
        for scope in self.root.below():
            by_kind.setdefault(scope.kind, []).append(scope)
        for resource in resources:
            for scope in by_kind.get(resource.plan.each, ()):
                if not _is_needless(resource.plan, scope):
                    self._build_one(resource, scope)

    def leave_out(self, one: Built) -> None:
        """Take back a resource that nothing refers to yet."""
        self.built.remove(one)
        self._by_plan[id(one.plan)].remove(one)
        del self._by_identity[one.plan.type, one.identity]
        for scope in one.scopes:
            del scope.built[one.plan.name]

    def link(self, resources: Sequence[CompiledResource]) -> None:
        """The references between what was built, and what each lacks."""
        for resource in resources:
            for link, setter in resource.links:
                self._link(resource.plan, link, setter)
        self._resolve_identifiers()
        for built in self.built:
            built.missing = missing_elements(built.plan, built.resource)

    def of_plan(self, name: str) -> list[Built]:
        """The resources of a plan."""
        return [built for built in self.built if built.plan.name == name]

    def of_what_is_told(self) -> list[Built]:
        """The resources but for those that speak of the message itself."""
        return [built for built in self.built if built.plan.identity != "message"]

    def of_type(self, resource_type: str) -> list[dict[str, Any]]:
        """The resources of a type, with those that have no identity."""
        every = (*(built.resource for built in self.built), *self.unidentified)
        return [one for one in every if one["resourceType"] == resource_type]

    def by_identity(self, resource_type: str, identity: Identity) -> Built | None:
        """The resource of this message with an identity."""
        return self._by_identity.get((resource_type, identity))

    def specimens_around(self, scope: Scope) -> list[Built]:
        """The specimens of the order in which a scope lies."""
        around = scope.parent or scope
        found = self._specimens.get(id(around))
        if found is None:
            below = (one.built["specimen"] for one in around.below() if "specimen" in one.built)
            found = self._specimens[id(around)] = list(dict.fromkeys(below))
        return found

    def _build_one(self, resource: CompiledResource, scope: Scope) -> None:
        plan, context = resource.plan, self.context
        own = self._own(scope)
        # Of a scope that gathers, its first part decides.
        context.look_at(own[1] if len(own) > 1 else scope)
        if resource.decide is not None:
            context.bind(resource.names)
            if not resource.decide(context, None):
                return
        target, label = self._filled(resource, scope, own)
        identity = resource.identify(self, scope, target)
        if identity is None:
            context.held.append(unidentified(context, plan))
            self.unidentified.append(target)
            return
        for content_plan, content, binary in owned(context, plan, identity, target):
            self._keep(content_plan, content, binary, "Binary", scope)
        self._keep(plan, identity, target, label, scope)

    def _filled(
        self, resource: CompiledResource, scope: Scope, own: Sequence[Scope]
    ) -> tuple[dict[str, Any], str]:
        plan, context = resource.plan, self.context
        target: dict[str, Any] = {"resourceType": plan.type}
        if plan.profile:
            target["meta"] = {"profile": [PROFILE_BASE + plan.profile]}
        self._labels[plan.type] += 1
        label = f"{plan.type}[{self._labels[plan.type]}]"
        for compiled in resource.maps:
            of = compiled.line_map.of
            for around in own:
                for segment in around.segments:
                    if segment.name == of:
                        context.look_at(around, segment)
                        compiled.fill_from_segment(context, segment, target, label)
        for compiled in resource.gather:
            for around, segment in scope.segments_below(compiled.line_map.of):
                context.look_at(around, segment)
                compiled.fill_from_segment(context, segment, target, label)
        if resource.finish:
            context.look_at(scope)
        for finish in resource.finish:
            finish(self, scope, target, label)
        return target, label

    def _own(self, scope: Scope) -> list[Scope]:
        gathered = self._gathers.get(scope.kind)
        if gathered is None:
            return [scope]
        return [scope, *(one for one in scope.inside if one.kind == gathered)]

    def _keep(
        self,
        plan: ResourcePlan,
        identity: Identity,
        target: dict[str, Any],
        label: str,
        scope: Scope,
    ) -> None:
        _drop_repeats(target)
        key = (plan.type, identity)
        known = self._by_identity.get(key)
        if known is None:
            url = _urn(plan.type, identity)
            known = Built(plan, identity, target, [label], [scope], url)
            self._by_identity[key] = known
            self.built.append(known)
            self._by_plan.setdefault(id(plan), []).append(known)
        else:
            # The same thing said twice in one message (SPM under each OBR): one resource.
            merge_into(known.resource, target)
            known.scopes.append(scope)
            known.labels.append(label)
        scope.built[plan.name] = known

    def _link(self, plan: ResourcePlan, link: Link, setter: Setter) -> None:
        for built in self._by_plan.get(id(plan), ()):
            for target in self._targets(built, link):
                setter(built.resource, {"reference": target.full_url})

    def _targets(self, built: Built, link: Link) -> list[Built]:
        if link.resource == "*":
            return [one for one in self.built if one is not built]
        found: list[Built] = []
        for scope in built.scopes:
            nearest = scope.resource(link.resource)
            if nearest is not None:
                found.append(nearest)
                if "+" not in link.target:
                    return found
        inside = [
            below.built[link.resource]
            for scope in built.scopes
            for below in scope.below()
            if link.resource in below.built
        ]
        unique = list(dict.fromkeys([*found, *inside]))
        return unique if "+" in link.target else unique[:1]

    def _resolve_identifiers(self) -> None:
        """References that name a specimen of this message by its number become references to it."""
        for built in self.of_plan("specimen"):
            for parent in built.resource.get("parent", ()):
                named = parent.get("identifier", {})
                identity = Identity(named.get("system", ""), named.get("value", ""))
                known = self.by_identity("Specimen", identity)
                if known is not None and known is not built:
                    parent.clear()
                    parent["reference"] = known.full_url


def _is_needless(plan: ResourcePlan, scope: Scope) -> bool:
    """Whether another plan has made it: of plans of one name the first that applies is taken."""
    if plan.without:
        return any(plan.without in one.built for one in scope.below())
    return plan.name in scope.built


def _urn(resource_type: str, identity: Identity) -> str:
    """A name within the Bundle, always the same for the same identity; a UUID of version 8 (own hash)."""
    digest = sha256(f"{resource_type}|{identity.token}".encode()).hexdigest()
    return f"urn:uuid:{digest[:8]}-{digest[8:12]}-8{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}"


def _drop_repeats(resource: dict[str, Any]) -> None:
    """What several segments of one resource say alike is said once."""
    for name, value in resource.items():
        if type(value) is list and len(value) > 1:
            resource[name] = [entry for i, entry in enumerate(value) if entry not in value[:i]]


def merge_into(known: dict[str, Any], further: Mapping[str, Any]) -> None:
    """Add what is new: absent elements, and list entries that do not stand there yet."""
    for name, value in further.items():
        present = known.get(name)
        if present is None:
            known[name] = value
        elif name == "extension":
            urls = {entry["url"] for entry in present}
            present.extend(entry for entry in value if entry["url"] not in urls)
        elif isinstance(present, list):
            present.extend(entry for entry in value if entry not in present)
        elif isinstance(present, dict) and isinstance(value, dict):
            merge_into(present, value)


def missing_elements(plan: ResourcePlan, resource: Mapping[str, Any]) -> list[Issue]:
    """What a plan requires and a resource lacks, each with the place it should have come from."""
    return [
        error("v2-required-missing", "required", f"{plan.type}.{element}", place=place)
        for element, place in plan.requires.items()
        if not (resource.get(element) or _has(resource, element))
    ]


def _has(resource: Mapping[str, Any], element: str) -> bool:
    if element.startswith("extension("):
        url = element[len("extension(") : -1]
        return any(
            entry["url"].rpartition("/")[2] == url for entry in resource.get("extension", ())
        )
    return bool(resource.get(element))
