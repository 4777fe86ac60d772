"""`osteon hl7v2 journal`: what was received, and what a person does about it."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from fhir_server.model.issues import because, refuse
from fhir_server.settings import load_settings
from ingest.cli.database import journal_database
from ingest.cli.options import (
    CentreId,
    Format,
    Ids,
    MessageType,
    OutputFormat,
    Reason,
    Since,
    States,
    Until,
    read_selection,
)
from ingest.cli.speech import Language, Speech, refusals_told
from ingest.http.messages import shown, shown_count
from ingest.http.statistics import shown_centre
from ingest.journal.listing import LARGEST_PAGE, find_message, list_messages
from ingest.journal.reception import Reception
from ingest.journal.replay import count_replayable
from ingest.journal.replay import replay as replay_messages
from ingest.journal.revision import revise as revise_message
from ingest.journal.statistics import centre_statistics
from ingest.mapping.explain import pretty_json
from ingest.maps import current_maps

app = typer.Typer(
    help="Look into the journal, replay and revise messages.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

MessageId = Annotated[int, typer.Argument(metavar="ID", help="The id of a message.", min=1)]


@app.command("list")
def list_(
    *,
    states: States = None,
    centre: CentreId = None,
    message_type: MessageType = None,
    reason: Reason = None,
    since: Since = None,
    until: Until = None,
    before: Annotated[
        int | None, typer.Option("--before", help="Only messages older than this id.", min=1)
    ] = None,
    count: Annotated[int, typer.Option("--count", help="How many.", min=1, max=LARGEST_PAGE)] = 50,
    output: OutputFormat = Format.TEXT,
    language: Speech = Language.EN,
) -> None:
    """List messages, newest first, with their state and the first reason."""
    selection = read_selection(
        states=states,
        centre=centre,
        message_type=message_type,
        reason=reason,
        since=since,
        until=until,
    )
    with journal_database() as database, database.connection() as connection:
        rows = list_messages(connection, selection, before=before, count=count)
    if output is Format.JSON:
        typer.echo(pretty_json({"messages": [shown(row, language.value) for row in rows]}))
        return
    for row in rows:
        typer.echo(_line(row, language))


def _line(row: dict[str, Any], language: Language) -> str:
    reasons = [issue["id"] for issue in row["issues"]]
    parts = (
        str(row["id"]),
        row["received"].isoformat(timespec="seconds"),
        because(f"because-state-{row['state']}").text(language.value),
        row["centre"] or because("because-unknown-sender").text(language.value),
        row["type"] or "?",
        row["control_id"] or "?",
        *(reasons[:1] or row["resources"][:1]),
    )
    return "  ".join(parts)


@app.command()
def show(
    message_id: MessageId,
    *,
    raw: Annotated[
        bool, typer.Option("--raw", help="Write the message's bytes as they were received.")
    ] = False,
    output: OutputFormat = Format.TEXT,
    language: Speech = Language.EN,
) -> None:
    """Show one message: where it came from, what became of it and why.

    Its content is shown with --raw only; it holds a patient's data.
    """
    with (
        refusals_told(language),
        journal_database() as database,
        database.connection() as connection,
    ):
        row = find_message(connection, message_id)
        content = connection.execute(
            "SELECT raw FROM ingest_message WHERE id = %s", (message_id,)
        ).fetchone()
        if row is None or content is None:
            raise refuse(404, "ingest-message-unknown", "not-found")
    if raw:
        sys.stdout.buffer.write(bytes(content[0]))
    elif output is Format.JSON:
        typer.echo(pretty_json(shown(row, language.value)))
    else:
        for line in _lines(shown(row, language.value)):
            typer.echo(line)


def _lines(told: dict[str, Any]) -> list[str]:
    lines = [
        f"{name:12}  {value}"
        for name, value in told.items()
        if name not in {"issues", "resources"} and value is not None
    ]
    lines += [f"{'resource':12}  {resource}" for resource in told["resources"]]
    for issue in told["issues"]:
        lines.append(f"{issue['severity']}: {issue['id']} {issue.get('expression', '')}".rstrip())
        lines += [f"  {text}" for text in (issue["text"], issue["hint"]) if text]
    return lines


@app.command()
def replay(
    *,
    run: Annotated[
        bool, typer.Option("--run", help="Do it; without this, only what would be done is told.")
    ] = False,
    ids: Ids = None,
    states: States = None,
    centre: CentreId = None,
    message_type: MessageType = None,
    reason: Reason = None,
    since: Since = None,
    until: Until = None,
    output: OutputFormat = Format.TEXT,
    language: Speech = Language.EN,
) -> None:
    """Have messages worked off again: by id, reason, centre, time; without a filter, all of them.

    Takes messages that are stored, held or ignored, unless --state says otherwise. What `osteon hl7v2 map
    --dry-run` tells beforehand is what they would become.
    """
    selection = read_selection(
        ids=ids,
        states=states,
        centre=centre,
        message_type=message_type,
        reason=reason,
        since=since,
        until=until,
    )
    with journal_database() as database, database.transaction() as connection:
        counts = count_replayable(connection, selection)
        replayed = replay_messages(connection, selection) if run else 0
    if output is Format.JSON:
        by = [shown_count(one) for one in counts]
        typer.echo(pretty_json({"dryRun": not run, "replayed": replayed, "by": by}))
        return
    for one in counts:
        state = because(f"because-state-{one.state}").text(language.value)
        typer.echo(f"{one.centre}  {state}  {one.messages}")
    total = sum(one.messages for one in counts)
    told = (
        because("because-messages-replayed", count=replayed)
        if run
        else because("because-messages-would-be-replayed", count=total)
    )
    typer.echo(told.text(language.value))


@app.command()
def revise(
    message_id: MessageId,
    file: Annotated[
        Path, typer.Argument(help="The corrected message.", exists=True, dir_okay=False)
    ],
    *,
    language: Speech = Language.EN,
) -> None:
    """Journal a corrected copy of a message and have it worked off; the original stays as it was."""
    settings = load_settings()
    reception = Reception(current_maps(settings).register)
    content = file.read_bytes()
    with (
        refusals_told(language),
        journal_database(settings) as database,
        database.connection() as connection,
    ):
        revision = revise_message(
            connection, reception, message_id, content, f"revision of {message_id}"
        )
    told = because("because-message-revised", revision=revision, id=message_id)
    typer.echo(told.text(language.value))


@app.command()
def stats(*, output: OutputFormat = Format.TEXT, language: Speech = Language.EN) -> None:
    """Show the journal in numbers: per centre its messages by state, its rate, what is held and silence.

    Ends with 1 where a centre that used to send has fallen silent.
    """
    settings = load_settings()
    now = datetime.now(UTC)
    centres = list(current_maps(settings).register.centres)
    with journal_database(settings) as database, database.connection() as connection:
        found = centre_statistics(
            connection, centres, silence_alert_s=settings.silence_alert_s, now=now
        )
    told = [shown_centre(one, now) for one in found]
    if output is Format.JSON:
        typer.echo(pretty_json({"centres": told}))
    else:
        for one in told:
            typer.echo(_centre_line(one, language))
    if any(one.silent for one in found):
        raise typer.Exit(1)


def _centre_line(one: dict[str, Any], language: Language) -> str:
    def say(name: str, **values: object) -> str:
        return because(f"because-{name}", **values).text(language.value)

    states = "  ".join(
        f"{say(f'state-{state}')} {count}" for state, count in one["states"].items() if count
    )
    parts = [
        one["centre"],
        say("centre-received", count=one["received"]["last24Hours"]),
        states,
        say("centre-last-message", at=one["lastMessage"])
        if one["lastMessage"]
        else say("centre-never-sent"),
    ]
    parts += [say("centre-oldest-held", at=one["oldestHeld"])] if one["oldestHeld"] else []
    parts += [say("centre-silent")] if one["silent"] else []
    return "  ".join(part for part in parts if part)
