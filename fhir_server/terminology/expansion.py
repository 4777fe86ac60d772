"""What a value set holds, as compact sets of codes by system."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from fhir_server.model.issues import Reason
from fhir_server.terminology.grammars import Grammar

NO_CODES: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Expansion:
    """The codes of a value set.

    Shape: `codes` by system, shared with other expansions where a whole system is held; `grammars` the
    systems held by rule, without the codes in `excluded`; `unavailable` the systems whose codes cannot be
    told, each with the reason.
    """

    codes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    grammars: Mapping[str, Grammar] = field(default_factory=dict)
    excluded: Mapping[str, frozenset[str]] = field(default_factory=dict)
    unavailable: Mapping[str, Reason] = field(default_factory=dict)
    folded: frozenset[str] = NO_CODES
    """The systems in which upper and lower case are the same."""

    def contains(self, system: str, code: str) -> bool | None:
        """Whether a code of a system is held; None where that cannot be told offline."""
        known = self.codes.get(system)
        if known is not None:
            if code in known:
                return True
            if system in self.folded and code.lower() in {c.lower() for c in known}:
                return True
        grammar = self.grammars.get(system)
        if grammar is not None and code not in self.excluded.get(system, NO_CODES):
            answer = grammar(code)
            if answer is not False:
                return answer
        if system in self.unavailable or "" in self.unavailable:
            return None
        return False

    def contains_code(self, code: str) -> bool | None:
        """Whether a bare code is held, of whichever system."""
        answer: bool | None = False
        for system in self.systems():
            held = self.contains(system, code)
            if held:
                return True
            if held is None:
                answer = None
        return None if "" in self.unavailable else answer

    def systems(self) -> Iterable[str]:
        """Every system that the value set draws on."""
        return dict.fromkeys((*self.codes, *self.grammars, *self.unavailable))

    @property
    def is_closed(self) -> bool:
        """Whether every code it holds is listed in `codes`."""
        return not (self.grammars or self.unavailable or self.folded)

    def all_codes(self) -> frozenset[str]:
        """The codes of all systems together, for elements that carry no system."""
        sets = list(self.codes.values())
        return sets[0] if len(sets) == 1 else frozenset().union(*sets)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        for system, codes in self.codes.items():
            for code in codes:
                yield system, code


def united(expansions: Iterable[Expansion]) -> Expansion:
    """What any of the expansions holds."""
    codes: dict[str, frozenset[str]] = {}
    grammars: dict[str, Grammar] = {}
    unavailable: dict[str, Reason] = {}
    folded: frozenset[str] = NO_CODES
    for expansion in expansions:
        for system, held in expansion.codes.items():
            present = codes.get(system)
            codes[system] = held if present is None or present is held else present | held
        grammars.update(expansion.grammars)
        unavailable.update(expansion.unavailable)
        folded |= expansion.folded
    return Expansion(codes, grammars, {}, unavailable, folded)


def intersected(first: Expansion, second: Expansion) -> Expansion:
    """What both expansions hold; a system that one of them cannot tell stays open."""
    codes: dict[str, frozenset[str]] = {}
    grammars: dict[str, Grammar] = {}
    unavailable: dict[str, Reason] = {}
    for system in (*first.systems(), *second.systems()):
        one, other = first.codes.get(system, NO_CODES), second.codes.get(system, NO_CODES)
        held = {code for code in one if second.contains(system, code)}
        held |= {code for code in other if first.contains(system, code)}
        if held:
            codes[system] = frozenset(held)
        if system in first.grammars and system in second.grammars:
            grammars[system] = first.grammars[system]
        for expansion, beside in ((first, second), (second, first)):
            # A list that the other side cannot check: kept as what may be, not as what is.
            if system in expansion.unavailable and _may_hold(beside, system):
                unavailable[system] = expansion.unavailable[system]
    return Expansion(codes, grammars, {}, unavailable, first.folded | second.folded)


def _may_hold(expansion: Expansion, system: str) -> bool:
    return system in expansion.systems() or "" in expansion.unavailable


def without(expansion: Expansion, excluded: Expansion) -> Expansion:
    """What the first holds and the second does not."""
    codes: dict[str, frozenset[str]] = {}
    for system, held in expansion.codes.items():
        gone = {code for code in held if excluded.contains(system, code)}
        codes[system] = held - gone if gone else held
    return Expansion(
        codes, expansion.grammars, excluded.codes, expansion.unavailable, expansion.folded
    )
