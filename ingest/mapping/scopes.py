"""Which segments of a message speak about the same thing.

A scope opens at its segment and takes what follows until another opens: an OBX with its NTE is one
observation, ORC and OBR with what follows one order. Nothing is lost by an order of segments that the
standard does not foresee (OBX after SPM): every segment belongs to exactly one scope.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from ingest.mapping.places import FieldPlace

ROOT = "message"


@dataclass(frozen=True, slots=True)
class ScopeRule:
    """How one kind of scope arises.

    Shape: `opens` the segments that open it, in their order within it; `within` the kind it lies in;
    a segment that agrees with the one before in every place of `joins`, and whose value type is one of
    `joins_types`, continues its scope; segments it `owns` belong to the scope around wherever they stand
    (Z segments at the end of a message speak of the patient); `gathers` makes one scope of all those of
    a kind that agree in the first valued place of `by`.
    """

    name: str
    within: str
    opens: tuple[str, ...] = ()
    joins: tuple[FieldPlace, ...] = ()
    joins_types: frozenset[str] = frozenset()
    owns: frozenset[str] = frozenset()
    gathers: str = ""
    by: tuple[FieldPlace, ...] = ()


@dataclass(slots=True, eq=False)
class Scope:
    """One scope: its own segments in order, the scopes inside, and the resources made of it."""

    kind: str
    parent: "Scope | None"
    segments: list[Any] = field(default_factory=list)
    inside: list["Scope"] = field(default_factory=list)
    built: dict[str, Any] = field(default_factory=dict)
    before: "Scope | None" = None
    _visible: dict[str, Any] | None = None
    _below: "Sequence[Scope] | None" = None
    _segments_below: "dict[str, list[tuple[Scope, Any]]] | None" = None

    def named(self, name: str) -> list[Any]:
        """Its own segments of this name."""
        return [segment for segment in self.segments if segment.name == name]

    def visible(self) -> dict[str, Any]:
        """The segment that each name means here: its own first, then those of the scopes around it."""
        if self._visible is None:
            own: dict[str, Any] = {}
            for segment in self.segments:
                own.setdefault(segment.name, segment)
            around = self.parent.visible() if self.parent else {}
            self._visible = {**around, **own}
        return self._visible

    def walk(self) -> Iterator["Scope"]:
        """The scope itself and all inside, in message order, while scopes are still made."""
        yield self
        for scope in self.inside:
            yield from scope.walk()

    def below(self) -> "Sequence[Scope]":
        """The same once all are made. Cost: walked once."""
        if self._below is None:
            self._below = (self, *chain.from_iterable(scope.below() for scope in self.inside))
        return self._below

    def segments_below(self, name: str) -> "Sequence[tuple[Scope, Any]]":
        """The segments of a name with the scopes they lie in, likewise once all scopes are made."""
        found = self._segments_below
        if found is None:
            found = self._segments_below = {}
            for scope in self.below():
                for segment in scope.segments:
                    found.setdefault(segment.name, []).append((scope, segment))
        return found.get(name, ())

    def resource(self, name: str) -> Any:
        """The resource of this name made of this scope or the nearest one around it."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.built:
                return scope.built[name]
            scope = scope.parent
        return None


def read_scopes(segments: Sequence[Any], rules: Sequence[ScopeRule]) -> Scope:
    """The scopes of a message, the message itself at the root."""
    root = Scope(ROOT, None)
    openers = {name: rule for rule in rules for name in rule.opens}
    owners = {name: rule.name for rule in rules for name in rule.owns}
    current = root
    for segment in segments:
        rule = openers.get(segment.name)
        if rule is not None:
            current = _open(rule, segment, current, root)
        kind = owners.get(segment.name)
        owner = _around(current, kind) if kind else None
        (owner or current).segments.append(segment)
    for rule in rules:
        if rule.gathers:
            _gather(rule, root)
    return root


def _open(rule: ScopeRule, segment: Any, current: Scope, root: Scope) -> Scope:
    same = _around(current, rule.name)
    if same is not None and (_continues(rule, segment, same) or _takes(rule, segment, same)):
        return same
    parent = _around(current, rule.within) or root
    opened = Scope(rule.name, parent, before=_last_of_another_kind(parent, rule.name))
    parent.inside.append(opened)
    return opened


def _around(scope: Scope | None, kind: str) -> Scope | None:
    while scope is not None and scope.kind != kind:
        scope = scope.parent
    return scope


def _takes(rule: ScopeRule, segment: Any, scope: Scope) -> bool:
    """Whether a further opener belongs to the scope already open: OBR after its ORC."""
    not_before = rule.opens[rule.opens.index(segment.name) :]
    return all(one.name not in not_before for one in scope.segments)


def _continues(rule: ScopeRule, segment: Any, scope: Scope) -> bool:
    if not rule.joins or not scope.segments:
        return False
    if segment.text(2) not in rule.joins_types:
        return False
    last = scope.named(segment.name)[-1]
    return all(_text(segment, place) == _text(last, place) for place in rule.joins)


def _last_of_another_kind(parent: Scope, kind: str) -> Scope | None:
    """The scope that came before on the same level: the specimen that an OBX follows."""
    for scope in reversed(parent.inside):
        if scope.kind != kind:
            return scope
    return None


def _gather(rule: ScopeRule, root: Scope) -> None:
    for parent in [scope for scope in root.walk() if scope.kind == rule.within]:
        gathered: dict[str, Scope] = {}
        inside: list[Scope] = []
        for scope in parent.inside:
            if scope.kind != rule.gathers:
                inside.append(scope)
                continue
            key = _key(scope, rule.by) or f"#{len(inside)}"
            case = gathered.get(key)
            if case is None:
                case = gathered[key] = Scope(rule.name, parent)
                inside.append(case)
            scope.parent = case
            case.inside.append(scope)
        parent.inside = inside


def _key(scope: Scope, places: Sequence[FieldPlace]) -> str:
    for place in places:
        for segment in scope.named(place.segment):
            text = _text(segment, place)
            if text:
                return text
    return ""


def _text(segment: Any, place: FieldPlace) -> str:
    text: str | None = segment.text(place.field, place.component or 1, place.subcomponent or 1)
    return text or ""
