"""Message maps: which resources a message of one structure gives, and how they hang together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ingest.mapping.conditions import Condition, ConditionError, parse_condition
from ingest.mapping.language import Name, read_names
from ingest.mapping.places import FieldPlace, parse_place
from ingest.mapping.scopes import ROOT, ScopeRule
from ingest.mapping.yaml_source import Section

Write = Literal["update", "create", "merge"]
WRITES: tuple[Write, ...] = ("update", "create", "merge")
"""create: fills gaps of what is known, never overwrites · merge: updates, and retires what is known under
an identifier whose use is `old`."""


@dataclass(frozen=True, slots=True)
class Link:
    """A reference from one resource to others of the same Bundle, by the element path and their name."""

    target: str
    resource: str
    section: Section
    when: str = ""


@dataclass(frozen=True, slots=True)
class ResourcePlan:
    """One kind of resource a message gives.

    Shape: one for `each` scope where `when` holds; filled by the maps of `maps` from the scope's own
    segments and by those of `gather` from all segments inside; `requires` names the elements without
    which the message is held, each with the place it should have come from; `fills` those elements that
    never overwrite what is known; `without` the resource whose presence in the scope makes it needless.
    """

    name: str
    type: str
    each: str
    maps: tuple[str, ...]
    gather: tuple[str, ...]
    identity: str
    write: Write
    profile: str
    links: tuple[Link, ...]
    finish: tuple[str, ...]
    requires: Mapping[str, str]
    fills: frozenset[str]
    when: Condition | None
    names: Mapping[str, Name]
    section: Section
    without: str = ""


@dataclass(frozen=True, slots=True)
class MessagePlan:
    """One message structure: the message types it serves, its scopes and its resources."""

    name: str
    types: tuple[str, ...]
    scopes: tuple[ScopeRule, ...]
    resources: tuple[ResourcePlan, ...]


def read_plan(section: Section) -> MessagePlan:
    """A message map.

    Errors: MapError with file, line and what was expected.
    """
    section.only("message", "types", "source", "note", "scopes", "resources")
    scopes = section.section("scopes")
    rules = tuple(_scope(name, scopes) for name in scopes)
    kinds = {ROOT, *(rule.name for rule in rules)}
    resources = tuple(_resource(entry, kinds) for entry in section.sections("resources"))
    names = {plan.name for plan in resources}
    for plan in resources:
        for link in plan.links:
            if link.resource not in names and link.resource != "*":
                raise link.section.fault(f"a resource of this message, found `{link.resource}`")
    return MessagePlan(section.text("message"), tuple(_list(section, "types")), rules, resources)


def _list(section: Section, key: str) -> Sequence[str]:
    value = section.get(key, [])
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise section.fault(f"`{key}:` with a list of names", key)
    return value


def _scope(name: str, scopes: Section) -> ScopeRule:
    section = scopes.section(name)
    section.only("opens", "within", "joins", "gathers", "by", "owns")
    joins = section.section("joins")
    joins.only("same", "types")
    return ScopeRule(
        name=name,
        within=section.text("within", ROOT),
        opens=tuple(_list(section, "opens")),
        joins=tuple(_place(joins, text) for text in _list(joins, "same")),
        joins_types=frozenset(_list(joins, "types")),
        owns=frozenset(_list(section, "owns")),
        gathers=section.text("gathers", ""),
        by=tuple(_place(section, text) for text in _list(section, "by")),
    )


def _place(section: Section, text: str) -> FieldPlace:
    place = parse_place(text)
    if not isinstance(place, FieldPlace):
        raise section.fault(f"a field such as OBR-3, found `{text}`")
    return place


def _resource(section: Section, kinds: set[str]) -> ResourcePlan:
    section.only(
        "name", "type", "each", "from", "gather", "identity", "write", "profile", "links", "finish",
        "requires", "let", "when", "note", "fills", "without",
    )  # fmt: skip
    each = section.text("each", ROOT)
    if each not in kinds:
        raise section.fault(f"one of the scopes {', '.join(sorted(kinds))}", "each")
    write = section.text("write", "update")
    if write not in WRITES:
        raise section.fault(f"one of {', '.join(WRITES)}", "write")
    requires = section.section("requires")
    names = read_names(section.section("let"))
    return ResourcePlan(
        name=section.text("name"),
        type=section.text("type"),
        each=each,
        maps=tuple(_list(section, "from")),
        gather=tuple(_list(section, "gather")),
        identity=section.text("identity"),
        write=write,
        profile=section.text("profile", ""),
        links=tuple(_link(entry) for entry in section.sections("links")),
        finish=tuple(_list(section, "finish")),
        requires={element: requires.text(element) for element in requires},
        fills=frozenset(_list(section, "fills")),
        when=_condition(section, tuple(names)),
        names=names,
        section=section,
        without=section.text("without", ""),
    )


def _link(section: Section) -> Link:
    section.only("to", "resource", "departs", "row", "when")
    return Link(section.text("to"), section.text("resource"), section, section.text("when", ""))


def _condition(section: Section, names: Sequence[str]) -> Condition | None:
    if "when" not in section:
        return None
    try:
        return parse_condition(section.text("when"), names)
    except ConditionError as fault:
        raise section.fault(str(fault), "when") from None
