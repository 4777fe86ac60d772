"""Segment groups: which OBX belongs to which OBR, which NTE to which OBX.

Each segment goes to the innermost open group that has a place for it; where none has, groups are opened
on the way to its place; a segment that the structure does not know (Z segments, pre-adopted ones) stays
with the group that is open. So every segment ends up in exactly one group, in order.

Source: HL7 v2.5.1 §2.5.2 (segment groups), structures as in `structures`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

from ingest.hl7v2.message import Message
from ingest.hl7v2.segment import Segment
from ingest.hl7v2.structures import STRUCTURE_BY_TYPE, STRUCTURES


@dataclass(frozen=True, slots=True)
class GroupDefinition:
    """A group of a structure: the segments it holds itself and the groups inside it.

    Shape: `head` are the segments that begin it, in order; `routes` says for every segment that has its
    place deeper inside which groups to open on the way.
    """

    name: str
    segments: frozenset[str]
    head: tuple[str, ...]
    children: "tuple[GroupDefinition, ...]"
    routes: "dict[str, tuple[GroupDefinition, ...]]"


@dataclass(slots=True)
class Group:
    """A group of a message: `members` are its segments and groups in the message's order."""

    definition: GroupDefinition
    members: "list[Segment | Group]" = field(default_factory=list)

    @property
    def name(self) -> str:
        """The group's name, such as ORDER_OBSERVATION; for the root the structure's."""
        return self.definition.name

    def segment(self, name: str) -> Segment | None:
        """The first segment of a name that the group holds itself."""
        return next(iter(self.own(name)), None)

    def own(self, name: str) -> list[Segment]:
        """The segments of a name that the group holds itself."""
        return [m for m in self.members if isinstance(m, Segment) and m.name == name]

    def groups(self, name: str) -> "list[Group]":
        """The groups of a name directly inside."""
        return [m for m in self.members if isinstance(m, Group) and m.name == name]

    def find(self, name: str) -> "Iterator[Group]":
        """The groups of a name at any depth."""
        for member in self.members:
            if isinstance(member, Group):
                if member.name == name:
                    yield member
                yield from member.find(name)

    def all(self, name: str) -> Iterator[Segment]:
        """The segments of a name at any depth."""
        return (segment for segment in self.walk() if segment.name == name)

    def walk(self) -> Iterator[Segment]:
        """Every segment at any depth, in the message's order."""
        for member in self.members:
            if isinstance(member, Segment):
                yield member
            else:
                yield from member.walk()


def group(message: Message) -> Group:
    """The message's groups by its structure; for one that is not known all segments stand in the root."""
    root = Group(structure(structure_name(message)))
    open_groups = [root]
    for segment in message.segments:
        _place(segment, open_groups)
    return root


def structure_name(message: Message) -> str:
    """The structure that counts: MSH-9.3 if known, else by type and trigger event."""
    declared = message.structure or ""
    by_event = STRUCTURE_BY_TYPE.get(f"{message.type}^{message.trigger}")
    if by_event is not None:
        return by_event
    return declared if declared in STRUCTURES else STRUCTURE_BY_TYPE.get(message.type or "", "")


def _place(segment: Segment, open_groups: list[Group]) -> None:
    for depth in range(len(open_groups) - 1, -1, -1):
        candidate = open_groups[depth]
        if _holds(candidate, segment.name):
            del open_groups[depth + 1 :]
            candidate.members.append(segment)
            return
        route = candidate.definition.routes.get(segment.name)
        if route is not None and not _is_complete(candidate, route[0]):
            del open_groups[depth + 1 :]
            for definition in route:
                opened = Group(definition)
                open_groups[-1].members.append(opened)
                open_groups.append(opened)
            open_groups[-1].members.append(segment)
            return
    open_groups[-1].members.append(segment)


def _holds(candidate: Group, name: str) -> bool:
    """Whether the segment continues the group: a head segment that is already there begins a new one."""
    definition = candidate.definition
    if name not in definition.segments:
        return False
    if name not in definition.head or not candidate.members:
        return True
    place = definition.head.index(name)
    there = {member.name for member in candidate.members if isinstance(member, Segment)}
    return there.isdisjoint(definition.head[place:])


def _is_complete(candidate: Group, opened: GroupDefinition) -> bool:
    """Whether the group begins with a group that it already has: another one begins the next of both."""
    definition = candidate.definition
    begins_with_group = not definition.segments and bool(definition.children)
    return (
        begins_with_group
        and opened is definition.children[0]
        and bool(candidate.groups(opened.name))
    )


# The segments that together begin an order: a second one of them begins the next order.
_ORDER_HEAD = frozenset({"ORC", "OBR"})
_ORDER_GROUPS = frozenset({"ORDER_OBSERVATION", "ORDER", "COMMON_ORDER"})
_TOKENS = re.compile(r"\(([A-Z_]+)|([A-Z][A-Z0-9]{2})|(\))")


@cache
def structure(name: str) -> GroupDefinition:
    """The compiled structure; one without groups for a name that is not known."""
    tokens = _TOKENS.finditer(STRUCTURES.get(name, ""))
    return _compile(name, iter(tokens))


def _compile(name: str, tokens: Iterator[re.Match[str]]) -> GroupDefinition:
    segments: list[str] = []
    children: list[GroupDefinition] = []
    for token in tokens:
        opened, segment, closed = token.groups()
        if closed:
            break
        if opened:
            children.append(_compile(opened, tokens))
        else:
            segments.append(segment)
    head = _head(name, segments)
    return GroupDefinition(name, frozenset(segments), head, tuple(children), _routes(children))


def _head(name: str, segments: list[str]) -> tuple[str, ...]:
    if name in STRUCTURES:
        return ()
    if name in _ORDER_GROUPS:
        return tuple(segment for segment in segments if segment in _ORDER_HEAD)
    return tuple(segments[:1])


def _routes(children: list[GroupDefinition]) -> dict[str, tuple[GroupDefinition, ...]]:
    """First the groups that begin with the segment, then those deeper down, then any that hold it."""
    routes: dict[str, tuple[GroupDefinition, ...]] = {}
    for child in children:
        for begin in child.head:
            routes.setdefault(begin, (child,))
    for child in children:
        for begin, route in child.routes.items():
            routes.setdefault(begin, (child, *route))
        for begin in child.segments:
            routes.setdefault(begin, (child,))
    return routes
