"""How many operations a patch may have."""

from collections.abc import Sized

from fhir_server.model.issues import refuse

MAX_OPERATIONS = 10_000


def check_length(operations: Sized, at: str = "") -> None:
    """Errors: Refused 400 for a patch with too many operations."""
    if len(operations) > MAX_OPERATIONS:
        raise refuse(400, "patch-too-long", "too-long", at, most=MAX_OPERATIONS)
