"""Uri parameters: exact, or `:above` and `:below` at the slashes of a URL.

A canonical with a version is found with and without it. For `:below` every ancestor of a URL is a
token of its own; for `:above` the ancestors of what is asked for are.

Source: FHIR R4 §3.1.1.4.13, https://hl7.org/fhir/R4/search.html#uri
"""

from collections.abc import Iterable

from fhir_server.search.criteria import Criterion
from fhir_server.search.folding import PREFIX_LENGTH
from fhir_server.search.parameters import SearchParameter
from fhir_server.search.predicates import HasToken, Predicate
from fhir_server.search.rows import IndexRows, TypedValue
from fhir_server.search.values import unescape
from fhir_server.store.keys import token_hash


def extract(parameter: SearchParameter, values: Iterable[TypedValue], rows: IndexRows) -> bool:
    """Add the tokens, and the string for sorting; whether there were any."""
    before = len(rows.tokens)
    for item in values:
        kind, value = item.type, item.value
        if not isinstance(value, str):
            continue
        rows.tokens.append(token_hash(parameter.hash, value))
        plain = value
        if kind in {"canonical", "uri"} and "|" in value:
            plain = value.partition("|")[0]
            rows.tokens.append(token_hash(parameter.hash, plain))
        below = parameter.hash_of("below")
        rows.tokens.extend(token_hash(below, one) for one in {plain, *ancestors(plain)})
        rows.strings.append((parameter.hash, value[:PREFIX_LENGTH], True))
    return len(rows.tokens) > before


def ancestors(url: str) -> list[str]:
    """The URL and what stands above it: `http://a/b/c` → itself, `http://a/b`, `http://a`."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        return [url]
    parts = rest.rstrip("/").split("/")
    return [f"{scheme}://{'/'.join(parts[:count])}" for count in range(len(parts), 0, -1)]


def predicate(criterion: Criterion) -> Predicate:
    """What the values ask for. Errors: Refused(400)."""
    urls = [unescape(value) for value in criterion.values]
    if not all(urls):
        raise criterion.bad_value("", "uri")
    match criterion.modifier:
        case None:
            return _has(criterion.hashes, urls)
        case "below":
            return _has(criterion.hashes_of("below"), [url.rstrip("/") for url in urls])
        case "above":
            return _has(criterion.hashes, [above for url in urls for above in _and_slashed(url)])
    raise criterion.bad_modifier("above", "below")


def _and_slashed(url: str) -> list[str]:
    return [url, *(form for above in ancestors(url) for form in (above, above + "/"))]


def _has(numbers: Iterable[int], urls: Iterable[str]) -> HasToken:
    return HasToken(tuple(token_hash(number, url) for number in numbers for url in urls))
