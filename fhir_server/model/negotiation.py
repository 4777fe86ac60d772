"""Proactive negotiation: which of our offers a header such as `Accept` prefers.

Source: RFC 9110, 12.4.2 (quality values), 12.5.1 (Accept), 12.5.4 (Accept-Language).
"""

from collections.abc import Sequence
from typing import TypeVar

from fhir_server.model.issues import Language

Offer = TypeVar("Offer", bound=str)


def preferred(header: str | None, offers: Sequence[Offer]) -> Offer | None:
    """The offer with the highest quality; of equals the first offer; None where none is wanted.

    Shape: offers are media types or language tags; without a header the first offer.
    """
    if header is None or not header.strip():
        return offers[0]
    ranges = [_parse_range(part) for part in header.split(",")]
    rated = [(_quality(offer, ranges), offer) for offer in offers]
    quality, best = max(rated, key=lambda pair: pair[0])
    return best if quality > 0 else None


def preferred_language(header: str | None, default: Language) -> Language:
    """The language that `Accept-Language` prefers; of equals the one that is named first."""
    other: Language = "en" if default == "fr" else "fr"
    ranges = [_parse_range(part) for part in (header or "").split(",")]
    # Browsers name several languages without a quality, the preferred one first.
    named = [offer for name, _ in ranges for offer in (default, other) if _covers(name, offer)]
    offers = list(dict.fromkeys([*named, default]))
    return preferred(header, offers) or default


def _parse_range(part: str) -> tuple[str, float]:
    name, *parameters = (piece.strip().lower() for piece in part.split(";"))
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return name, float(parameter[2:])
            except ValueError:
                return name, 0.0
    return name, 1.0


def _quality(offer: str, ranges: Sequence[tuple[str, float]]) -> float:
    """The quality of the most specific range that covers the offer."""
    covering = [(len(name), quality) for name, quality in ranges if _covers(name, offer.lower())]
    return max(covering)[1] if covering else 0.0


def _covers(name: str, offer: str) -> bool:
    if name in {"*", "*/*", offer}:
        return True
    if name.endswith("/*"):
        return offer.startswith(name[:-1])
    return "/" not in name and name.split("-", 1)[0] == offer
