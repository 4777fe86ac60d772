"""The query of a request as a selection of messages."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.requests import Request

from fhir_server.model.issues import Issue, Reason, Refused, because, error
from ingest.journal.listing import LARGEST_PAGE
from ingest.journal.record import STATES, State
from ingest.journal.selection import Selection

FILTERS = ("state", "centre", "type", "reason", "since", "until")
PAGING = ("before", "count")


@dataclass(frozen=True, slots=True)
class Page:
    """What a list is asked for: the filter, the id that the page ends before, its length."""

    selection: Selection
    before: int | None
    count: int


def read_page(request: Request) -> Page:
    """The filter and the page. Errors: Refused 400 with one issue per bad parameter."""
    query = request.query_params
    faults = unknown_parameters(request, (*FILTERS, *PAGING))
    selection, bad_values = _selection(request)
    faults += bad_values
    count = query.get("count", "50")
    if not is_number(count) or not 1 <= int(count) <= LARGEST_PAGE:
        faults.append(bad_value("count", f"1…{LARGEST_PAGE}"))
    before = query.get("before")
    if before is not None and not is_number(before):
        faults.append(bad_value("before", because("because-message-id")))
    if faults:
        raise Refused(400, faults)
    return Page(selection, int(before) if before is not None else None, int(count))


def read_selection(request: Request, further: Collection[str] = ()) -> Selection:
    """The filter alone; `further` names what else the query may hold. Errors: as `read_page`."""
    selection, faults = _selection(request)
    faults = [*unknown_parameters(request, (*FILTERS, *further)), *faults]
    if faults:
        raise Refused(400, faults)
    return selection


def read_flag(request: Request, name: str, *, default: bool) -> bool:
    """A parameter that is `true` or `false`. Errors: Refused 400."""
    given = request.query_params.get(name)
    if given is None:
        return default
    if given not in {"true", "false"}:
        raise Refused(400, [bad_value(name, "true, false")])
    return given == "true"


def _selection(request: Request) -> tuple[Selection, list[Issue]]:
    query = request.query_params
    faults: list[Issue] = []
    states = [part for value in query.getlist("state") for part in value.split(",")]
    known: list[State] = [state for state in STATES if state in states]
    if set(states) - set(known):
        faults.append(bad_value("state", ", ".join(STATES)))
    faults += [
        bad_value(name, because("because-no-null"))
        for name in ("centre", "type", "reason")
        if "\0" in query.get(name, "")
    ]
    moments: dict[str, datetime | None] = {}
    for name in ("since", "until"):
        moments[name] = parse_moment(query[name]) if name in query else None
        if name in query and moments[name] is None:
            faults.append(bad_value(name, "2026-01-31, 2026-01-31T08:00:00+01:00"))
    # A circumflex is awkward in a URL: ADT_A01 asks for ADT^A01.
    message_type = query["type"].replace("_", "^") if "type" in query else None
    selection = Selection(
        states=known,
        centre=query.get("centre"),
        type=message_type,
        reason=query.get("reason"),
        since=moments["since"],
        until=moments["until"],
    )
    return selection, faults


def parse_moment(text: str) -> datetime | None:
    """A date or a time; without a zone it is UTC. None where it is neither."""
    # In a URL a plus sign stands for a space; at a terminal a space stands between date and time.
    for written in (text.strip(), text.strip().replace(" ", "+")):
        try:
            moment = datetime.fromisoformat(written)
        except ValueError:
            continue
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None


def unknown_parameters(request: Request, known: Collection[str]) -> list[Issue]:
    """One issue per parameter that means nothing here."""
    return [
        error("ingest-parameter-unknown", "not-supported", name=name, known=", ".join(known))
        for name in dict.fromkeys(request.query_params)
        if name not in known
    ]


def refuse_parameters(request: Request) -> None:
    """What is asked takes no parameters. Errors: Refused 400 where it has some."""
    faults = [
        error("ingest-parameter-none", "not-supported", name=name)
        for name in dict.fromkeys(request.query_params)
    ]
    if faults:
        raise Refused(400, faults)


def bad_value(name: str, expected: str | Reason) -> Issue:
    """The issue of a parameter whose value cannot be used."""
    return error("ingest-parameter-value", "value", name=name, expected=expected)


def is_number(text: str) -> bool:
    """Whether this is a number that PostgreSQL's bigint holds, written in ASCII digits."""
    return text.isascii() and text.isdigit() and len(text) < 19
