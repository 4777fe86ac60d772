"""$expand: the codes of a value set.

Source: https://hl7.org/fhir/R4/valueset-operation-expand.html
"""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from fhir_server.model.issues import refuse
from fhir_server.terminology.expansion import Expansion
from fhir_server.terminology.listing import Listing, Row, nested
from fhir_server.terminology.operations.parameters import OperationParameters, Resource
from fhir_server.terminology.operations.subjects import value_set_of
from fhir_server.terminology.operations.versions import TAKES as VERSIONS
from fhir_server.terminology.operations.versions import read_versions, with_versions
from fhir_server.terminology.operations.wishes import Wishes, read_wishes
from fhir_server.terminology.terminology import Terminology

TAKES = frozenset({
    "url", "valueSet", "valueSetVersion", "context", "contextDirection", "filter", "date", "offset", "count",
    "includeDesignations", "designation", "includeDefinition", "activeOnly", "excludeNested",
    "excludeNotForUI", "excludePostCoordinated", "displayLanguage", "exclude-system",
}) | VERSIONS  # fmt: skip
SUPPLEMENT = "http://hl7.org/fhir/StructureDefinition/valueset-supplement"
MAX_CODES = 10_000
"""The most codes in one answer; a larger value set is paged or filtered."""


def expand(terminology: Terminology, content: Any, instance: Resource | None = None) -> Resource:
    """The value set with its expansion.

    Shape: Parameters in, ValueSet out; `instance` is the ValueSet of the call. Nested after the
    hierarchy of the code system, unless paged or filtered, which give a flat list.
    Errors: Refused 400 for a parameter, 404 for a value set that is not known, 422 where its codes
    cannot be told, or are more than MAX_CODES (too-costly).
    """
    asked = OperationParameters(content, TAKES)
    wishes, versions = read_wishes(asked), read_versions(asked)
    terminology = with_versions(terminology, versions)
    value_set = versions.revised(value_set_of(terminology, asked, instance))
    _check_supplements(terminology, value_set)
    expansion = terminology.expansion_of_resource(value_set)
    fragments = _check_listable(terminology, value_set, expansion)
    listing = Listing(terminology, value_set, expansion)
    rows = list(wishes.keep(listing.rows()))
    page = _page(value_set, rows, wishes)
    entries = {(row.system, row.code): _entry(row, wishes) for row in page}
    contains = list(entries.values()) if wishes.flat else nested(page, entries)
    head = value_set if asked.flag("includeDefinition") else _without_definition(value_set)
    said = [*wishes.said(), *versions.said(), *_drawn_on(listing, page, fragments)]
    return {**head, "expansion": _stated(len(rows), contains, said, wishes)}


def _check_supplements(terminology: Terminology, value_set: Resource) -> None:
    """Errors: Refused 422 for a supplement that the value set says it needs, and that is not loaded.

    Source: https://hl7.org/fhir/R4/extension-valueset-supplement.html
    """
    for extension in value_set.get("extension", ()):
        needed = extension.get("valueCanonical") if extension.get("url") == SUPPLEMENT else None
        if needed is not None and terminology.definitions.code_system(needed) is None:
            raise refuse(422, "supplement-not-found", "not-found", supplement=needed[:200])


def _check_listable(
    terminology: Terminology, value_set: Resource, expansion: Expansion
) -> list[str]:
    """The systems of which only a part is loaded; their codes are listed, and the answer says so.

    Errors: Refused 422 where codes cannot be listed at all.
    """
    fragments: list[str] = []
    for system, reason in expansion.unavailable.items():
        index = terminology.code_system(system) if system else None
        if index is None or index.is_complete:
            raise refuse(422, "value-set-cannot-be-expanded", "not-supported",
                         url=value_set.get("url", "?"), reason=reason)  # fmt: skip
        fragments.append(system)
    for system in expansion.grammars:
        raise refuse(422, "value-set-has-no-list", "too-costly", system=system,
                     url=value_set.get("url", "?"))  # fmt: skip
    return fragments


def _page(value_set: Resource, rows: list[Row], wishes: Wishes) -> list[Row]:
    count = MAX_CODES if wishes.count is None else wishes.count
    page = rows[wishes.offset : wishes.offset + count]
    asked_for_more = wishes.count is None and len(rows) - wishes.offset > MAX_CODES
    if asked_for_more or len(page) > MAX_CODES:
        raise refuse(422, "value-set-too-costly", "too-costly", url=value_set.get("url", "?"),
                     total=len(rows), max=MAX_CODES)  # fmt: skip
    return page


def _entry(row: Row, wishes: Wishes) -> Resource:
    entry: Resource = {"system": row.system} if row.system else {}
    if row.is_abstract:
        entry["abstract"] = True
    if row.is_inactive:
        entry["inactive"] = True
    entry["code"] = row.code
    display = row.display(wishes.language)
    if display:
        entry["display"] = display
    if wishes.with_designations:
        designations = wishes.named(row.designations())
        if designations:
            entry["designation"] = designations
    return entry


def _without_definition(value_set: Resource) -> Resource:
    return {key: value for key, value in value_set.items() if key not in {"compose", "text"}}


def _drawn_on(listing: Listing, page: list[Row], fragments: list[str]) -> Iterator[Resource]:
    """The code systems that the expansion was made of: their versions, and what is added to them."""
    for system in dict.fromkeys(row.system for row in page):
        index = listing.index(system)
        if index is not None and index.version:
            yield {"name": "version", "valueUri": f"{system}|{index.version}"}
        for supplement in index.supplements if index is not None else ():
            yield {"name": "used-supplement", "valueUri": supplement}
    for system in fragments:
        yield {"name": "fragment", "valueUri": system}


def _stated(total: int, contains: list[Resource], said: list[Resource], wishes: Wishes) -> Resource:
    expansion: Resource = {
        "identifier": uuid.uuid4().urn,
        "timestamp": datetime.now(UTC).isoformat(timespec="seconds"),
        "total": total,
    }
    if wishes.is_paged:
        expansion["offset"] = wishes.offset
    if said:
        expansion["parameter"] = said
    if contains:
        expansion["contains"] = contains
    return expansion
