"""Patches of each kind as a client sends them."""

import base64
import json
from typing import Any

from starlette.testclient import TestClient

Json = dict[str, Any]
JSON_PATCH = {"Content-Type": "application/json-patch+json"}
XML_PATCH = {"Content-Type": "application/xml-patch+xml"}


def operation(kind: str, **parts: Any) -> Json:
    listed: list[Json] = [{"name": "type", "valueCode": kind}]
    for name, value in parts.items():
        listed.append(
            {"name": name, **(value if isinstance(value, dict) else {"valueString": value})}
        )
    return {"name": "operation", "part": listed}


def parameters(*operations: Json) -> Json:
    return {"resourceType": "Parameters", "parameter": list(operations)}


def patched(client: TestClient, resource: Json, *operations: Json) -> Any:
    url = f"/fhir/{resource['resourceType']}/{resource['id']}"
    assert client.put(url, json=resource).status_code == 201
    return client.patch(url, json=parameters(*operations))


def json_patch(client: TestClient, url: str, *operations: Json, **headers: str) -> Any:
    return client.patch(url, content=json.dumps(operations), headers={**JSON_PATCH, **headers})


def nested(levels: int) -> Json:
    """An extension that is so deep; each level is an object and an array."""
    found: Json = {"url": "http://a.example/x", "valueString": "x"}
    for _ in range(levels):
        found = {"url": "http://a.example/x", "extension": [found]}
    return found


def binary(*operations: Json) -> Json:
    data = base64.b64encode(json.dumps(operations).encode()).decode()
    return {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": data}
