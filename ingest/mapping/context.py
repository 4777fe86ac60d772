"""What a map knows while it runs: the message's segments in sight, the centre, and the ledger of leaves."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from fhir_server.model.issues import Issue, because, error, warning
from ingest.mapping.centres import Centre, CentreRegister
from ingest.mapping.codes import CodeMaps
from ingest.mapping.embedded import Embedded
from ingest.mapping.result import FateKind
from ingest.mapping.scopes import Scope
from ingest.mapping.view import FieldView, Leaf, View

ReadName = Callable[["Context"], str | None]
"""What a name of a `let:` section means of the segments in sight."""


class Spread(NamedTuple):
    """The elements that carry the leaves of one value: component, subcomponent, and the end of the
    element's name after `element`.
    """

    element: str
    leaves: Sequence[tuple[int, int, str]]


Entry = tuple[Leaf, FateKind, "str | Spread"]
"""A leaf, its fate, and the element that carries it or the reason why none does."""


def spread(entry: Entry) -> list[tuple[Leaf, FateKind, str]]:
    """The leaves of an entry one by one."""
    leaf, kind, text = entry
    if isinstance(text, str):
        return [(leaf, kind, text)]
    return [
        ((*leaf[:3], component, sub), kind, text.element + rest)
        for component, sub, rest in text.leaves
    ]


MOST_FIELDS = 1000
"""More than a segment that any map reads has: places are numbered by it."""


@dataclass(slots=True)
class Sight:
    """The segments in sight, and what has been read of them."""

    current: Mapping[str, Any]
    names: dict[int, Mapping[str, str | None]] = field(default_factory=dict)
    read: dict[str, str | None] = field(default_factory=dict)
    valued: dict[str, bool] = field(default_factory=dict)


class Context:
    """The state of one message's mapping."""

    __slots__ = (
        "centre",
        "cleared",
        "codes",
        "current",
        "documents",
        "forbidden",
        "held",
        "issues",
        "ledger",
        "looks_at",
        "made",
        "named",
        "names",
        "read",
        "register",
        "sight",
        "sights",
        "valued",
    )

    def __init__(self, centre: Centre, register: CentreRegister, codes: CodeMaps) -> None:
        self.centre = centre
        self.register = register
        self.codes = codes
        self.sights: dict[int, Sight] = {}
        self.sight = Sight({})
        self.looks_at: int | None = None
        self.current: Mapping[str, Any] = {}
        self.made: dict[int, list[View]] = {}
        self.read: dict[str, str | None] = {}
        self.valued: dict[str, bool] = {}
        self.named: dict[tuple[int, int], str | None] = {}
        self.names: Mapping[str, str | None] = {}
        self.ledger: list[Entry] = []
        self.issues: list[Issue] = []
        self.held: list[Issue] = []
        self.cleared: set[str] = set()
        self.documents: dict[Leaf, Embedded | None] = {}
        self.forbidden: set[Leaf] = set()

    def look_at(self, scope: Scope, segment: Any = None) -> None:
        """Bring other segments in sight: those a scope sees, with one of its own in front.

        Cost: what was read of them is remembered for the next map that looks at them.
        """
        own = segment or (scope.segments[0] if scope.segments else None)
        key = own.index if own is not None else -1 - id(scope)
        if key == self.looks_at:
            return
        self.looks_at = key
        sight = self.sights.get(key)
        if sight is None:
            visible = scope.visible()
            if own is not None and visible.get(own.name) is not own:
                visible = {**visible, own.name: own}
            sight = self.sights[key] = Sight(visible)
        self.sight = sight
        self.current = sight.current
        self.read = sight.read
        self.valued = sight.valued

    def bind(self, names: Mapping[str, ReadName]) -> None:
        """Let names mean what they mean of the segments now in sight. Cost: read once for each sight."""
        if not names:
            self.names = {}
            return
        known = self.sight.names.get(id(names))
        if known is None:
            known = {name: read(self) for name, read in names.items()}
            self.sight.names[id(names)] = known
        self.names = known

    def keep_after_all(self, element: str, reason: str) -> None:
        """What was mapped to a resource that is left out is kept: `element` begins its elements' names."""
        self.ledger = [
            (leaf, "kept", reason)
            if kind == "mapped" and text.startswith(element)
            else (leaf, kind, text)
            for entry in self.ledger
            for leaf, kind, text in spread(entry)
        ]

    def views(self, segment: str, number: int) -> list[View]:
        """The repetitions of a field of the segment now in sight; the same wherever it is in sight."""
        found = self.current.get(segment)
        if found is None:
            return []
        key = found.index * MOST_FIELDS + number
        views = self.made.get(key)
        if views is None:
            views = self.made[key] = found.repetitions(number, FieldView)
        return views

    def mapped(self, leaf: Leaf, element: str) -> None:
        """Note that an element carries a leaf."""
        self.ledger.append((leaf, "mapped", element))

    def kept(self, leaf: Leaf, reason: str) -> None:
        """Note that a leaf stays in the raw message only."""
        self.ledger.append((leaf, "kept", reason))

    def rejected(self, view: View, component: int, reason: str, element: str) -> None:
        """Note that a value cannot become what its element takes, and tell the centre."""
        self.ledger.append((view.leaf(component), "rejected", reason))
        self.issues.append(
            warning(
                "v2-value-rejected",
                "value",
                element,
                reason=because(f"because-{reason}"),
                place=place_of(view, component),
            )
        )

    def unmapped_code(self, table: str, code: str, element: str, *, hold: bool) -> None:
        """Note a code without target. The code is of a table, never a value of the patient."""
        make, into = (error, self.held) if hold else (warning, self.issues)
        issue = make(
            "v2-code-unmapped",
            "code-invalid",
            element,
            table=table,
            local_code=code,
            centre=self.centre.id,
        )
        if issue not in into:
            into.append(issue)


def place_of(view: View, component: int) -> str:
    """The place of a value as people write it."""
    found = view.repetition
    return f"{found.segment.name}-{found.field}[{found.number}].{component or 1}"
