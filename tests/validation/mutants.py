"""Resources with one fault each, made from good ones by a seeded hand."""

import copy
import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

_STRANGE: tuple[Any, ...] = (
    None, True, 0, -1, Decimal("1.0"), "", " ", "x", "#x", "Patient/1", "http://example.org/none",
    [], {}, [None], [{}], {"id": "a"}, {"reference": "#none"}, {"extension": [{"url": "x"}]},
    {"coding": [{"system": "http://loinc.org", "code": "none"}]},
)  # fmt: skip


def mutants(resource: dict[str, Any], count: int, seed: str) -> Iterator[dict[str, Any]]:
    """Copies of a resource, each changed in one place."""
    random_ = random.Random(seed)  # noqa: S311 — no secret, only variety
    for _ in range(count):
        mutant = copy.deepcopy(resource)
        holder = random_.choice(list(_holders(mutant)))
        _change(holder, random_)
        yield mutant


def _holders(value: Any) -> Iterator[dict[str, Any] | list[Any]]:
    if isinstance(value, (dict, list)) and value:
        yield value
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _holders(inner)


def _change(holder: dict[str, Any] | list[Any], random_: random.Random) -> None:
    strange = copy.deepcopy(random_.choice(_STRANGE))
    if isinstance(holder, list):
        at = random_.randrange(len(holder))
        choice = random_.choice(["replace", "repeat", "remove"])
        if choice == "replace":
            holder[at] = strange
        elif choice == "repeat":
            holder.append(copy.deepcopy(holder[at]))
        else:
            del holder[at]
        return
    key = random_.choice(list(holder))
    choice = random_.choice(["replace", "rename", "remove", "sibling", "add"])
    if choice == "replace":
        holder[key] = strange
    elif choice == "rename":
        holder[random_.choice(["id", "reference", "value", "valueString", "unknown"])] = holder.pop(
            key
        )
    elif choice == "remove":
        del holder[key]
    elif choice == "sibling":
        holder[f"_{key}"] = strange
    else:
        holder[random_.choice(["extension", "contained", "modifierExtension", "text"])] = strange
