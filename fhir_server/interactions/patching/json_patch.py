"""JSON Patch on a resource.

Source: RFC 6902; FHIR R4 https://hl7.org/fhir/R4/http.html#patch
"""

from typing import Any

import jsonpatch
from jsonpointer import JsonPointerException

from fhir_server.model.issues import refuse

_NEEDED = {
    "add": ("value",), "remove": (), "replace": ("value",), "move": ("from",), "copy": ("from",),
    "test": ("value",),
}  # fmt: skip
MAX_OPERATIONS = 10_000


def check_json_patch(patch: Any) -> None:
    """Errors: Refused 400 where the content is no JSON Patch, naming the operation."""
    if not isinstance(patch, list) or len(patch) > MAX_OPERATIONS:
        raise refuse(400, "patch-no-list", "structure")
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

    Errors: Refused 422 naming the operation that cannot be carried out.
    """
    document: Any = resource
    for position, operation in enumerate(patch):
        where = f"[{position}]"
        try:
            document = jsonpatch.JsonPatch([operation]).apply(document)
        except jsonpatch.JsonPatchTestFailed:
            raise refuse(
                422, "patch-test-failed", "processing", where, path=operation["path"][:200]
            ) from None
        except (jsonpatch.JsonPatchException, JsonPointerException, TypeError, AttributeError):
            raise refuse(
                422, "patch-path-none", "processing", where, path=operation["path"][:200]
            ) from None
    return document


def _is_pointer(text: Any) -> bool:
    """Source: RFC 6901 §3."""
    return isinstance(text, str) and (text == "" or text.startswith("/"))
