"""What each route does: read the call, carry out the interaction, shape the answer."""

from fhir_server.http.batch_operations import operations_of
from fhir_server.http.binaries import binary_reply
from fhir_server.http.call import Call
from fhir_server.http.reply import Reply, bundle_reply, outcome_reply, resource_reply
from fhir_server.interactions.answer import Answer
from fhir_server.interactions.batch import batch
from fhir_server.interactions.create import create
from fhir_server.interactions.delete import conditional_delete, delete
from fhir_server.interactions.entries import check_bundle
from fhir_server.interactions.history import history, parse_history
from fhir_server.interactions.metadata import metadata
from fhir_server.interactions.patch import conditional_patch, patch
from fhir_server.interactions.read import read_or_own
from fhir_server.interactions.search_type import SearchPlace, search
from fhir_server.interactions.snapshot import snapshot, snapshot_of_stored, snapshot_of_url
from fhir_server.interactions.transaction import transaction
from fhir_server.interactions.update import conditional_update, update
from fhir_server.interactions.validate import validate
from fhir_server.interactions.vread import vread


def get_capabilities(call: Call) -> Reply:
    """GET /metadata; with `mode=terminology` what the terminology service knows."""
    with call.server.database.connection() as connection:
        answer = metadata(call.server, connection, call.pairs)
    return bundle_reply(call, answer)


def post_bundle(call: Call) -> Reply:
    """POST / — a batch or a transaction."""
    kind = check_bundle(call.resource, ("transaction", "batch"))
    preference = call.returns("minimal")
    if kind == "transaction":
        answer = transaction(
            call.server, call.resource, preference=preference, language=call.language,
            lenient=call.is_lenient, resumption=call.resumption,
        )  # fmt: skip
    else:
        answer = batch(call.server, call.resource, operate=operations_of(call.server),
                       preference=preference,
                       language=call.language, lenient=call.is_lenient,
                       resumption=call.resumption)  # fmt: skip
    return bundle_reply(call, answer)


def get_resource(call: Call) -> Reply:
    """GET /Type/id."""
    with call.server.database.connection() as connection:
        answer = read_or_own(connection, call.type, call.id)
    return _version_reply(call, answer)


def get_version(call: Call) -> Reply:
    """GET /Type/id/_history/version."""
    with call.server.database.connection() as connection:
        answer = vread(connection, call.type, call.id, call.path["version"])
    return _version_reply(call, answer)


def _version_reply(call: Call, answer: Answer) -> Reply:
    if answer.stored is None:
        return bundle_reply(call, answer)
    if call.type == "Binary" and not call.names_format:
        return binary_reply(call, answer)
    return resource_reply(call, answer)


def get_history(call: Call) -> Reply:
    """GET /Type/id/_history, /Type/_history, /_history."""
    request = parse_history(
        call.path.get("type"), call.path.get("id"), call.sent_pairs, lenient=call.is_lenient
    )
    with call.server.database.connection() as connection:
        return bundle_reply(call, history(call.server, connection, request))


def get_search(call: Call) -> Reply:
    """GET /Type?…, /?…, /Patient/id/Type?…, /Patient/id/*?…."""
    return _search(call)


def post_search(call: Call) -> Reply:
    """POST …/_search of the same — parameters in the body, the URL, or both."""
    return _search(call)


def _search(call: Call) -> Reply:
    place = SearchPlace(call.path.get("type"))
    if "id" in call.path:
        member = call.path.get("member", "*")
        place = SearchPlace(None if member == "*" else member, (call.type, call.id))
    with call.server.database.connection() as connection:
        answer = search(
            call.server,
            connection,
            place,
            call.sent_pairs,
            lenient=call.is_lenient,
            language=call.language,
        )
    return bundle_reply(call, answer)


def post_resource(call: Call) -> Reply:
    """POST /Type, with If-None-Exist."""
    answer = create(call.server, call.type, call.resource, if_none_exist=call.if_none_exist)
    return resource_reply(call, answer)


def put_resource(call: Call) -> Reply:
    """PUT /Type/id, with If-Match or If-None-Match."""
    answer = update(call.server, call.type, call.id, call.resource, conditions=call.conditions)
    return resource_reply(call, answer)


def put_by_criteria(call: Call) -> Reply:
    """PUT /Type?criteria."""
    answer = conditional_update(
        call.server, call.type, call.query, call.resource, conditions=call.conditions
    )
    return resource_reply(call, answer)


def patch_resource(call: Call) -> Reply:
    """PATCH /Type/id — JSON Patch, XML Patch or FHIRPath Patch, with If-Match."""
    answer = patch(call.server, call.type, call.id, call.patch, conditions=call.conditions)
    return resource_reply(call, answer)


def patch_by_criteria(call: Call) -> Reply:
    """PATCH /Type?criteria."""
    answer = conditional_patch(
        call.server, call.type, call.query, call.patch, conditions=call.conditions
    )
    return resource_reply(call, answer)


def delete_resource(call: Call) -> Reply:
    """DELETE /Type/id."""
    return resource_reply(call, delete(call.server, call.type, call.id, conditions=call.conditions))


def delete_by_criteria(call: Call) -> Reply:
    """DELETE /Type?criteria."""
    return resource_reply(
        call, conditional_delete(call.server, call.type, call.query, conditions=call.conditions)
    )


def post_validate(call: Call) -> Reply:
    """POST /$validate, /Type/$validate, /Type/id/$validate."""
    profiles = [value for name, value in call.pairs if name == "profile"]
    mode = next((value for name, value in call.pairs if name == "mode"), None)
    if mode == "delete" and not call.content:
        issues = validate(call.server, call.path.get("type"), None,
                          resource_id=call.path.get("id"), mode=mode)  # fmt: skip
        return outcome_reply(call, 200, issues)
    reading = call.reading
    issues = validate(
        call.server, call.path.get("type"), reading.value,
        resource_id=call.path.get("id"), mode=mode, profiles=profiles,
    )  # fmt: skip
    return outcome_reply(call, 200, reading.located(issues))


def get_snapshot(call: Call) -> Reply:
    """GET /StructureDefinition/$snapshot?url=…, GET and POST /StructureDefinition/id/$snapshot."""
    if "id" in call.path:
        with call.server.database.connection() as connection:
            return bundle_reply(
                call, snapshot_of_stored(call.server, connection, call.type, call.id)
            )
    url = next((value for name, value in call.pairs if name == "url"), "")
    return bundle_reply(call, snapshot_of_url(call.server, call.type, url))


def post_snapshot(call: Call) -> Reply:
    """POST /StructureDefinition/$snapshot."""
    return bundle_reply(call, snapshot(call.server, call.type, call.resource))
