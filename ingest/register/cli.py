"""`osteon centre`: the centre register, which is data. Running servers take changes up by themselves."""

from typing import Annotated

import typer

from fhir_server.model.issues import because
from ingest.cli.speech import Language, Speech

app = typer.Typer(
    help="List, add and check the centres of the register.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("list")
def list_(
    *, as_json: Annotated[bool, typer.Option("--json", help="JSON instead of text.")] = False
) -> None:
    """List the centres: role, senders, character set, certificates, own codes and segments."""
    from fhir_server.settings import load_settings
    from ingest.mapping.centres import load_centres
    from ingest.mapping.explain import pretty_json
    from ingest.maps import maps_folder

    folder = maps_folder(load_settings())
    centres = load_centres(folder / "centres.csv").centres.values()
    own = {
        centre.id: sorted(path.name for path in (folder / "centres" / centre.id).rglob("*.*"))
        for centre in centres
    }
    if as_json:
        told = [
            {
                "id": one.id,
                "label": one.label,
                "role": one.role,
                "applications": list(one.applications),
                "facilities": list(one.facilities),
                "charset": one.charset,
                "timeZone": one.zone.key,
                "authorities": dict(one.authorities),
                "kinds": dict(one.kinds),
                "certificates": sorted(one.certificates),
                "own": own[one.id],
            }
            for one in centres
        ]
        typer.echo(pretty_json({"centres": told}))
        return
    for one in centres:
        senders = f"{' '.join(one.applications) or '*'} @ {' '.join(one.facilities)}"
        parts = [one.id, one.role, senders, one.charset, one.zone.key, one.label, *own[one.id]]
        typer.echo("  ".join(parts))


@app.command()
def add(  # noqa: PLR0917 — typer's options, given by name
    centre_id: Annotated[str, typer.Argument(metavar="ID", help="Its id, such as C25.")],
    label: Annotated[str, typer.Option("--label", help="Its name.")],
    role: Annotated[str, typer.Option("--role", help="clinical, pathology or both.")],
    facility: Annotated[list[str], typer.Option("--facility", help="MSH-4 it sends. Repeatable.")],
    application: Annotated[
        list[str] | None,
        typer.Option("--application", help="MSH-3 it sends; without one, any counts. Repeatable."),
    ] = None,
    charset: Annotated[
        str, typer.Option("--charset", help="Where MSH-18 is empty, table 0211.")
    ] = "UNICODE UTF-8",
    time_zone: Annotated[
        str, typer.Option("--time-zone", help="Of times without an offset.")
    ] = "Europe/Paris",
    authority: Annotated[
        list[str] | None,
        typer.Option(
            "--authority",
            metavar="NAMESPACE=SYSTEM",
            help="The identifier system of a namespace it sends in CX.4 and EI.2. Repeatable.",
        ),
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            "--kind",
            metavar="NAMESPACE=KIND",
            help="What is numbered under a system whose address does not tell, such as an OID: ipp, nda,"
            " report and so on. Repeatable.",
        ),
    ] = None,
    certificate: Annotated[
        list[str] | None,
        typer.Option(
            "--certificate",
            help="SHA-256 fingerprint or common name of its client certificate. Repeatable.",
        ),
    ] = None,
    finess: Annotated[str, typer.Option("--finess", help="Its FINESS number.")] = "",
    valid_from: Annotated[
        str, typer.Option("--valid-from", metavar="DATE", help="Member of the network from here.")
    ] = "",
    valid_to: Annotated[
        str, typer.Option("--valid-to", metavar="DATE", help="Member of the network until here.")
    ] = "",
    language: Speech = Language.EN,
) -> None:
    """Add a centre to the register, or put its line in place of the one before."""
    from fhir_server.settings import load_settings
    from ingest.maps import maps_folder
    from ingest.register.lines import add_centre, listed

    add_centre(
        maps_folder(load_settings()),
        {
            "id": centre_id,
            "label": label,
            "role": role,
            "finess": finess,
            "sending_applications": listed(application or ()),
            "sending_facilities": listed(facility),
            "charset": charset,
            "time_zone": time_zone,
            "authorities": listed(authority or ()),
            "kinds": listed(kind or ()),
            "certificates": listed(certificate or ()),
            "valid_from": valid_from,
            "valid_to": valid_to,
        },
    )
    typer.echo(because("because-centre-added", id=centre_id).text(language.value))


@app.command()
def check(*, language: Speech = Language.EN) -> None:
    """Check the register, the centres' own codes and segments. Ends with 1 where something is wrong."""
    from fhir_server.settings import load_settings
    from ingest.maps import maps_folder
    from ingest.register.lines import check_register

    faults = list(check_register(maps_folder(load_settings()), language.value))
    for fault in faults:
        typer.echo(fault)
    if faults:
        raise typer.Exit(1)
    typer.echo(because("because-centres-in-order").text(language.value))
