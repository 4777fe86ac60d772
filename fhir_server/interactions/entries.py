"""The entries of a batch or transaction Bundle, read strictly.

Source: FHIR R4 https://hl7.org/fhir/R4/http.html#transaction, https://hl7.org/fhir/R4/bundle.html
"""

from collections.abc import Sequence
from typing import Any, cast

import msgspec

from fhir_server.interactions.conditions import Conditions, parse_entity_tags
from fhir_server.interactions.patching.document import patch_of_entry
from fhir_server.interactions.query import query_pairs
from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.writing.change import Change, Method
from fhir_server.interactions.writing.check import (
    check_body_id,
    check_id,
    check_resource_type,
    check_type_known,
)
from fhir_server.interactions.writing.criteria import parse_criteria
from fhir_server.model.issues import Issue, Refused, error, refuse
from fhir_server.model.references import parse_reference
from fhir_server.store.resource_types import TYPE_NUMBERS

_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
READS = frozenset({"GET", "HEAD"})


class Entry(msgspec.Struct, frozen=True):
    """One entry.

    Shape: `at` its FHIRPath, `method` of the request, `path` the parts of the URL's path, `query` its
    parameters. What only some interactions look at, they check: the resource and the conditions are as
    they were sent.
    """

    at: str
    method: str
    path: tuple[str, ...]
    query: str
    full_url: str | None = None
    resource: Any = None
    if_match: Any = None
    if_none_match: Any = None
    if_none_exist: Any = None
    if_modified_since: Any = None

    @property
    def is_operation(self) -> bool:
        """Whether it asks for an operation (`Patient/$validate`)."""
        return any(part.startswith("$") for part in self.path)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The query's parameters. Errors: as `query_pairs`."""
        return query_pairs(self.query, f"{self.at}.request.url")


def parse_entries(bundle: dict[str, Any], base_url: str, max_entries: int) -> list[Entry]:
    """The entries of a Bundle.

    Errors: as `entries_of`; Refused 400 with one issue for each entry that is no request.
    """
    entries = entries_of(bundle, max_entries)
    parsed: list[Entry] = []
    faults: list[Issue] = []
    for position, entry in enumerate(entries):
        try:
            parsed.append(parse_entry(entry, f"Bundle.entry[{position}]", base_url))
        except Refused as refused:
            faults.extend(refused.issues)
    if faults:
        raise Refused(400, faults)
    return parsed


def entries_of(bundle: dict[str, Any], max_entries: int) -> list[Any]:
    """What stands in Bundle.entry. Errors: Refused 400 where it is no list, 413 for too many."""
    entries = bundle.get("entry", [])
    if not isinstance(entries, list):
        raise refuse(400, "entry-invalid", "structure", "Bundle.entry")
    if len(entries) > max_entries:
        raise refuse(
            413, "bundle-too-large", "too-costly", "Bundle", found=len(entries), max=max_entries
        )
    return entries


def parse_entry(entry: Any, at: str, base_url: str) -> Entry:
    """One entry of a Bundle; `at` its FHIRPath. Errors: Refused 400 where it is no request."""
    request = entry.get("request") if isinstance(entry, dict) else None
    if not isinstance(request, dict):
        raise refuse(400, "entry-without-request", "required", at)
    method, url = request.get("method"), request.get("url")
    if not isinstance(method, str) or method not in _WRITES | READS:
        raise refuse(400, "entry-method", "value", f"{at}.request.method")
    if not isinstance(url, str) or not url:
        raise refuse(400, "entry-url", "required", f"{at}.request.url")
    path, _, query = url.removeprefix(base_url).partition("?")
    if "://" in path:
        raise refuse(400, "entry-url-elsewhere", "value", f"{at}.request.url", base=base_url)
    full_url = entry.get("fullUrl")
    return Entry(
        at,
        method,
        tuple(path.strip("/").split("/")),
        query,
        full_url=full_url if isinstance(full_url, str) else None,
        resource=entry.get("resource"),
        if_match=request.get("ifMatch"),
        if_none_match=request.get("ifNoneMatch"),
        if_none_exist=request.get("ifNoneExist"),
        if_modified_since=request.get("ifModifiedSince"),
    )


def entry_change(server: FhirServer, entry: Entry) -> Change:
    """The write that an entry asks for, its own shape checked.

    Errors: Refused 400, naming the entry.
    """
    resource_type = entry.path[0]
    _check_url(entry, resource_type)
    change = Change(
        method=cast("Method", entry.method),
        type=resource_type,
        id=entry.path[1] if len(entry.path) > 1 else None,
        resource=entry.resource if entry.method in {"POST", "PUT"} else None,
        conditions=Conditions(
            parse_entity_tags(entry.if_match, f"{entry.at}.request.ifMatch"),
            parse_entity_tags(entry.if_none_match, f"{entry.at}.request.ifNoneMatch"),
        ),
        full_url=entry.full_url,
        at=entry.at,
    )
    if entry.method == "PATCH":
        change.patch = patch_of_entry(server, entry.resource, change.expression())
    elif entry.method != "DELETE":
        check_resource_type(entry.resource, resource_type, change.expression())
        _check_full_url(entry)
    if change.id is not None:
        check_id(change.id, f"{entry.at}.request.url")
        if entry.method == "PUT":
            check_body_id(change)
    criteria = entry.if_none_exist if entry.method == "POST" else entry.query
    if criteria or (entry.method == "POST" and criteria is not None):
        where = "ifNoneExist" if entry.method == "POST" else "url"
        if not isinstance(criteria, str):
            raise refuse(400, "criteria-empty", "value", f"{entry.at}.request.{where}")
        change.criteria = parse_criteria(
            server, resource_type, criteria, f"{entry.at}.request.{where}"
        )
    elif change.id is None and entry.method != "POST":
        raise refuse(400, "entry-url", "required", f"{entry.at}.request.url")
    return change


def _check_url(entry: Entry, resource_type: str) -> None:
    expected = (1,) if entry.method == "POST" else (1, 2)
    check_type_known(resource_type, f"{entry.at}.request.url")
    takes_query = len(entry.path) == 1 and entry.method != "POST"
    if len(entry.path) not in expected or (entry.query and not takes_query):
        raise refuse(400, "entry-url", "value", f"{entry.at}.request.url")


def _check_full_url(entry: Entry) -> None:
    """A fullUrl that is the URL of a resource names the one beside it.

    Errors: Refused 400. Source: https://hl7.org/fhir/R4/bundle-definitions.html#Bundle.entry.fullUrl; bdl-8
    """
    named = parse_reference(entry.full_url or "")
    if named.kind != "absolute" or named.type not in TYPE_NUMBERS:
        return
    at = f"{entry.at}.fullUrl"
    if named.version is not None:
        raise refuse(400, "bundle-full-url-version", "invariant", at)
    found = f"{entry.resource['resourceType']}/{entry.resource.get('id', named.id)}"
    if found != f"{named.type}/{named.id}":
        raise refuse(400, "bundle-full-url-mismatch", "invalid", at,
                     full_url=named.text[:200], found=found[:200])  # fmt: skip


def check_bundle(bundle: Any, kinds: Sequence[str]) -> str:
    """The type of a Bundle posted to the base. Errors: Refused 400 where it is none of `kinds`."""
    check_resource_type(bundle, "Bundle", "Bundle")
    kind = bundle.get("type")
    if kind not in kinds:
        raise Refused(
            400, [error("bundle-type", "value", "Bundle.type", expected=", ".join(kinds))]
        )
    return str(kind)
