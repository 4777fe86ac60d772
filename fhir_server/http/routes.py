"""The whole FHIR interface on one screen.

A path is classed by its parts: the first is a resource type or a word of the interface, `$…`, `_…` and
`metadata` stand for themselves, what is left is an id or a version.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from fhir_server.http import (
    asynchronous,
    handlers,
    operation_handlers,
    reindex_handlers,
    subscription_handlers,
    terminology_handlers,
)
from fhir_server.http.call import Call
from fhir_server.http.openapi import openapi
from fhir_server.http.reply import ACCEPT_PATCH, Reply
from fhir_server.interactions.writing.check import check_type_known
from fhir_server.model.issues import refuse
from fhir_server.model.json_source import encode_json
from fhir_server.store.resource_types import TYPE_NUMBERS

Handler = Callable[[Call], Reply]

ANY_PATH = "*"
"""The path of `OPTIONS *`."""


def _operation(
    name: str, handler: Handler, *levels: str
) -> Iterator[tuple[str, str, str, Handler]]:
    """An operation that changes nothing, hence by GET and POST alike; the level of the system is empty."""
    for level in levels:
        for method in ("GET", "POST"):
            yield method, f"{level}/{name}".removeprefix("/"), name, handler


def _openapi(call: Call) -> Reply:
    """GET /openapi.json: JSON, whatever Accept says."""
    only = next((value for name, value in call.pairs if name == "type"), None)
    content = encode_json(openapi(call.server, ROUTES, only))
    return Reply(200, content, {"Content-Type": "application/vnd.oai.openapi+json;version=3.1"})


def _base_options(call: Call) -> Reply:
    """OPTIONS /: what GET /metadata answers, as it was before R4, and what the base takes."""
    reply = handlers.get_capabilities(call)
    return replace(reply, headers={**reply.headers, **_options_headers(_SHAPES[""])})


# fmt: off
ROUTES: Sequence[tuple[str, str, str, Handler]] = (
    # method   path                               interaction            handler
    ("GET",    "metadata",                        "capabilities",        handlers.get_capabilities),
    ("GET",    "openapi.json",                    "openapi",             _openapi),
    ("OPTIONS", "",                               "capabilities",        _base_options),
    ("POST",   "",                                "batch-transaction",   handlers.post_bundle),
    ("POST",   "$validate",                       "$validate",           handlers.post_validate),
    *_operation("$versions",      operation_handlers.get_versions,        ""),
    ("GET",    "_async/{id}",                     "async-status",        asynchronous.status),
    ("DELETE", "_async/{id}",                     "async-status",        asynchronous.cancel),
    ("GET",    "_history",                        "history-system",      handlers.get_history),
    ("GET",    "",                                "search-system",       handlers.get_search),
    ("POST",   "_search",                         "search-system",       handlers.post_search),
    ("POST",   "$reindex",                        "$reindex",            reindex_handlers.start),
    ("GET",    "$reindex",                        "$reindex",            reindex_handlers.status),
    ("DELETE", "$reindex",                        "$reindex",            reindex_handlers.cancel),
    ("POST",   "{type}/$reindex",                 "$reindex",            reindex_handlers.start),
    ("POST",   "{type}/{id}/$reindex",            "$reindex",            reindex_handlers.start),
    ("GET",    "{type}",                          "search-type",         handlers.get_search),
    ("POST",   "{type}/_search",                  "search-type",         handlers.post_search),
    ("GET",    "{type}/{id}/{member}",            "search-compartment",  handlers.get_search),
    ("POST",   "{type}/{id}/{member}/_search",    "search-compartment",  handlers.post_search),
    ("POST",   "{type}/{id}/_search",             "search-compartment",  handlers.post_search),
    ("POST",   "{type}",                          "create",              handlers.post_resource),
    ("PUT",    "{type}",                          "conditional-update",  handlers.put_by_criteria),
    ("PATCH",  "{type}",                          "conditional-patch",   handlers.patch_by_criteria),
    ("DELETE", "{type}",                          "conditional-delete",  handlers.delete_by_criteria),
    ("GET",    "{type}/$snapshot",                "$snapshot",           handlers.get_snapshot),
    ("POST",   "{type}/$snapshot",                "$snapshot",           handlers.post_snapshot),
    ("POST",   "{type}/$validate",                "$validate",           handlers.post_validate),
    ("GET",    "{type}/_history",                 "history-type",        handlers.get_history),
    ("GET",    "{type}/{id}",                     "read",                handlers.get_resource),
    ("PUT",    "{type}/{id}",                     "update",              handlers.put_resource),
    ("PATCH",  "{type}/{id}",                     "patch",               handlers.patch_resource),
    ("DELETE", "{type}/{id}",                     "delete",              handlers.delete_resource),
    ("POST",   "{type}/{id}/$validate",           "$validate",           handlers.post_validate),
    *_operation("$snapshot",      handlers.get_snapshot,                  "{type}/{id}"),
    *_operation("$expand",        terminology_handlers.expand,        "{type}", "{type}/{id}"),
    *_operation("$validate-code", terminology_handlers.validate_code, "{type}", "{type}/{id}"),
    *_operation("$lookup",        terminology_handlers.lookup,        "{type}"),
    *_operation("$subsumes",      terminology_handlers.subsumes,      "{type}", "{type}/{id}"),
    *_operation("$translate",     terminology_handlers.translate,     "{type}", "{type}/{id}"),
    *_operation("$status",        subscription_handlers.get_status,       "{type}", "{type}/{id}"),
    *_operation("$events",        subscription_handlers.get_events,       "{type}/{id}"),
    *_operation("$dead-letters",  subscription_handlers.get_dead_letters, "{type}"),
    *_operation("$diff",          operation_handlers.get_diff,            "", "{type}/{id}"),
    *_operation("$lastn",         operation_handlers.lastn_observations, "{type}"),
    ("POST",   "{type}/$expunge",                 "$expunge",            operation_handlers.post_expunge),
    ("POST",   "{type}/{id}/$expunge",            "$expunge",            operation_handlers.post_expunge),
    *_operation("$meta",          operation_handlers.get_meta,            "", "{type}", "{type}/{id}"),
    *_operation("$meta",          operation_handlers.get_meta,            "{type}/{id}/_history/{version}"),
    ("POST",   "{type}/{id}/$meta-add",           "$meta-add",           operation_handlers.add_meta),
    ("POST",   "{type}/{id}/$meta-delete",        "$meta-delete",        operation_handlers.delete_meta),
    *_operation("$everything",    operation_handlers.get_everything,      "{type}", "{type}/{id}"),
    ("GET",    "{type}/{id}/_history",            "history-instance",    handlers.get_history),
    ("GET",    "{type}/{id}/_history/{version}",  "vread",               handlers.get_version),
)
# fmt: on

_SHAPES: Mapping[str, Mapping[str, tuple[str, Handler]]] = {
    shape: {
        method: (interaction, handler)
        for method, path, interaction, handler in ROUTES
        if path == shape
    }
    for shape in {path for _, path, _, _ in ROUTES}
}


@dataclass(frozen=True, slots=True)
class Found:
    """The route of a request: its interaction, its handler, and the named parts of its path."""

    interaction: str
    handler: Handler
    path: Mapping[str, str]


def find_route(method: str, path: str) -> Found:
    """The route of a method and a path below the FHIR base.

    Errors: Refused 404 for a path that is none, 405 for a method it does not take.
    """
    if (method, path) == ("OPTIONS", ANY_PATH):
        return _options({method for method, *_ in ROUTES}, {})
    parts = path.strip("/").split("/")
    # U+0000 is in no name, and PostgreSQL takes none.
    shape, named = ("?", {}) if "\x00" in path else _classify(parts)
    methods = _SHAPES.get(shape)
    if methods is None:
        raise refuse(404, "path-not-found", "not-found")
    wanted = "GET" if method == "HEAD" else method
    if wanted not in methods:
        if wanted == "OPTIONS":
            return _options(methods, named)
        allowed = ", ".join(allowed_methods(methods))
        raise refuse(405, "method-not-allowed", "not-supported", allowed=allowed)
    interaction, handler = methods[wanted]
    return Found(interaction, handler, named)


def _options(methods: Collection[str], named: Mapping[str, str]) -> Found:
    return Found("options", lambda _: Reply(204, headers=_options_headers(methods)), named)


def _options_headers(methods: Collection[str]) -> dict[str, str]:
    """What a path takes.

    Source: RFC 9110 §10.2.1 (Allow), RFC 5789 §3.1 (Accept-Patch)
    """
    accept_patch = {"Accept-Patch": ACCEPT_PATCH} if "PATCH" in methods else {}
    return {"Allow": ", ".join(allowed_methods(methods)), **accept_patch}


def allowed_methods(methods: Iterable[str]) -> list[str]:
    """The methods of a path that has handlers for these."""
    also = {"OPTIONS", *(["HEAD"] if "GET" in methods else [])}
    return sorted({*methods, *also})


_NAMES = ("type", "id", None, "version")
_MEMBER = 2
"""Where the type searched in a compartment stands, `*` for all."""


def _classify(parts: Sequence[str]) -> tuple[str, dict[str, str]]:
    named: dict[str, str] = {}
    shape: list[str] = []
    for position, part in enumerate(parts):
        if part == "" or part[0] in "$_" or part in {"metadata", "openapi.json"}:
            shape.append(part)
            continue
        name = _NAMES[position] if position < len(_NAMES) else None
        if position == _MEMBER and (part == "*" or part in TYPE_NUMBERS):
            name = "member"
        if name is None:
            return "?", {}
        if name == "type":
            check_type_known(part, status=404)
        named[name] = part
        shape.append("{" + name + "}")
    return "/".join(shape), named
