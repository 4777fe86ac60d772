"""GET inside a batch or transaction: read, vread, history, search or metadata, by the URL of the entry."""

from collections.abc import Callable, Set
from functools import partial

from msgspec.structs import replace

from fhir_server.interactions.answer import Answer
from fhir_server.interactions.conditional_read import is_known
from fhir_server.interactions.entries import Entry
from fhir_server.interactions.history import HistoryRequest, history, parse_history
from fhir_server.interactions.metadata import metadata
from fhir_server.interactions.query import GENERAL
from fhir_server.interactions.read import read_or_own
from fhir_server.interactions.search_type import SearchPlace, search
from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.subset import parse_subset, subset_body
from fhir_server.interactions.vread import vread
from fhir_server.interactions.writing.check import check_type_known
from fhir_server.model.issues import Language, refuse
from fhir_server.store.resource_types import TYPE_NUMBERS
from fhir_server.store.resources import Connection

_PARTS: Set[str] = frozenset({"_elements", "_summary"})


def read_entry(
    server: FhirServer,
    connection: Connection,
    entry: Entry,
    *,
    language: Language = "en",
    lenient: bool = False,
) -> Answer:
    """Carry out the entry. The answer's body is filled where it asks for content, by GET.

    Shape: `language` and `lenient` as in `search`.
    Errors: those of the interaction; Refused 400 for a URL that is none.
    """
    looking = partial(search, lenient=lenient, language=language)
    understood = partial(parse_history, lenient=lenient)
    answer = _answer(server, connection, entry, looking, understood)
    if entry.path == ("metadata",):
        _check_taken(entry, {*_PARTS, "mode"}, lenient=lenient)
    if answer.body is None:
        assert answer.stored is not None  # noqa: S101 — a read refuses what is not there
        _check_taken(entry, _PARTS, lenient=lenient)
        part = parse_subset(entry.pairs)
        if is_known(entry, answer):
            return Answer(304, stored=replace(answer.stored, body=None))
        body = subset_body(server.definitions, part, answer.stored.body or b"null")
        answer = replace(answer, body=body)
    if entry.method == "HEAD":
        stored = answer.stored and replace(answer.stored, body=None)
        return replace(answer, stored=stored, body=None)
    return answer


def _check_taken(entry: Entry, taken: Set[str], *, lenient: bool) -> None:
    """Errors: Refused 400 for a parameter that the interaction does not take, unless lenient."""
    for name, _ in entry.pairs:
        if name not in taken | GENERAL and not lenient:
            raise refuse(400, "parameter-not-taken", "not-supported", f"{entry.at}.request.url",
                         name=name[:64], allowed=", ".join(sorted(taken | GENERAL)))  # fmt: skip


def _answer(
    server: FhirServer,
    connection: Connection,
    entry: Entry,
    search: Callable[..., Answer],
    parse_history: Callable[..., HistoryRequest],
) -> Answer:
    """What the URL of the entry leads to: a page with its body, or a stored version."""
    if entry.path == ("",):
        return search(server, connection, SearchPlace(), entry.pairs)
    if entry.path == ("metadata",):
        return metadata(server, connection, entry.pairs)
    if entry.path == ("_history",):
        return history(server, connection, parse_history(None, None, entry.pairs))
    check_type_known(entry.path[0], f"{entry.at}.request.url")
    match entry.path:
        case (resource_type,):
            return search(server, connection, SearchPlace(resource_type), entry.pairs)
        case (owner, owner_id, member) if member == "*" or member in TYPE_NUMBERS:
            place = SearchPlace(None if member == "*" else member, (owner, owner_id))
            return search(server, connection, place, entry.pairs)
        case (resource_type, "_history"):
            request = parse_history(resource_type, None, entry.pairs)
            return history(server, connection, request)
        case (resource_type, resource_id):
            return read_or_own(connection, resource_type, resource_id)
        case (resource_type, resource_id, "_history"):
            request = parse_history(resource_type, resource_id, entry.pairs)
            return history(server, connection, request)
        case (resource_type, resource_id, "_history", version):
            return vread(connection, resource_type, resource_id, version)
        case _:
            raise refuse(400, "entry-url", "value", f"{entry.at}.request.url")
