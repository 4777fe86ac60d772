"""HL7 v2 to FHIR: one message in, one transaction Bundle out, and the fate of every field.

Source: HL7 v2-to-FHIR STU1 (hl7.fhir.uv.v2mappings 1.0.0), row by row in `mappings/`.
"""

from collections.abc import Callable
from functools import partial

from fhir_server.model.issues import error
from ingest.hl7v2 import Message
from ingest.mapping.accounting import account
from ingest.mapping.assembly import Assembly
from ingest.mapping.bundle import bundle_of, transaction
from ingest.mapping.centres import Centre, CentreRegister
from ingest.mapping.context import Context
from ingest.mapping.draft import Answered, Draft, Question
from ingest.mapping.kept import keep_with, kept_values
from ingest.mapping.library import CompiledMessage, Library, default_library, load_library
from ingest.mapping.matching import questions_about
from ingest.mapping.organizations import organizations_bundle
from ingest.mapping.reconcile import reconcile
from ingest.mapping.result import Fate, MappingResult, Stored
from ingest.mapping.scopes import read_scopes
from ingest.mapping.withdrawal import ask_less, leave_out_tumours
from ingest.mapping.yaml_source import MapError

__all__ = [
    "Answered",
    "Centre",
    "CentreRegister",
    "Draft",
    "Fate",
    "Library",
    "MapError",
    "MappingResult",
    "Question",
    "Stored",
    "default_library",
    "draft_message",
    "load_library",
    "map_message",
    "organizations_bundle",
]


LINKS = frozenset({"ADT^A24", "ADT^A37"})
"""Events that link two records or undo it. HL7 v2.5.1 §3.3.24 leaves open what a receiver makes of a link;
here a merge (A40) is what changes identities."""

ACKNOWLEDGEMENTS = frozenset({"ACK", "MCF"})
"""Message types that answer and ask for nothing: they are neither mapped nor held nor answered."""


def map_message(
    message: Message, *, stored: Stored | None = None, library: Library | None = None
) -> MappingResult:
    """Translate a message into one FHIR transaction Bundle.

    Shape: without `stored` the Bundle rests on conditional create and update alone; with it,
    elements that the message leaves empty are kept, an older message never overwrites a newer one,
    and updates carry `ifMatch` (a 412 says: map again). `library` defaults to the installed maps.
    Errors: none raised for what a sender can cause; see `MappingResult.held`.
    Cost: see benchmarks/mapping.py.
    """
    return draft_message(message, library=library).finish(stored)


def draft_message(message: Message, *, library: Library | None = None) -> Draft:
    """The same as far as it goes without the store, so that it can be asked for many messages at once."""
    maps = library or default_library()
    centre = maps.register.of_sender(message.sending_application, message.sending_facility)
    if centre is None:
        sender = {
            "application": message.sending_application or "",
            "facility": message.sending_facility or "",
        }
        return _held(message, None, "v2-sender-unknown", code="security", **sender)
    if message.type in ACKNOWLEDGEMENTS:
        return _settled(MappingResult(centre=centre.id, bundle=None, account=_unread(message)))
    compiled = maps.of_type(message.type or "", message.trigger or "", centre.id)
    if compiled is None:
        event = f"{message.type or ''}^{message.trigger or ''}"
        if event in LINKS:
            return _held(
                message, centre.id, "v2-link-not-followed", code="business-rule", type=event
            )
        return _held(message, centre.id, "v2-message-unmapped", code="not-supported", type=event)
    return _drafted(message, centre, compiled, maps)


def _held(
    message: Message, centre: str | None, issue_id: str, *, code: str, **parameters: str
) -> Draft:
    return _settled(
        MappingResult(
            centre=centre,
            bundle=None,
            held=(error(issue_id, code, **parameters),),
            account=_unread(message),
        )
    )


def _settled(result: MappingResult) -> Draft:
    return Draft(lambda _stored: result)


def _unread(message: Message) -> Callable[[], tuple[Fate, ...]]:
    return partial(account, message.segments, (), {}, {})


def _drafted(message: Message, centre: Centre, compiled: CompiledMessage, maps: Library) -> Draft:
    context = Context(centre, maps.register, maps.codes)
    root = read_scopes(message.segments, compiled.scopes)
    assembly = Assembly(context, message, root, compiled.gathers)
    assembly.build(compiled.resources)
    leave_out_tumours(assembly)
    assembly.link(compiled.resources)
    ask_less(assembly)
    kept = kept_values(message.segments, context, compiled.settled)
    for provenance in assembly.of_type("Provenance"):
        keep_with(provenance, kept)
    kept_places = frozenset(place for place, _ in kept)
    finish = partial(_finished, message, assembly, compiled, maps, kept_places)
    return Draft(finish, partial(questions_about, assembly.built))


def _finished(  # noqa: PLR0917 — the parts of one draft, gathered in one place
    message: Message,
    assembly: Assembly,
    compiled: CompiledMessage,
    maps: Library,
    kept_places: frozenset[str],
    stored: Stored | None,
) -> MappingResult:
    context = assembly.context
    held = list(context.held)
    if not held and not assembly.of_what_is_told():
        held.append(error("v2-nothing-told", "required"))
    if stored is None:
        held.extend(issue for built in assembly.built for issue in built.missing)
        bundle = transaction(assembly.built)
    else:
        time = next((m.resource.get("recorded", "") for m in assembly.of_plan("provenance")), "")
        reconciled = reconcile(assembly.built, stored, frozenset(context.cleared), time)
        held.extend(reconciled.held)
        bundle = bundle_of(reconciled.entries)
    return MappingResult(
        centre=context.centre.id,
        bundle=bundle if bundle["entry"] and not held else None,
        issues=tuple(context.issues),
        held=tuple(held),
        resources=(*(built.resource for built in assembly.built), *assembly.unidentified),
        account=lambda: account(
            message.segments,
            context.ledger,
            compiled.rules,
            maps.refused,
            kept_places,
        ),
    )
