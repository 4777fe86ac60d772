"""The headers of a request by their names: those that came several times are one list.

Source: RFC 9110 §5.3 (field order), §5.6.1 (lists)
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from fhir_server.model.issues import refuse

_SINGLE = frozenset(
    {"authorization", "content-encoding", "content-type", "if-modified-since", "if-none-exist"}
)
"""Those that hold one value: joined, they would say what nobody sent."""

RawHeaders = Iterable[tuple[bytes, bytes]]
"""As ASGI gives them, the names in lower case."""


def headers_by_name(raw: RawHeaders) -> Mapping[str, str]:
    """The values by name, with commas between those of a header that came several times."""
    found: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found


def check_single_headers(raw: RawHeaders) -> None:
    """Errors: Refused 400 where a header that holds one value came several times."""
    names = Counter(name.decode("latin-1") for name, _ in raw)
    for name in sorted(_SINGLE):
        if names[name] > 1:
            raise refuse(400, "header-repeated", "value", f"http.{name.title()}", name=name.title())
