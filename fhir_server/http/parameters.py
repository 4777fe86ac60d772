"""Which parameters of the URL the interactions take that are no searches and no operations.

What is misspelt or misplaced is refused, not dropped: a create with criteria in its URL would store a
second resource where its sender meant none.
"""

from collections.abc import Mapping, Set

from fhir_server.http.call import Call
from fhir_server.interactions.query import GENERAL
from fhir_server.model.issues import refuse

_PART = frozenset({"_summary", "_elements"})
_NONE: Set[str] = frozenset()

_TAKEN: Mapping[str, Set[str]] = {
    "read": _PART,
    "vread": _PART,
    "capabilities": _PART | {"mode"},
    "openapi": frozenset({"type"}),
    "create": _NONE,
    "update": _NONE,
    "patch": _NONE,
    "delete": _NONE,
    "batch-transaction": _NONE,
    "async-status": _NONE,
    "$validate": frozenset({"mode", "profile"}),
    "$versions": _NONE,
    "$meta": _NONE,
    "$meta-add": _NONE,
    "$meta-delete": _NONE,
    "$snapshot": frozenset({"url"}),
    "$status": frozenset({"id", "status"}),
    "$dead-letters": _NONE,
}
"""By interaction of the route table; the others read their parameters themselves."""


_WITH_PARAMETERS = frozenset({"$dead-letters", "$meta", "$status", "$versions"})
"""Of these the content of a POST is Parameters, if anything."""


def check_parameters(interaction: str, call: Call) -> None:
    """Errors: Refused 400 for a parameter that the interaction does not take, unless handling is lenient, and
    for content that is none.
    """
    taken = _TAKEN.get(interaction)
    has_content = bool(call.content) and interaction in _WITH_PARAMETERS
    if taken is None or not (call.query or has_content):
        return
    pairs = call.operation_pairs if has_content else call.pairs
    unknown = next((name for name, _ in pairs if name not in taken), None)
    if unknown is None or call.is_lenient:
        return
    issue_id = "create-with-criteria" if interaction == "create" else "parameter-not-taken"
    raise refuse(400, issue_id, "not-supported", f"http.{unknown[:64]}", name=unknown[:64],
                 allowed=", ".join(sorted(taken | GENERAL)))  # fmt: skip
