"""All maps of a folder, read and compiled once: message plans, code maps, the centre register."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import ingest.mapping.addendum
import ingest.mapping.binaries
import ingest.mapping.documents
import ingest.mapping.events
import ingest.mapping.identifiers
import ingest.mapping.identity_status
import ingest.mapping.patient_numbers
import ingest.mapping.people
import ingest.mapping.values  # noqa: F401 — importing these makes their functions known to the maps
from ingest.mapping.accounting import Rules, settled_places, static_rules
from ingest.mapping.assembly import CompiledResource
from ingest.mapping.centres import CentreRegister, load_centres
from ingest.mapping.codes import CodeMaps, load_code_maps
from ingest.mapping.compiler import Compiler
from ingest.mapping.decide import compile_condition
from ingest.mapping.finishing import finishing_steps
from ingest.mapping.identities import identity_rules
from ingest.mapping.kept import Settled
from ingest.mapping.language import LineMap, read_maps
from ingest.mapping.local_segments import read_local_segments, with_local_segments
from ingest.mapping.plans import Link, MessagePlan, ResourcePlan, read_plan
from ingest.mapping.scopes import ScopeRule
from ingest.mapping.targets import Setter, TargetError, compile_target
from ingest.mapping.yaml_source import MapError, load_section


@dataclass(frozen=True, slots=True)
class CompiledMessage:
    """The plan of one message structure, ready to run."""

    plan: MessagePlan
    resources: tuple[CompiledResource, ...]
    rules: Rules
    settled: Settled

    @property
    def scopes(self) -> Sequence[ScopeRule]:
        """How its segments fall into scopes."""
        return self.plan.scopes

    @property
    def gathers(self) -> Mapping[str, str]:
        """Scopes that gather others, and which."""
        return {rule.name: rule.gathers for rule in self.plan.scopes if rule.gathers}


@dataclass(frozen=True, slots=True)
class Library:
    """Everything that `mappings/` says."""

    register: CentreRegister
    codes: CodeMaps
    line_maps: Mapping[str, LineMap]
    messages: Mapping[str, CompiledMessage]
    refused: Mapping[str, str]

    local: Mapping[str, Mapping[str, CompiledMessage]]

    def of_type(self, message_type: str, trigger: str, centre: str = "") -> CompiledMessage | None:
        """The map of a message type such as ADT^A01; a centre's own, where it has segments of its own."""
        return self.local.get(centre, self.messages).get(f"{message_type}^{trigger}")


def load_library(root: Path) -> Library:
    """Read and compile all maps under a folder.

    Errors: MapError with file, line and what was expected.
    Cost: about 0.2 s, and once more for each centre with segments of its own; done once per process.
    """
    register = load_centres(root / "centres.csv")
    codes = load_code_maps(root)
    extensions = _extensions(root)
    line_maps: dict[str, LineMap] = {}
    known: set[str] = set()
    refused: dict[str, str] = {}
    for path in sorted((root / "segments").glob("*.yaml")):
        section = load_section(path, root)
        line_maps.update((m.name, m) for m in read_maps(section, "segment"))
        if "reject" in section:
            refused[section.text("segment")] = section.text("reject")
        else:
            known.add(section.text("segment"))
    for path in sorted((root / "datatypes").glob("*.yaml")):
        line_maps.update((m.name, m) for m in read_maps(load_section(path, root), "datatype"))
    plans = [
        read_plan(load_section(path, root)) for path in sorted((root / "messages").glob("*.yaml"))
    ]

    def compiled(own: Mapping[str, LineMap]) -> dict[str, CompiledMessage]:
        maps = {**line_maps, **own}
        compiler = Compiler(maps, codes, extensions)
        for name in maps:
            compiler.compile(name)
        names = {*known, *(one.of for one in own.values())}
        found = [
            _message(with_local_segments(plan, own), compiler, maps, extensions, names)
            for plan in plans
        ]
        return {kind: message for message in found for kind in message.plan.types}

    local = {
        centre: compiled(own) for centre, own in read_local_segments(root, known, register).items()
    }
    return Library(register, codes, line_maps, compiled({}), refused, local)


@cache
def default_library() -> Library:
    """The maps that are installed with the product."""
    return load_library(mappings_folder())


def mappings_folder() -> Path:
    """Where the maps lie: in the package, or beside it in a checkout."""
    import fhir_server

    package = Path(fhir_server.__file__).parent
    installed = package / "data" / "mappings"
    return installed if installed.is_dir() else package.parent / "mappings"


def _extensions(root: Path) -> Mapping[str, str]:
    section = load_section(root / "extensions.yaml", root)
    return {name: section.text(name) for name in section}


def _message(
    plan: MessagePlan,
    compiler: Compiler,
    line_maps: Mapping[str, LineMap],
    extensions: Mapping[str, str],
    known: Collection[str],
) -> CompiledMessage:
    resources = tuple(
        _resource(resource, compiler, line_maps, extensions) for resource in plan.resources
    )
    used = {m.line_map.name: m for r in resources for m in (*r.maps, *r.gather)}
    rules = static_rules(tuple(used.values()), line_maps)
    settled: Settled = {**{name: {} for name in known}, **settled_places(rules)}
    return CompiledMessage(plan, resources, rules, settled)


def _resource(
    plan: ResourcePlan,
    compiler: Compiler,
    line_maps: Mapping[str, LineMap],
    extensions: Mapping[str, str],
) -> CompiledResource:
    for name in (*plan.maps, *plan.gather):
        if name not in line_maps:
            raise plan.section.fault(f"a map of segments/, found `{name}`")
    identify = identity_rules().get(plan.identity)
    if identify is None:
        raise plan.section.fault(f"one of {', '.join(sorted(identity_rules()))}", "identity")
    return CompiledResource(
        plan=plan,
        maps=tuple(compiler.compile(name) for name in plan.maps),
        gather=tuple(compiler.compile(name) for name in plan.gather),
        identify=identify,
        finish=tuple(_step(plan, name) for name in plan.finish),
        links=tuple((link, _link(link, extensions)) for link in plan.links),
        decide=compile_condition(plan.when) if plan.when else None,
        names=compiler.names(plan.names),
    )


def _step(plan: ResourcePlan, name: str) -> Any:
    step = finishing_steps().get(name)
    if step is None:
        raise plan.section.fault(f"one of {', '.join(sorted(finishing_steps()))}", "finish")
    return step


def _link(link: Link, extensions: Mapping[str, str]) -> Setter:
    try:
        return compile_target(link.target, extensions)
    except TargetError as fault:
        raise MapError(link.section.file, link.section.line, str(fault)) from None
