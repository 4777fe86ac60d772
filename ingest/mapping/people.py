"""Functions of the maps around people, places and organisations named in a message.

Practitioners and wards are not resources of the network: they are named where they act, with their
identifier where there is one.
"""

from typing import Any

from ingest.hl7v2.segment import NULL
from ingest.mapping.centres import SID
from ingest.mapping.context import Context
from ingest.mapping.functions import map_function
from ingest.mapping.view import View


def _joined(
    context: Context, views: list[View], element: str, numbers: tuple[int, ...], between: str
) -> str | None:
    for view in views:
        parts = [(number, view.get(number)) for number in numbers]
        valued = [(n, text.strip()) for n, text in parts if text and text != NULL and text.strip()]
        if valued:
            for number, _ in valued:
                context.mapped(view.leaf(number), element)
            return between.join(text for _, text in valued)
    return None


@map_function("practitioner_name")
def practitioner_name(context: Context, views: list[View], element: str) -> str | None:
    """An XCN or CNN as `prefix given further family suffix degree professional suffix`."""
    return _joined(context, views, element, (6, 3, 4, 2, 5, 7, 21), " ")


@map_function("location_name")
def location_name(context: Context, views: list[View], element: str) -> str | None:
    """A PL from the facility down to the bed."""
    return _joined(context, views, element, (4, 7, 8, 1, 2, 3, 9), " / ")


def _centre_reference(context: Context, centre_id: str) -> dict[str, Any]:
    centre = context.register.centres[centre_id]
    return {"reference": centre.reference, "display": centre.label}


@map_function("sending_centre")
def sending_centre(context: Context, _views: list[View], _element: str) -> dict[str, Any]:
    """The Organization of the centre that sent the message."""
    return _centre_reference(context, context.centre.id)


@map_function("patients_centre")
def patients_centre(context: Context, views: list[View], _element: str) -> dict[str, Any]:
    """The centre whose patient number PID-3 carries, else the sender.

    A laboratory sends the number of the hospital that asked it; that hospital manages the patient.
    """
    namespaces = [view.get(4) or "" for view in views if view.get(5) == "PI"]
    for namespace in namespaces:
        for centre in context.register.centres.values():
            system = centre.authorities.get(namespace, "")
            if system.startswith(f"{SID}/ipp/"):
                return _centre_reference(context, centre.id)
    return _centre_reference(context, context.centre.id)


@map_function("telephone_number")
def telephone_number(context: Context, views: list[View], element: str) -> str | None:
    """A number from its parts (XTN.5 to XTN.8), as HL7's row composes it."""
    for view in views:
        country, area, local, extension = (view.get(number) for number in (5, 6, 7, 8))
        if not local:
            return None
        for number in (5, 6, 7, 8):
            if view.get(number):
                context.mapped(view.leaf(number), element)
        composed = f"{area} {local}" if area else local
        if country:
            composed = f"+{country} {composed}"
        return f"{composed} X{extension}" if extension else composed
    return None
