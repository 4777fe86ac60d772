"""The parameters of an operation that came in the body."""

from typing import Any

from fhir_server.model.issues import refuse


def given_pairs(content: Any) -> list[tuple[str, str]]:
    """Names and values of a Parameters resource whose values are primitive, as a URL would give them.

    Errors: Refused 400 for anything else.
    """
    if content is None:
        return []
    listed = content.get("parameter", []) if isinstance(content, dict) else None
    if not isinstance(listed, list) or content.get("resourceType") != "Parameters":
        raise refuse(400, "operation-no-parameters", "structure")
    pairs = []
    for entry in listed:
        name = entry.get("name") if isinstance(entry, dict) else None
        values = [v for key, v in (entry or {}).items() if key.startswith("value")] if name else []
        if not isinstance(name, str) or len(values) != 1 or isinstance(values[0], dict | list):
            raise refuse(400, "operation-no-parameters", "structure")
        value = values[0]
        pairs.append((name, str(value).lower() if isinstance(value, bool) else str(value)))
    return pairs
