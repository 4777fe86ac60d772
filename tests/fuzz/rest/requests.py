"""Requests put together at random: lines, headers and bodies that are almost right, and some far from it."""

import gzip
import json
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import quote

METHODS = (
    "GET",
    "GET",
    "GET",
    "POST",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "HEAD",
    "OPTIONS",
    "TRACE",
    "get",
    "QUERY",
)
PARTS = (
    "Patient", "Observation", "Bundle", "ValueSet", "CodeSystem", "ConceptMap", "StructureDefinition",
    "Subscription",
    "SearchParameter", "List", "Binary", "Patent", "_history", "_search", "$validate", "$everything", "$meta",
    "$meta-add", "$diff", "$lastn", "$expand", "$lookup", "$translate", "$subsumes", "$validate-code",
    "$reindex",
    "$expunge", "$status", "$events", "$dead-letters", "$snapshot", "$versions", "_async", "metadata",
    "openapi.json",
    "a", "1", "2", "0", "-1", "99999999999999999999", "a" * 65, "..", ".", "", "*", "%00", "%2e%2e", "é",
    "a b",
    "00000000-0000-0000-0000-000000000000", "%ff", "\u0663",
)  # fmt: skip
TARGETS = (
    "GET Patient", "GET Patient", "GET Observation", "GET ", "GET Patient/a", "GET Patient/a/_history",
    "GET Patient/a/_history/1", "GET _history", "GET Patient/_history", "GET Patient/a/$everything",
    "GET metadata",
    "GET Patient/a/*", "GET Patient/a/Observation", "GET ValueSet/$expand", "GET CodeSystem/$lookup",
    "GET $versions",
    "GET Observation/$lastn", "GET Patient/a/$diff", "GET Patient/a/$meta", "GET _async/a", "GET $reindex",
    "POST Patient", "POST Observation", "POST ", "POST ", "POST $validate", "POST Patient/$validate",
    "POST Patient/_search", "POST _search", "POST Patient/a/$meta-add", "POST ValueSet/$expand",
    "POST CodeSystem/$validate-code", "POST SearchParameter", "POST Subscription",
    "POST ConceptMap/$translate",
    "PUT Patient/a", "PUT Patient/a", "PUT Patient", "PUT ValueSet/a", "PATCH Patient/a", "PATCH Patient/a",
    "PATCH Patient", "DELETE Patient/a", "DELETE Patient", "DELETE _async/a",
)  # fmt: skip
"""What is routed: method and path."""

