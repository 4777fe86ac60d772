"""Operations of operators: who may ask for them, and the trace that each leaves.

Source: https://hl7.org/fhir/R4/auditevent.html
"""

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from fhir_server.interactions.answer import instant
from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.writing.change import Change
from fhir_server.interactions.writing.write import write_changes
from fhir_server.model.issues import refuse
from fhir_server.store.resources import Connection

_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"


def check_operator(server: FhirServer, authorization: str | None) -> None:
    """Errors: Refused 403 where the operator has set no secret, 401 where it is not the one sent."""
    secret = server.settings.operator_secret
    if secret is None:
        raise refuse(403, "operator-off", "forbidden")
    kind, _, sent = (authorization or "").partition(" ")
    expected = secret.get_secret_value().encode()
    if kind.lower() != "bearer" or not hmac.compare_digest(sent.strip().encode(), expected):
        raise refuse(401, "operator-unauthorised", "login")


def leave_trace(
    server: FhirServer,
    connection: Connection,
    operation: str,
    *,
    action: Literal["D", "E"],
    target: str,
    details: Mapping[str, object],
) -> None:
    """Store an AuditEvent of what was done, in the transaction that does it.

    Shape: `target` is a name, not a reference: what it names may be gone.
    """
    audit: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "type": {"system": f"{_TERMINOLOGY}/audit-event-type", "code": "rest"},
        "subtype": [{"system": "http://hl7.org/fhir/restful-interaction", "code": "operation"}],
        "action": action,
        "recorded": instant(datetime.now(UTC)),
        "outcome": "0",
        "outcomeDesc": operation,
        "agent": [{"requestor": True, "name": "bearer of the operator's secret"}],
        "source": {"observer": {"display": "Osteon"}},
        "entity": [{
            "name": target,
            "detail": [{"type": k, "valueString": str(v)} for k, v in details.items()],
        }],
    }  # fmt: skip
    write_changes(
        server, connection, [Change("POST", "AuditEvent", resource=audit, by_server=True)]
    )
