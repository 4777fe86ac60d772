"""What counts when two snapshots are compared: path, id, cardinality, type, binding, values, constraints."""

from collections.abc import Iterable
from typing import Any

VERSION = "|4.0.1"


def facts_by_id(elements: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The facts of each element by its id. Publishers may pin canonicals to 4.0.1; that is no difference."""
    return {element["id"]: _facts(element) for element in elements}


def _facts(element: dict[str, Any]) -> dict[str, Any]:
    binding = element.get("binding", {})
    facts: dict[str, Any] = {
        "path": element["path"],
        "min": element.get("min"),
        "max": element.get("max"),
        "type": sorted(
            (t["code"], _plain(t.get("profile", ())), _plain(t.get("targetProfile", ())))
            for t in element.get("type", ())
        ),
        "binding": (binding.get("strength"), *_plain([binding.get("valueSet", "")])),
        "constraint": sorted({c["key"] for c in element.get("constraint", ())}),
    }
    facts.update({k: v for k, v in element.items() if k.startswith(("fixed", "pattern"))})
    return facts


def _plain(canonicals: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(canonical.removesuffix(VERSION) for canonical in canonicals))
