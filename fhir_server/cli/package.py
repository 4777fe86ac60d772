"""`osteon package`: FHIR packages in the data directory, and the network's own as an archive."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fhir_server.operator_error import InputFaultError

if TYPE_CHECKING:
    from fhir_server.definitions import Definitions
    from fhir_server.packages.build import Completed
    from fhir_server.packages.registry import Registry
    from fhir_server.settings import Settings

app = typer.Typer(
    help="Install, list, remove and build FHIR packages.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command()
def install(
    sources: Annotated[
        list[str],
        typer.Argument(metavar="FILE.tgz|DIR|NAME@VERSION…", help="Where the packages come from."),
    ],
    *,
    alone: Annotated[
        bool, typer.Option("--no-dependencies", help="Install them without the packages they need.")
    ] = False,
) -> None:
    """Install packages with the packages they need.

    All are installed, or none. The server and `osteon validate` know them at their next start.
    Exit code: 0 installed, 1 a package is at fault, 3 the registry cannot be reached.
    """
    from fhir_server.packages.install import install as run
    from fhir_server.settings import load_settings

    settings = load_settings()
    with _clear_faults():
        registry = _registry(settings)
        for manifest in run(sources, settings.data_dir, registry, with_dependencies=not alone):
            typer.echo(f"{manifest.name}@{manifest.version} installed")


@app.command(name="list")
def list_packages() -> None:
    """List the installed packages, the newest version of each first, with what they define."""
    from fhir_server.definitions.installed import installed_packages
    from fhir_server.settings import load_settings

    data_dir = load_settings().data_dir
    packages = installed_packages(data_dir)
    for package in packages:
        typer.echo(f"{package.name}@{package.version}  {len(package.entries)} definitions")
    if not packages:
        typer.echo("No packages are installed.")


@app.command()
def remove(
    package: Annotated[
        str, typer.Argument(metavar="NAME[@VERSION]", help="The package to remove.")
    ],
) -> None:
    """Remove an installed package.

    Refused while another installed package needs it.
    """
    from fhir_server.packages.install import remove as run
    from fhir_server.packages.manifest import parse_need
    from fhir_server.settings import load_settings

    with _clear_faults():
        for name in run(parse_need(package), load_settings().data_dir):
            typer.echo(f"{name} removed")


@app.command()
def build(
    folder: Annotated[
        Path | None,
        typer.Option("--from", metavar="DIR", help="The folder; without it, the network's own."),
    ] = None,
    target: Annotated[
        Path | None,
        typer.Option(
            "--to", metavar="FILE", help="The archive; without it, NAME-VERSION.tgz here."
        ),
    ] = None,
    *,
    differentials_only: Annotated[
        bool,
        typer.Option("--no-snapshots", help="Leave the profiles as they are, without snapshots."),
    ] = False,
) -> None:
    """Build a FHIR package from a folder of conformance resources.

    Profiles get their snapshots, worked out with what is loaded. The same content gives the same bytes.
    """
    from fhir_server.definitions.packages import network_package
    from fhir_server.packages.build import build_package

    source = folder or network_package()
    with _clear_faults():
        completed = None if differentials_only else _completed_with(source)
        manifest, archive = build_package(source, completed)
    path = target or Path(f"{manifest.name}-{manifest.version}.tgz")
    path.write_bytes(archive)
    typer.echo(f"{path}: {manifest.name}@{manifest.version}, {len(archive)} bytes")


def _registry(settings: "Settings") -> "Registry | None":
    from fhir_server.packages.registry import Registry

    if settings.package_registry is None:
        return None
    return Registry(settings.package_registry, timeout_s=settings.package_timeout_s)


def _completed_with(folder: Path) -> "Completed":
    """Gives profiles of a folder their snapshots, from what is installed and what stands beside them."""
    from fhir_server.definitions.packages import (
        PackageError,
        network_definitions,
        read_conformance,
    )
    from fhir_server.model.issues import error
    from fhir_server.settings import load_settings
    from fhir_server.validation.snapshot import SnapshotError, completed

    @cache
    def definitions() -> "Definitions":
        return network_definitions(load_settings().data_dir).layered(read_conformance(folder))

    def complete(structure: dict[str, Any]) -> dict[str, Any]:
        try:
            return completed(structure, definitions())
        except SnapshotError as fault:
            text = error(fault.reason, "processing", **fault.parameters).text("en")
            raise PackageError(f"{structure.get('url', structure.get('id'))}: {text}") from None

    return complete


@contextmanager
def _clear_faults() -> Iterator[None]:
    """A package that cannot be used ends the command with one line."""
    from fhir_server.definitions.packages import PackageError

    try:
        yield
    except PackageError as fault:
        raise InputFaultError(str(fault)) from None
