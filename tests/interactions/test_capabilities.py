"""Every claim of the CapabilityStatement, held against the route table; and the other way round."""

from starlette.testclient import TestClient

from fhir_server.http.routes import ROUTES
from fhir_server.interactions.capabilities import capability_statement
from fhir_server.interactions.operations.definitions import CANONICAL, operation_definitions
from fhir_server.interactions.server import FhirServer

ROUTED = {interaction for _, _, interaction, _ in ROUTES}
FLAGS = {
    "create": "conditionalCreate",
    "conditional-update": "conditionalUpdate",
    "conditional-delete": "conditionalDelete",
    "read": "conditionalRead",
}
ELSEWHERE = {
    "capabilities",
    "openapi",
    "async-status",
    "batch-transaction",
    "conditional-patch",
    "search-compartment",
    *FLAGS,
}
"""Interactions that a flag or the statement itself stands for; R4 has no flag for conditional patch."""


def test_capabilities__claim_what_is_routed_and_nothing_else(server: FhirServer) -> None:
    rest = capability_statement(server)["rest"][0]
    claimed = {i["code"] for resource in rest["resource"] for i in resource["interaction"]}
    claimed |= {i["code"] for i in rest["interaction"]} - {"batch", "transaction"}
    operations = {
        f"${o['name']}" for part in (rest, *rest["resource"]) for o in part.get("operation", ())
    }
    assert claimed | operations | ELSEWHERE == ROUTED
    assert all(flag in rest["resource"][0] for flag in FLAGS.values())


def test_capabilities__operations_are_routed_where_they_are_claimed(server: FhirServer) -> None:
    rest = capability_statement(server)["rest"][0]
    paths = {path for _, path, _, _ in ROUTES}
    for operation in rest["operation"]:
        assert f"${operation['name']}" in paths
    for resource in rest["resource"]:
        for operation in resource["operation"]:
            name = f"${operation['name']}"
            assert paths & {f"{{type}}/{name}", f"{{type}}/{{id}}/{name}"}


def test_capabilities__formats_are_taken(client: TestClient) -> None:
    for name in client.get("/fhir/metadata").json()["format"]:
        assert client.get("/fhir/metadata", params={"_format": name}).status_code == 200


def test_capabilities__patch_formats_are_taken(client: TestClient) -> None:
    for name in client.get("/fhir/metadata").json()["patchFormat"]:
        response = client.patch("/fhir/Patient/a", content="?", headers={"Content-Type": name})
        assert response.status_code == 400


def test_path__that_goes_on_is_none(client: TestClient) -> None:
    assert client.get("/fhir/Patient/a/_history/1/$meta/more").status_code == 404


def test_capabilities__own_operations_are_defined_and_served(
    server: FhirServer, client: TestClient
) -> None:
    rest = capability_statement(server)["rest"][0]
    named = {o["definition"] for part in (rest, *rest["resource"]) for o in part["operation"]}
    own = {url for url in named if url.startswith(CANONICAL)}
    assert own == {definition["url"] for definition in operation_definitions().values()}
    paths = {path for _, path, _, _ in ROUTES}
    levels = {"system": "", "type": "{type}/", "instance": "{type}/{id}/"}
    for url in own:
        found = client.get("/fhir/OperationDefinition/" + url.removeprefix(CANONICAL)).json()
        assert found["url"] == url
        issues = server.validator.validate(found)
        assert [one for one in issues if one.severity == "error"] == []
        for level, prefix in levels.items():
            assert found[level] == (f"{prefix}${found['code']}" in paths)