NAMES = (
    "_id", "_lastUpdated", "_profile", "_tag", "_type", "_list", "_sort", "_count", "_include", "_revinclude",
    "_total", "_summary", "_elements", "_cursor", "_text", "_content", "_filter", "_explain", "_contained",
    "_containedType", "_format", "_pretty", "_since", "_at", "_query", "mode", "profile", "url", "system",
    "code",
    "version", "from", "to", "fromVersion", "toVersion", "max", "patient", "category", "type", "parameter",
    "scope",
    "limit", "job", "filter", "offset", "count", "name", "family:exact", "birthdate", "identifier:of-type",
    "code:in", "code:below", "code:not", "subject.name", "subject:Patient.family",
    "_has:Observation:patient:code",
    "value-quantity", "near", "gender:missing", "combo-code-value-quantity", ":", "", "nonsense",
)  # fmt: skip
VALUES = (
    "", "a", "1", "0", "-1", "1e999", "9" * 40, "true", "false", "Patient/a", "Patient",
    "Observation:patient", "*",
    "2020", "2020-02-30", "ge2020-01-01T00:00:00Z", "9999-12-31T23:59:60Z", "2020-01-01T00:00:00+14:01",
    "|", "a|b|c",
    "$", "5.4|http://unitsofmeasure.org|mg", ",", ",,", "\\", "%", "'", '"; DROP TABLE resource; --',
    "\x00", "\ud7ff",
    'name eq "a"', "name eq", "(((((", "json", "xml", "application/fhir+xml", "text/turtle", "create",
    "delete",
    "both", "contained", "http://hl7.org/fhir/ValueSet/administrative-gender", "http://loinc.org", "male",
    "#a",
    "-birthdate,name", "ap1e400", "gt1e-400", "urn:oid:1.2.3", "https://[::1", "\U0001f9b4", "a" * 5000,
)  # fmt: skip
KINDS = (
    "application/fhir+json", "application/fhir+json", "application/fhir+json", "application/fhir+xml",
    "application/json",
    "application/json-patch+json", "application/xml-patch+xml", "application/x-www-form-urlencoded",
    "text/plain",
    "text/xml; charset=utf-16", "", "nonsense", "application/fhir+json; charset=latin-1",
)  # fmt: skip
HEADERS = (
    ("Accept", ("*/*", "application/fhir+xml", "text/html", "image/png", "", ";;;",
    "application/fhir+json;q=a")),
    ("If-Match", ('W/"1"', '"1"', "1", "*", "", 'W/"99999999999999999999"', 'W/"a", "b"')),
    ("If-None-Match", ("*", 'W/"1"', "", "nonsense")),
    ("If-Modified-Since", ("Thu, 01 Jan 1970 00:00:00 GMT", "nonsense", "Thu, 99 Zzz 9999 00:00:00 GMT", "")),
    ("If-None-Exist", ("identifier=a|b", "nonsense=1", "", "?", "name=", "identifier=a&identifier=b")),
    ("Prefer", ("return=minimal", "return=OperationOutcome", "handling=lenient", "respond-async", "return=",
    "=,;",
                "respond-async, return=representation", "wait=10")),
    ("Accept-Language", ("fr", "*", "x;q=2", "", "de, en;q=0.1")),
    ("Authorization", ("Bearer x", "Basic !!!", "", "Bearer")),
    ("Content-Encoding", ("identity", "gzip", "br", "gzip, gzip", "")),
    ("X-Request-Id", ("a", "a\tb", "é" * 10, "x" * 1000)),
    ("Host", ("localhost", "", "a b", "[::1]:1", "evil.example")),
    ("Expect", ("100-continue", "nonsense")),
    ("Content-Length", ("-1", "a", "1", "99999999999999999999")),
    ("Transfer-Encoding", ("chunked", "gzip", "chunked, chunked")),
    ("Range", ("bytes=0-1",)),
)  # fmt: skip
PATIENT: dict[str, Any] = {
    "resourceType": "Patient", "id": "a", "active": True, "name": [{"family": "Exemple", "given": ["Ada"]}],
    "gender": "female", "birthDate": "1974-12-25",
    "identifier": [{"system": "urn:fuzz", "value": "1"}],
    "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">a</div>'},
}  # fmt: skip
BODIES: tuple[Any, ...] = (
    PATIENT,
    {"resourceType": "Observation", "status": "final", "code": {"coding": [{"system": "http://loinc.org",
    "code": "1-8"}]},
     "subject": {"reference": "Patient/a"}, "valueQuantity": {"value": 1.50, "unit": "mg"}},
    {"resourceType": "Bundle", "type": "transaction", "entry": [
        {"fullUrl": "urn:uuid:6b9cd1b2-4b9c-4b6e-9c2c-0b6f6a1d2e3f", "resource": PATIENT,
         "request": {"method": "POST", "url": "Patient", "ifNoneExist": "identifier=urn:fuzz|1"}},
        {"request": {"method": "GET", "url": "Patient?name=a"}},
        {"request": {"method": "DELETE", "url": "Patient/b"}}]},
    {"resourceType": "Bundle", "type": "batch", "entry": [
        {"resource": PATIENT, "request": {"method": "PUT", "url": "Patient/a", "ifMatch": 'W/"1"'}},
        {"request": {"method": "PATCH", "url": "Patient/a"}, "resource": {"resourceType": "Binary",
        "data": "e30="}}]},
    {"resourceType": "Parameters", "parameter": [
        {"name": "operation", "part": [{"name": "type", "valueCode": "replace"},
                                       {"name": "path", "valueString": "Patient.active"},
                                       {"name": "value", "valueBoolean": False}]},
        {"name": "meta", "valueMeta": {"tag": [{"code": "x"}]}}, {"name": "resource", "resource": PATIENT},
        {"name": "url", "valueUri": "http://hl7.org/fhir/ValueSet/administrative-gender"}]},
    [{"op": "replace", "path": "/active", "value": False}, {"op": "test", "path": "/gender", "value": "x"}],
    {"resourceType": "ValueSet", "status": "active", "url": "http://example.org/v",
     "compose": {"include": [{"system": "http://hl7.org/fhir/administrative-gender",
                              "filter": [{"property": "concept", "op": "is-a", "value": "male"}]}]}},
    {"resourceType": "SearchParameter", "status": "active", "url": "http://example.org/s", "name": "s",
    "code": "s",
     "base": ["Patient"], "type": "string", "expression": "Patient.name.family", "description": "s"},
    {"resourceType": "Subscription", "status": "requested", "reason": "r", "criteria": "Patient?name=a",
     "channel": {"type": "rest-hook", "endpoint": "http://127.0.0.1:9/x"}},
)  # fmt: skip
XML = (
    '<Patient xmlns="http://hl7.org/fhir"><id value="a"/><active value="true"/></Patient>',
    '<!DOCTYPE x [<!ENTITY e "x">]><Patient xmlns="http://hl7.org/fhir"><id value="&e;"/></Patient>',
    '<diff><replace sel="Patient/active/@value">false</replace></diff>',
    "<Patient/>", "<a><b></a>", '<Patient xmlns="http://hl7.org/fhir" ' + 'x="1" ' * 50 + "/>",
)  # fmt: skip
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1e308, 10**400, "", "\x00", "\ud800", [], {}, [[]], [None], {"": None},
    "Patient/a", "#a",
    {"reference": "Patient/a"}, {"resourceType": "Patient"}, {"resourceType": 1}, "a" * 300, ["a", 1, {}],
)  # fmt: skip


