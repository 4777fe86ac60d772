"""Merging what a message says into what is stored, so that the order of arrival does not matter.

Every top-level element (and every extension) has the key of the message it came from; the higher key
wins, an element that a message leaves empty is left alone, one it clears (`""`) is gone until a higher
key brings it back. Elements that collect (identifiers, results, specimens, evidence) are united. What
has no key (written through another door, or by a report about a patient) loses against any key.

The keys stand in `meta.extension`: one for the whole resource, and those of elements that differ.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import Any

from ingest.mapping.movement_key import is_movement_key

AS_OF = "https://osteon.example/fhir/StructureDefinition/as-of"
UNITED = frozenset({"identifier", "specimen", "result", "parent", "evidence", "link", "basedOn"})
"""Lists that collect what several messages say; everything else is replaced."""

ATOMIC = frozenset({"Observation"})
"""Types that a message says as a whole: a corrected value takes the place of the old one with all that
belonged to it (value[x] of another type, dataAbsentReason)."""

PARTED: Mapping[str, frozenset[str]] = {
    "DocumentReference": frozenset({"context"}),
    "Encounter": frozenset({"hospitalization", "period"}),
    "Specimen": frozenset({"collection"}),
}
"""Elements whose parts are told by different messages: the end of a stay by its discharge, which says
nothing of how the patient came. Each part has a key of its own."""

CHOICES = ("abatement", "collected", "deceased", "effective", "multipleBirth", "onset")
"""Elements of which one type at a time may be present (FHIR `[x]`)."""

NUMBER = "number("
"""Begins the names of keys about single identifiers."""

META_LISTS = ("tag", "security")
BELONGING = "extension(https://osteon.example/fhir/StructureDefinition/tumour)"
"""The link to its tumour that a resource told as a whole keeps where a message does not tell the tumour: a
cancellation often names nothing but what it takes back."""
ASSERTED_DATE = "http://hl7.org/fhir/StructureDefinition/condition-assertedDate"

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Said:
    """A resource as one message says it: `key` empty for what fills gaps and never overwrites.

    Shape: `element_keys` for elements whose key is not that of the message; `cleared` those that the
    message clears (`period.end`, `extension(URL)`) and says nothing of elsewhere.
    """

    resource: Resource
    key: str
    cleared: frozenset[str] = frozenset()
    element_keys: Mapping[str, str] = field(default_factory=dict)

    @property
    def gone(self) -> frozenset[str]:
        """The names of the cleared elements."""
        resource_type = self.resource["resourceType"]
        told = {name for name, _ in _elements(self.resource)}
        return frozenset(_cleared_name(resource_type, one) for one in self.cleared) - told

    def key_of(self, name: str) -> str:
        """The key of an element."""
        return self.element_keys.get(name, self.key)


def said_before(stored: Resource, content: Resource) -> Said:
    """What messages have said of a stored resource, to be said of another one, each element with its key."""
    keys = _read_keys(stored)
    present = {name for name, _ in _elements(stored)}
    gone = frozenset(
        name for name in keys.elements if name not in present and not name.startswith(NUMBER)
    )
    return Said(content, keys.common, gone, keys.elements)


def merged(stored: Mapping[str, Any], said: Said) -> Resource:
    """The resource to store.

    Shape: elements by name, parts as `period.end`, choices as `deceased[x]`, extensions by URL,
    `meta.tag` as `tag`.
    """
    present = dict(_elements(stored))
    keys = _read_keys(stored)
    further = dict(_elements(said.resource))
    if said.resource["resourceType"] in ATOMIC:
        result = _whole(present, further, keys, said.key)
    else:
        result = _by_element(present, further, keys, said)
    return _resource(stored, said.resource, result, keys)


def _whole(
    present: dict[str, Any], further: dict[str, Any], keys: "_Keys", key: str
) -> dict[str, Any]:
    is_further = _wins(key, further, keys.common, present)
    winner, other = (further, present) if is_further else (present, further)
    identifiers = _united_numbers(present.get("identifier", []), further.get("identifier", []))
    if is_further:
        keys.common, keys.elements = key, {}
    belonging = {BELONGING: other[BELONGING]} if BELONGING in other else {}
    return {**belonging, **winner, "identifier": identifiers}


def _by_element(
    present: dict[str, Any], further: dict[str, Any], keys: "_Keys", said: Said
) -> dict[str, Any]:
    result = dict(present)
    known = frozenset({*present, *keys.elements})
    for name, value in further.items():
        if name == "identifier":
            result[name] = _numbers(present.get(name, []), value, keys, said)
        elif name in UNITED:
            result[name] = UNITES.get(name, _united)(present.get(name, []), value)
        elif name == f"extension({ASSERTED_DATE})":
            result[name] = _earlier(present.get(name), value)
        elif name not in known or _wins(said.key_of(name), value, keys.of(name), present.get(name)):
            result[name] = value
            keys.elements[name] = said.key_of(name)
    for name in said.gone:
        if name not in UNITED and said.key_of(name) >= keys.of(name):
            result.pop(name, None)
            keys.elements[name] = said.key_of(name)
    return result


def _wins(key: str, value: Any, known_key: str, known: Any) -> bool:
    """Of two equal keys the greater text wins, so that the order of arrival does not decide."""
    if not key or key != known_key:
        return key > known_key
    return known is None or repr(value) > repr(known)


@dataclass(slots=True)
class _Keys:
    """The keys of a stored resource: elements not named have the common one."""

    common: str
    elements: dict[str, str]

    def of(self, name: str) -> str:
        return self.elements.get(name, self.common)

    def written(self, present: Mapping[str, Any]) -> str:
        """As one text: `common;element=key;…`, common being the key that most elements have."""
        # The earlier date of diagnosis wins whoever said it when: a key of it would tell of the order only.
        keyless = {*UNITED, f"extension({ASSERTED_DATE})"}
        names = [name for name in {*present, *self.elements} if name not in keyless]
        keys = {name: self.of(name) for name in sorted(names)}
        common = max(keys.values(), default="")
        # A cleared element is always named: nothing else tells that it was ever there.
        told = (name for name, key in keys.items() if key != common or name not in present)
        others = [f"{name}={keys[name]}" for name in told]
        return ";".join([common, *others])


def settled(resource: Resource, elements: Mapping[str, Any], key: str) -> Resource:
    """A stored resource with elements that follow from other resources, under the key that these give.

    Shape: what was told without them, and later, stays.
    """
    present, keys = dict(_elements(resource)), _read_keys(resource)
    for name, value in elements.items():
        if is_movement_key(keys.of(name)) or keys.of(name) < key:
            present[name] = value
            keys.elements[name] = key
    return _resource(resource, {"resourceType": resource["resourceType"]}, present, keys)


def key_of(resource: Resource) -> str:
    """The key of what was told last of a stored resource."""
    return _read_keys(resource).common


def with_keys(said: Said) -> Resource:
    """A resource that is stored for the first time, with the keys that later messages compare with."""
    elements = dict(_elements(said.resource))
    numbers = [name for name in said.element_keys if name.startswith(NUMBER)]
    keys = _Keys("", {name: said.key_of(name) for name in [*elements, *said.gone, *numbers]})
    return _resource({}, said.resource, elements, keys)


def _elements(resource: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    parted = PARTED.get(resource["resourceType"], frozenset())
    for name, value in resource.items():
        if name in {"resourceType", "id", "meta"}:
            continue
        if name in parted:
            yield from _parts(name, value)
            continue
        if name == "extension":
            for extension in value:
                yield f"extension({extension['url']})", extension
        else:
            choice = _element_name(name)
            yield choice, value if choice == name else {name: value}
    for name in META_LISTS:
        if resource.get("meta", {}).get(name):
            yield name, resource["meta"][name]


def _parts(name: str, value: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for part, inner in value.items():
        choice = _element_name(part)
        yield f"{name}.{choice}", inner if choice == part else {part: inner}


def _cleared_name(resource_type: str, cleared: str) -> str:
    """The name that an element to clear has in a merge; a part of its own only where parts are told apart."""
    if cleared.startswith("extension("):
        return cleared
    name, _, part = cleared.partition(".")
    is_part = part and name in PARTED.get(resource_type, ())
    return f"{name}.{_element_name(part)}" if is_part else _element_name(name)


@lru_cache(maxsize=1024)
def _element_name(name: str) -> str:
    for choice in CHOICES:
        if name.startswith(choice) and name[len(choice) : len(choice) + 1].isupper():
            return f"{choice}[x]"
    return name


def _read_keys(stored: Mapping[str, Any]) -> _Keys:
    for extension in stored.get("meta", {}).get("extension", ()):
        if extension["url"] == AS_OF:
            common, *others = extension["valueString"].split(";")
            elements = dict(entry.rsplit("=", 1) for entry in others)
            return _Keys(common, elements)
    return _Keys("", {})


def _united(present: list[Any], further: list[Any]) -> list[Any]:
    known = [_sameness(entry) for entry in present]
    return [*present, *(entry for entry in further if _sameness(entry) not in known)]


def number_name(identifier: Mapping[str, Any]) -> str:
    """The name under which the key of a merge stands that told last whether a number is in use."""
    number = f"{identifier.get('system')}|{identifier.get('value')}"
    return f"{NUMBER}{sha256(number.encode()).hexdigest()[:12]})"


def _numbers(
    present: list[Any], further: list[Any], keys: "_Keys", said: Said
) -> list[dict[str, Any]]:
    """Identifiers, each retired or in use as the last merge that named it tells; messages that are no merge
    bring no retired number back.
    """
    told = {_sameness(entry): entry for entry in further}
    result = []
    for entry in _united_numbers(present, further):
        name, same = number_name(entry), _sameness(entry)
        known_key, told_key = keys.elements.get(name, ""), said.element_keys.get(name, "")
        if same in told and told_key > known_key:
            keys.elements[name] = told_key
            result.append(told[same])
        elif known_key > told_key:
            result += [one for one in present if _sameness(one) == same]
        else:
            result.append(entry)
    return result


def _united_numbers(present: list[Any], further: list[Any]) -> list[Any]:
    """Identifiers; one that either side knows as retired is retired, whatever comes later."""
    old = {_sameness(entry) for entry in (*present, *further) if entry.get("use") == "old"}
    return [
        {**entry, "use": "old"} if _sameness(entry) in old else entry
        for entry in _united(present, further)
    ]


def _united_evidence(present: list[Any], further: list[Any]) -> list[Any]:
    details = [detail for one in present for detail in one.get("detail", ())]
    new = [d for one in further for d in one.get("detail", ()) if d not in details]
    if not new:
        return present
    rest = [deepcopy(one) for one in present] or [{}]
    rest[0].setdefault("detail", []).extend(new)
    return rest


def _sameness(entry: Mapping[str, Any]) -> Any:
    """What makes two entries the same: the reference, or system and value of an identifier."""
    if "reference" in entry:
        return entry["reference"]
    if "other" in entry:
        return entry["other"]["reference"], entry["type"]
    return (entry.get("system"), entry.get("value")) if "value" in entry else entry


UNITES = {"evidence": _united_evidence}


def _earlier(present: Mapping[str, Any] | None, further: Mapping[str, Any]) -> Any:
    """The earlier of two dates of diagnosis; of one within the other the more precise."""
    if present is None:
        return further
    old, new = str(present["valueDateTime"]), str(further["valueDateTime"])
    if old.startswith(new) or new.startswith(old):
        return present if len(old) >= len(new) else further
    return present if old < new else further


def _resource(
    stored: Mapping[str, Any],
    said: Mapping[str, Any],
    elements: Mapping[str, Any],
    keys: _Keys,
) -> Resource:
    meta = _meta(stored, said, keys.written(elements))
    result: Resource = {"resourceType": said["resourceType"]}
    if "id" in stored:
        result["id"] = stored["id"]
    result["meta"] = meta
    extensions = []
    for name, value in elements.items():
        if name in META_LISTS:
            meta[name] = value
        elif name.startswith("extension("):
            extensions.append(value)
        else:
            around, _, part = name.rpartition(".")
            inside = result.setdefault(around, {}) if around else result
            inside.update(value if part.endswith("[x]") else {part: value})
    if extensions:
        result["extension"] = extensions
    if not meta:
        del result["meta"]
    return result


def _meta(stored: Mapping[str, Any], said: Mapping[str, Any], written: str) -> Resource:
    meta: Resource = {
        name: value
        for name, value in stored.get("meta", {}).items()
        if name not in {"extension", *META_LISTS}
    }
    profiles = [*meta.get("profile", ()), *said.get("meta", {}).get("profile", ())]
    if profiles:
        meta["profile"] = list(dict.fromkeys(profiles))
    others = [e for e in stored.get("meta", {}).get("extension", ()) if e["url"] != AS_OF]
    if written:
        others.append({"url": AS_OF, "valueString": written})
    if others:
        meta["extension"] = others
    return meta
