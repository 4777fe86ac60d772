"""Options that several commands on the journal share: the filter and the format."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, cast, get_args

import typer

from ingest.http.query import parse_moment
from ingest.journal.record import STATES, State
from ingest.journal.selection import Selection


class Format(StrEnum):
    """How the answer is written."""

    TEXT = "text"
    JSON = "json"


States = Annotated[
    list[str] | None,
    typer.Option("--state", help=f"Only messages in this state: {', '.join(STATES)}. Repeatable."),
]
Ids = Annotated[
    list[int] | None, typer.Option("--id", help="Only this message. Repeatable.", min=1)
]
CentreId = Annotated[str | None, typer.Option("--centre", help="Only messages of this centre.")]
MessageType = Annotated[
    str | None, typer.Option("--type", help="Only messages of this type, such as ADT^A01.")
]
Reason = Annotated[
    str | None, typer.Option("--reason", help="Only messages with this issue, by its id.")
]
Since = Annotated[
    str | None,
    typer.Option("--since", metavar="TIME", help="Only messages received from this time on."),
]
Until = Annotated[
    str | None,
    typer.Option("--until", metavar="TIME", help="Only messages received before this time."),
]
OutputFormat = Annotated[Format, typer.Option("--format", help="Text or JSON.")]


def read_selection(
    *,
    ids: list[int] | None = None,
    states: list[str] | None = None,
    centre: str | None = None,
    message_type: str | None = None,
    reason: str | None = None,
    since: str | None = None,
    until: str | None = None,
) -> Selection:
    """The filter of the options. Errors: typer.BadParameter."""
    return Selection(
        ids=ids or (),
        states=[_state(state) for state in states or ()],
        centre=centre,
        type=message_type,
        reason=reason,
        since=_moment(since, "--since"),
        until=_moment(until, "--until"),
    )


def _state(given: str) -> State:
    if given not in get_args(State):
        raise typer.BadParameter(f"{given!r} is none of {', '.join(STATES)}", param_hint="--state")
    return cast("State", given)


def _moment(given: str | None, option: str) -> datetime | None:
    if given is None:
        return None
    moment = parse_moment(given)
    if moment is None:
        raise typer.BadParameter(
            f"{given!r} is no time such as 2026-01-31 or 2026-01-31T08:00:00+01:00",
            param_hint=option,
        )
    return moment
