"""GET inside a batch or transaction: read, vread, history or search, by the URL of the entry."""

from dataclasses import replace

from fhir_server.interactions.answer import Answer
from fhir_server.interactions.conditional_read import is_known
from fhir_server.interactions.entries import Entry
from fhir_server.interactions.history import history, parse_history
from fhir_server.interactions.read import read
from fhir_server.interactions.search_type import SearchPlace, search
from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.vread import vread
from fhir_server.interactions.writing.check import check_type_known
from fhir_server.model.issues import refuse
from fhir_server.store.resource_types import TYPE_NUMBERS
from fhir_server.store.resources import Connection


def read_entry(server: FhirServer, connection: Connection, entry: Entry) -> Answer:
    """Carry out the entry. The answer's body is filled, since a GET asks for content.

    Errors: those of the interaction; Refused 400 for a URL that is none.
    """
    if entry.path == ("",):
        return search(server, connection, SearchPlace(), entry.pairs)
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
            answer = read(connection, resource_type, resource_id)
        case (resource_type, resource_id, "_history"):
            request = parse_history(resource_type, resource_id, entry.pairs)
            return history(server, connection, request)
        case (resource_type, resource_id, "_history", version):
            answer = vread(connection, resource_type, resource_id, version)
        case _:
            raise refuse(400, "entry-url", "value", f"{entry.at}.request.url")
    assert answer.stored is not None  # noqa: S101 — a read refuses what is not there
    if is_known(entry, answer):
        return Answer(304, stored=replace(answer.stored, body=None))
    return Answer(200, stored=answer.stored, body=answer.stored.body)
