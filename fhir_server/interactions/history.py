"""history of an instance, of a type, of the system: versions, newest first, in pages.

Source: https://hl7.org/fhir/R4/http.html#history
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from fhir_server.interactions.answer import Answer, instant
from fhir_server.interactions.history_list import listed_versions
from fhir_server.interactions.query import GENERAL
from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.subset import Subset, parse_subset, subset_body
from fhir_server.interactions.writing.check import check_id, check_type_known
from fhir_server.model.dates import InstantRange, as_meant, instant_range, instant_us, moment_of
from fhir_server.model.issues import refuse
from fhir_server.model.json_source import encode_json
from fhir_server.search.cursor import Cursor, decode_cursor, encode_cursor
from fhir_server.store.history import (
    NEWEST,
    HistoryPlace,
    HistoryRange,
    HistoryVersion,
    read_instance_history,
    read_listed_history,
    read_types_history,
)
from fhir_server.store.keys import hash64
from fhir_server.store.resource_types import RESOURCE_TYPES
from fhir_server.store.resources import Connection, Origin, count_versions

MAX_PAGE = 1000
DEFAULT_PAGE = 50
_CURSOR = "_cursor"
PARAMETERS = ("_at", "_count", "_elements", "_list", "_since", "_summary", "_type", _CURSOR)
_TAKEN = frozenset({*PARAMETERS, *GENERAL})


@dataclass(frozen=True, slots=True)
class HistoryRequest:
    """A history, understood and checked: `pairs` as sent, without the cursor; `part` what is wanted of each
    version; `list_id` the List that names them; `cursor` where the page starts.
    """

    path: str
    types: Sequence[str]
    id: str | None
    pairs: Sequence[tuple[str, str]]
    count: int
    within: HistoryRange
    below: HistoryPlace
    part: Subset
    list_id: str | None = None
    cursor: str | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it asks for every version of one resource, so that they are easily counted."""
        is_narrowed = self.within != HistoryRange() or self.list_id is not None
        return self.id is not None and not is_narrowed

    def url(self, base_url: str, cursor: str | None = None) -> str:
        """The URL of a page."""
        pairs = [*self.pairs, *([(_CURSOR, cursor)] if cursor else [])]
        query = urlencode(pairs, quote_via=quote, safe=":,")
        return f"{base_url}/{self.path}" + (f"?{query}" if query else "")

    def cursor_of(self, place: HistoryPlace) -> str:
        """The cursor of the page that starts below a place."""
        values = (instant_us(place.updated), place.key, place.version)
        return encode_cursor(Cursor(0, values), _hash(self.path, self.pairs))


def parse_history(
    resource_type: str | None,
    resource_id: str | None,
    pairs: Sequence[tuple[str, str]],
    *,
    lenient: bool = False,
) -> HistoryRequest:
    """Read the parameters of a history.

    Errors: Refused 400 for a parameter that is repeated or malformed, or unknown unless `lenient`.
    """
    if lenient:
        pairs = [pair for pair in pairs if pair[0] in _TAKEN]
    if resource_id is not None:
        check_id(resource_id, resource_type or "")
    path = "/".join(part for part in (resource_type, resource_id, "_history") if part)
    values: dict[str, str] = {}
    for name, value in pairs:
        if name in GENERAL:
            continue
        if name not in PARAMETERS or name in values or (name == "_type" and resource_type):
            raise refuse(400, "history-parameter", "not-supported", f"http.{name[:64]}", name=name[:64],
                         allowed=", ".join(PARAMETERS[:-1]))  # fmt: skip
        values[name] = value
    kept = [(name, _as_meant(name, value)) for name, value in pairs if name != _CURSOR]
    since, at = _range(values, "_since"), _range(values, "_at")
    return HistoryRequest(
        path=path,
        types=(resource_type,) if resource_type else _types(values.get("_type")),
        id=resource_id,
        pairs=kept,
        count=min(_count(values.get("_count")), MAX_PAGE),
        within=HistoryRange(
            since=moment_of(since.low) if since else None,
            low=moment_of(at.low) if at else None,
            high=moment_of(at.high) if at else None,
        ),
        below=_place(values.get(_CURSOR), _hash(path, kept)),
        part=parse_subset(pairs),
        list_id=_list_id(values.get("_list")),
        cursor=values.get(_CURSOR),
    )


