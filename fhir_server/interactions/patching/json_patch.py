"""JSON Patch on a resource.

Source: RFC 6902; FHIR R4 https://hl7.org/fhir/R4/http.html#patch
"""

import copy
from typing import Any

import jsonpatch
from jsonpointer import JsonPointer, JsonPointerException

from fhir_server.interactions.patching.bounds import check_length
from fhir_server.model.issues import refuse

_NEEDED = {
    "add": ("value",), "remove": (), "replace": ("value",), "move": ("from",), "copy": ("from",),
    "test": ("value",),
}  # fmt: skip
MAX_COPIED = 16 * 1024 * 1024
"""How much all copies of a patch may add, in characters: a copy into itself doubles what there is."""

_WEIGHT = 64
"""What an object, an array or a number counts for."""


def check_json_patch(patch: Any) -> None:
    """Errors: Refused 400 where the content is no JSON Patch, naming the operation."""
    if not isinstance(patch, list):
        raise refuse(400, "patch-no-list", "structure")
    check_length(patch)
    for position, operation in enumerate(patch):
        where = f"[{position}]"
        name = operation.get("op") if isinstance(operation, dict) else None
        if not isinstance(name, str) or name not in _NEEDED:
            raise refuse(400, "patch-operation-unknown", "value", where, allowed=", ".join(_NEEDED))
        for part in ("path", *_NEEDED[name]):
            if part not in operation:
                raise refuse(400, "patch-part-missing", "required", where, part=part)
        for part in ("path", "from"):
            if part in operation and not _is_pointer(operation[part]):
                raise refuse(
                    400, "patch-path-invalid", "value", where, path=str(operation[part])[:200]
                )


def apply_json_patch(resource: dict[str, Any], patch: list[dict[str, Any]]) -> Any:
    """The patched copy of a resource.

    Errors: Refused 422 naming the operation that cannot be carried out, or that copies too much.
    Cost: what the operations touch; the resource is copied once.
    """
    document: Any = copy.deepcopy(resource)
    room = MAX_COPIED
    for position, operation in enumerate(patch):
        where = f"[{position}]"
        try:
            if operation["op"] == "copy":
                room -= _size(JsonPointer(operation["from"]).resolve(document), room)
                if room <= 0:
                    raise refuse(422, "patch-too-large", "too-costly", where)
            # Its values become part of the document, and another attempt needs them as they came.
            own = copy.deepcopy(operation)
            document = jsonpatch.JsonPatch([own]).apply(document, in_place=True)
        except jsonpatch.JsonPatchTestFailed:
            raise refuse(
                422, "patch-test-failed", "processing", where, path=operation["path"][:200]
            ) from None
        except (jsonpatch.JsonPatchException, JsonPointerException, TypeError, AttributeError):
            raise refuse(
                422, "patch-path-none", "processing", where, path=operation["path"][:200]
            ) from None
    return document


def _size(value: Any, most: int) -> int:
    """The size of a value in characters, or something above `most`."""
    size, waiting = 0, [value]
    while waiting and size <= most:
        one = waiting.pop()
        size += len(one) if isinstance(one, str) else _WEIGHT
        if isinstance(one, dict):
            size += sum(map(len, one))
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
    return size


def _is_pointer(text: Any) -> bool:
    """Source: RFC 6901 §3."""
    return isinstance(text, str) and (text == "" or text.startswith("/"))
