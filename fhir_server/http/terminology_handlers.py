"""The terminology operations over HTTP: GET with parameters in the URL, POST with Parameters."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from fhir_server.http.call import Call
from fhir_server.http.reply import Reply, bundle_reply
from fhir_server.interactions.answer import Answer
from fhir_server.interactions.terminology import stored_instance, terminology_with_store
from fhir_server.model.issues import Refused, has_errors, refuse
from fhir_server.model.json_source import encode_json
from fhir_server.terminology import Terminology, operations

Resource = dict[str, Any]
Run = Callable[[Call, Terminology, Resource, Resource | None], Resource]


def expand(call: Call) -> Reply:
    """ValueSet/$expand, ValueSet/id/$expand."""
    return _answer(call, {"ValueSet": _expand})


def validate_code(call: Call) -> Reply:
    """ValueSet/$validate-code, CodeSystem/$validate-code, and of an instance."""
    return _answer(
        call,
        {
            "ValueSet": lambda *parts: _validate_code(*parts, kind="ValueSet"),
            "CodeSystem": lambda *parts: _validate_code(*parts, kind="CodeSystem"),
        },
    )


def lookup(call: Call) -> Reply:
    """CodeSystem/$lookup."""
    return _answer(call, {"CodeSystem": _lookup})


def subsumes(call: Call) -> Reply:
    """CodeSystem/$subsumes, CodeSystem/id/$subsumes."""
    return _answer(call, {"CodeSystem": _subsumes})


def translate(call: Call) -> Reply:
    """ConceptMap/$translate, ConceptMap/id/$translate."""
    return _answer(call, {"ConceptMap": _translate})


def _expand(
    call: Call, terminology: Terminology, content: Resource, instance: Resource | None
) -> Resource:
    return operations.expand(terminology, _in_language(call, content), instance)


def _validate_code(
    call: Call,
    terminology: Terminology,
    content: Resource,
    instance: Resource | None,
    *,
    kind: Literal["ValueSet", "CodeSystem"],
) -> Resource:
    return operations.validate_code(
        terminology, _in_language(call, content), instance, kind=kind, language=call.language
    )


def _lookup(
    call: Call,
    terminology: Terminology,
    content: Resource,
    instance: Resource | None,  # noqa: ARG001 — $lookup has no instance level
) -> Resource:
    return operations.lookup(terminology, _in_language(call, content))


def _subsumes(
    _: Call, terminology: Terminology, content: Resource, instance: Resource | None
) -> Resource:
    return operations.subsumes(terminology, content, instance)


def _translate(
    call: Call, terminology: Terminology, content: Resource, instance: Resource | None
) -> Resource:
    return operations.translate(terminology, content, instance, language=call.language)


def _answer(call: Call, runs: Mapping[str, Run]) -> Reply:
    """Run the operation of the type that the path names. Errors: Refused 404 where it has none."""
    run = runs.get(call.type)
    if run is None:
        raise refuse(404, "path-not-found", "not-found")
    content = _parameters(call)
    _check_sent_resources(call, content)
    with call.server.database.connection() as connection:
        resource_id = call.path.get("id")
        instance = stored_instance(connection, call.type, resource_id) if resource_id else None
        terminology = terminology_with_store(call.server, connection)
        body = encode_json(run(call, terminology, content, instance))
    return bundle_reply(call, Answer(200, body=body))


def _parameters(call: Call) -> Resource:
    """The parameters of the URL and of the body, as one Parameters resource. Errors: Refused 400."""
    sent = (
        call.resource if call.method == "POST" and call.content else {"resourceType": "Parameters"}
    )
    if isinstance(sent, dict) and sent.get("resourceType") == call.type:
        # The one parameter of an operation that is a resource may be the body itself:
        # https://hl7.org/fhir/R4/operations.html#request
        name = call.type[0].lower() + call.type[1:]
        sent = {"resourceType": "Parameters", "parameter": [{"name": name, "resource": sent}]}
    listed = sent.get("parameter", []) if isinstance(sent, dict) else None
    if not isinstance(listed, list) or sent.get("resourceType") != "Parameters":
        raise refuse(400, "operation-no-parameters", "structure")
    asked = [{"name": name, "valueString": value} for name, value in call.pairs]
    return {**sent, "parameter": [*asked, *listed]}


def _check_sent_resources(call: Call, content: Resource) -> None:
    """Errors: Refused 422 for a resource sent along that is not valid: its shape is relied upon."""
    for entry in content["parameter"]:
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(resource, dict):
            issues = call.server.validator.validate(resource)
            if has_errors(issues):
                raise Refused(422, issues)


def _in_language(call: Call, content: Resource) -> Resource:
    """The parameters, with the display language that Accept-Language asks for where none is said.

    Source: https://hl7.org/fhir/R4/valueset-operation-expand.html, displayLanguage.
    """
    named = [entry.get("name") for entry in content["parameter"] if isinstance(entry, dict)]
    if "accept-language" not in call.headers or "displayLanguage" in named:
        return content
    language = {"name": "displayLanguage", "valueCode": call.language}
    return {**content, "parameter": [*content["parameter"], language]}