def history(server: FhirServer, connection: Connection, request: HistoryRequest) -> Answer:
    """A page of versions as a history Bundle.

    Errors: Refused 404 where the resource's id was never used.
    """
    total = 0
    if request.id is not None:
        total = count_versions(connection, request.types[0], request.id)
        if not total:
            reference = f"{request.types[0]}/{request.id}"
            raise refuse(
                404, "resource-not-found", "not-found", request.types[0], reference=reference
            )
    versions = _versions(server, connection, request, request.count + 1)
    links = [{"relation": "self", "url": request.url(server.base_url, request.cursor)}]
    if len(versions) > request.count:
        versions = versions[: request.count]
        if versions:
            cursor = request.cursor_of(versions[-1].place)
            links.append({"relation": "next", "url": request.url(server.base_url, cursor)})
    shown_total = total if request.is_whole else None
    entries = [_entry(server, version, request.part) for version in versions]
    return Answer(200, body=_bundle(entries, links, shown_total))


def _versions(
    server: FhirServer, connection: Connection, request: HistoryRequest, limit: int
) -> list[HistoryVersion]:
    if request.list_id is not None:
        listed = listed_versions(server, connection, request.list_id, request.types, request.id)
        return read_listed_history(
            connection, listed, within=request.within, below=request.below, limit=limit
        )
    if request.id is not None:
        return read_instance_history(
            connection, request.types[0], request.id,
            within=request.within, below=request.below, limit=limit,
        )  # fmt: skip
    return read_types_history(
        connection, request.types, within=request.within, below=request.below, limit=limit
    )


def _bundle(entries: Sequence[bytes], links: object, total: int | None) -> bytes:
    return (
        b'{"resourceType":"Bundle","id":"' + str(uuid.uuid4()).encode() + b'","type":"history"'
        + (b"" if total is None else b',"total":%d' % total) + b',"link":' + encode_json(links)
        + (b',"entry":[' + b",".join(entries) + b"]" if entries else b"") + b"}"
    )  # fmt: skip


def _entry(server: FhirServer, made: HistoryVersion, part: Subset) -> bytes:
    version = made.stored
    reference = f"{version.type}/{version.id}"
    method, status = _request_and_status(made)
    url = version.type if method == "POST" else reference
    response = {
        "status": status,
        "etag": f'W/"{version.version}"',
        "lastModified": instant(version.updated),
    }
    resource = b""
    if version.body is not None:
        resource = b',"resource":' + subset_body(server.definitions, part, version.body)
    return (
        b'{"fullUrl":' + encode_json(f"{server.base_url}/{reference}") + resource
        + b',"request":' + encode_json({"method": method, "url": url})
        + b',"response":' + encode_json(response) + b"}"
    )  # fmt: skip


def _request_and_status(made: HistoryVersion) -> tuple[str, str]:
    if made.stored.deleted:
        return "DELETE", "204 No Content"
    if made.origin == Origin.PATCH:
        return "PATCH", "200 OK"
    if made.origin == Origin.UPDATE_AS_CREATE:
        return "PUT", "201 Created"
    return ("POST", "201 Created") if made.stored.version == 1 else ("PUT", "200 OK")


def _hash(path: str, pairs: Sequence[tuple[str, str]]) -> int:
    return hash64(repr((path, [pair for pair in pairs if pair[0] not in {"_count", *GENERAL}])))


def _types(value: str | None) -> Sequence[str]:
    if value is None:
        return RESOURCE_TYPES
    names = value.split(",")
    for name in names:
        check_type_known(name, "http._type")
    return tuple(dict.fromkeys(names))


def _list_id(value: str | None) -> str | None:
    if value is None:
        return None
    list_id = value.removeprefix("List/")
    check_id(list_id, "http._list")
    return list_id


def _count(value: str | None) -> int:
    if value is None:
        return DEFAULT_PAGE
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise refuse(
            400, "parameter-invalid", "value", "http._count", name="_count", expected="0, 1, 2, …"
        )
    return int(value)


def _range(values: dict[str, str], name: str) -> InstantRange | None:
    if name not in values:
        return None
    try:
        return instant_range(_as_meant(name, values[name]))
    except ValueError:
        expected = "2026-03-01T10:30:00Z, 2026-03-01, 2026-03, 2026"
        raise refuse(
            400, "parameter-invalid", "value", f"http.{name}", name=name, expected=expected
        ) from None


def _as_meant(name: str, value: str) -> str:
    return as_meant(value) if name in {"_since", "_at"} else value


def _place(text: str | None, search: int) -> HistoryPlace:
    if text is None:
        return NEWEST
    updated, key, version = decode_cursor(text, search).values
    return HistoryPlace(moment_of(int(updated or 0)), int(key or 0), int(version or 0))