@dataclass(frozen=True)
class Request:
    """A request: its bytes on the connection, and how its answer is to be read."""

    method: str
    content: bytes
    is_broken: bool
    """Whether it may say that more follows than does."""


def draw(random: Random) -> Request:
    """A request. Shape: the same for the same state of `random`; it asks for the connection to be closed."""
    if random.random() < 0.7:
        method, _, path = random.choice(TARGETS).partition(" ")
        path = f"/fhir/{path}"
    else:
        method, path = random.choice(METHODS), _path(random)
    body, kind = _body(random)
    if method in {"GET", "HEAD", "OPTIONS"} and random.random() < 0.9:
        body = b""
    headers = {"Host": "127.0.0.1", "Connection": "close"}
    if body or random.random() < 0.2:
        headers["Content-Type"] = kind
        headers["Content-Length"] = str(len(body))
    for name, values in random.sample(HEADERS, random.choice((0, 0, 1, 1, 2, 3))):
        headers[name] = random.choice(values)
    if headers.get("Content-Encoding") == "gzip" and random.random() < 0.7:
        body = gzip.compress(body)
        headers["Content-Length"] = str(len(body))
    lines = [
        f"{method} {_target(random, path)} HTTP/1.1",
        *(f"{n}: {v}" for n, v in headers.items()),
    ]
    content = ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "replace") + body
    is_broken = random.random() < 0.03
    if is_broken:
        content = _bitten(random, content)
    is_broken = is_broken or bool(headers.keys() & {"Transfer-Encoding", "Expect"})
    is_broken = is_broken or headers.get("Content-Length", "0") != str(len(body))
    return Request(method, content, is_broken)


def _path(random: Random) -> str:
    if random.random() < 0.1:
        return random.choice(
            ("/", "/health", "/metrics", "/guide/x", "*", "http://x/fhir", "//", "/fhir/../..")
        )
    parts = [random.choice(PARTS) for _ in range(random.choice((0, 1, 1, 2, 2, 2, 3, 4)))]
    return "/fhir" + "".join(
        f"/{quote(part, safe='$*%') if random.random() < 0.95 else part}" for part in parts
    )


def _target(random: Random, path: str) -> str:
    pairs = [
        f"{_quoted(random, random.choice(NAMES))}={_quoted(random, random.choice(VALUES))}"
        for _ in range(random.choice((0, 0, 1, 1, 2, 3)))
    ]
    target = path + ("?" + "&".join(pairs) if pairs else "")
    return target.replace(" ", "%20") if random.random() < 0.99 else target


def _quoted(random: Random, text: str) -> str:
    return text if random.random() < 0.02 else quote(text, safe=":,|$/*", errors="replace")


def _body(random: Random) -> tuple[bytes, str]:
    kind = random.choice(KINDS)
    if "xml" in kind and random.random() < 0.9:
        text = random.choice(XML)
    elif "form" in kind and random.random() < 0.9:
        text = "&".join(
            quote(random.choice(NAMES)) + "=" + quote(random.choice(VALUES)) for _ in range(3)
        )
    else:
        text = json.dumps(_changed(random, random.choice(BODIES)))
    content = text.encode("utf-8", "surrogatepass")
    return (_bitten(random, content) if random.random() < 0.1 else content), kind


def _changed(random: Random, value: Any) -> Any:
    """The value, with something odd in some places."""
    if random.random() < 0.04:
        return random.choice(ODD)
    if isinstance(value, dict):
        changed = {
            name: _changed(random, one) for name, one in value.items() if random.random() > 0.02
        }
        if random.random() < 0.05:
            changed[
                random.choice(
                    ("extension", "_id", "contained", "resourceType", "meta", "nonsense", "id")
                )
            ] = random.choice(ODD)
        return changed
    if isinstance(value, list):
        return [
            _changed(random, one) for one in value for _ in range(random.choice((1, 1, 1, 1, 0, 2)))
        ]
    return value


def _bitten(random: Random, content: bytes) -> bytes:
    """The bytes with some of them lost, doubled or changed."""
    at = random.randrange(len(content) + 1)
    piece = random.choice(
        (b"", b"\x00", b"\xff\xfe", b"{", b"\r\n", b"<!--", bytes([random.randrange(256)]) * 9)
    )
    return content[:at] + piece + content[at + random.choice((0, 1, 5)) :]
