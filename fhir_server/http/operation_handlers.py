"""Operations over HTTP: those on any resource, on a patient, on the server."""

from typing import Literal

from fhir_server.http.call import Call
from fhir_server.http.reply import Reply, bundle_reply, parameters_reply
from fhir_server.interactions.operations.diff import diff_resources, diff_versions
from fhir_server.interactions.operations.everything import everything
from fhir_server.interactions.operations.expunge import expunge, parse_expunge
from fhir_server.interactions.operations.given import given_pairs
from fhir_server.interactions.operations.lastn import lastn
from fhir_server.interactions.operations.meta import change_meta, meta
from fhir_server.interactions.operations.meta_in_use import meta_in_use
from fhir_server.interactions.operations.operator import check_operator
from fhir_server.interactions.operations.versions import versions
from fhir_server.model.issues import refuse


def get_versions(call: Call) -> Reply:
    """GET /$versions."""
    return parameters_reply(call, versions())


def get_meta(call: Call) -> Reply:
    """GET and POST /Type/id/$meta, /Type/id/_history/version/$meta, /Type/$meta, /$meta."""
    with call.server.database.connection() as connection:
        if "id" not in call.path:
            found = meta_in_use(call.server, connection, call.path.get("type"))
        else:
            found = meta(connection, call.type, call.id, call.path.get("version"))
    return parameters_reply(call, found)


def add_meta(call: Call) -> Reply:
    """POST /Type/id/$meta-add."""
    return _change_meta(call, "add")


def delete_meta(call: Call) -> Reply:
    """POST /Type/id/$meta-delete."""
    return _change_meta(call, "delete")


def _change_meta(call: Call, kind: Literal["add", "delete"]) -> Reply:
    changed = change_meta(
        call.server, call.type, call.id, call.resource, kind, conditions=call.conditions
    )
    return parameters_reply(call, changed)


def get_everything(call: Call) -> Reply:
    """GET and POST /Patient/id/$everything, /Patient/$everything."""
    if call.type != "Patient":
        raise refuse(404, "path-not-found", "not-found")
    with call.server.database.connection() as connection:
        return bundle_reply(
            call,
            everything(
                call.server,
                connection,
                call.path.get("id"),
                call.operation_pairs,
                call.format_pairs,
            ),
        )


def get_diff(call: Call) -> Reply:
    """GET and POST /$diff, /Type/id/$diff."""
    with call.server.database.connection() as connection:
        if "id" in call.path:
            found = diff_versions(call.server, connection, call.type, call.id, call.operation_pairs)
        else:
            found = diff_resources(call.server, connection, call.operation_pairs)
    return parameters_reply(call, found)


def lastn_observations(call: Call) -> Reply:
    """GET and POST /Observation/$lastn."""
    if call.type != "Observation":
        raise refuse(404, "path-not-found", "not-found")
    sent = given_pairs(call.resource) if call.content else []
    with call.server.database.connection() as connection:
        return bundle_reply(
            call, lastn(call.server, connection, [*call.pairs, *sent], call.format_pairs)
        )


def post_expunge(call: Call) -> Reply:
    """POST /Type/$expunge, /Type/id/$expunge."""
    check_operator(call.server, call.headers.get("authorization"))
    request = parse_expunge(call.type, call.path.get("id"), dict(call.operation_pairs))
    return parameters_reply(call, expunge(call.server, request))
