"""$expand: the codes of a value set.

Source: https://hl7.org/fhir/R4/valueset-operation-expand.html
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fhir_server.model.issues import refuse
from fhir_server.terminology.display import searchable
from fhir_server.terminology.expansion import Expansion
from fhir_server.terminology.listing import Listing, Row, nested
from fhir_server.terminology.operations.parameters import OperationParameters, Resource
from fhir_server.terminology.operations.subjects import value_set_of
from fhir_server.terminology.terminology import Terminology

TAKES = frozenset({
    "url", "valueSet", "valueSetVersion", "filter", "offset", "count", "includeDesignations",
    "includeDefinition", "activeOnly", "excludeNested", "excludeNotForUI", "displayLanguage",
})  # fmt: skip
MAX_CODES = 10_000
"""The most codes in one answer; a larger value set is paged or filtered."""


@dataclass(frozen=True, slots=True)
class _Wishes:
    """How the expansion is asked for."""

    filter: str | None
    offset: int
    count: int | None
    language: str | None
    with_designations: bool
    active_only: bool
    flat: bool
    selectable_only: bool

    @property
    def is_paged(self) -> bool:
        return self.count is not None or self.offset > 0


def expand(terminology: Terminology, content: Any, instance: Resource | None = None) -> Resource:
    """The value set with its expansion.

    Shape: Parameters in, ValueSet out; `instance` is the ValueSet of the call. Nested after the
    hierarchy of the code system, unless paged or filtered, which give a flat list.
    Errors: Refused 400 for a parameter, 404 for a value set that is not known, 422 where its codes
    cannot be told, or are more than MAX_CODES (too-costly).
    """
    asked = OperationParameters(content, TAKES)
    wishes = _wishes(asked)
    value_set = value_set_of(terminology, asked, instance)
    expansion = terminology.expansion_of_resource(value_set)
    fragments = _check_listable(terminology, value_set, expansion)
    listing = Listing(terminology, value_set, expansion)
    rows = list(_wanted(listing, wishes))
    page = _page(value_set, rows, wishes)
    entries = {(row.system, row.code): _entry(row, wishes) for row in page}
    contains = list(entries.values()) if wishes.flat else nested(page, entries)
    head = value_set if asked.flag("includeDefinition") else _without_definition(value_set)
    said = _said(listing, page, wishes, fragments)
    return {**head, "expansion": _stated(len(rows), contains, said, wishes)}


def _wishes(asked: OperationParameters) -> _Wishes:
    text, offset, count = asked.text("filter"), asked.count("offset") or 0, asked.count("count")
    is_part = bool(text) or offset > 0 or count is not None
    return _Wishes(
        filter=text,
        offset=offset,
        count=count,
        language=asked.text("displayLanguage"),
        with_designations=asked.flag("includeDesignations") or False,
        active_only=asked.flag("activeOnly") or False,
        flat=is_part or asked.flag("excludeNested") or False,
        selectable_only=asked.flag("excludeNotForUI") or False,
    )


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


def _wanted(listing: Listing, wishes: _Wishes) -> Iterator[Row]:
    words = searchable(wishes.filter or "").split()
    for row in listing.rows():
        if wishes.active_only and row.is_inactive:
            continue
        if wishes.selectable_only and row.is_abstract:
            continue
        if not words or row.matches(words):
            yield row


def _page(value_set: Resource, rows: list[Row], wishes: _Wishes) -> list[Row]:
    count = MAX_CODES if wishes.count is None else wishes.count
    page = rows[wishes.offset : wishes.offset + count]
    asked_for_more = wishes.count is None and len(rows) - wishes.offset > MAX_CODES
    if asked_for_more or len(page) > MAX_CODES:
        raise refuse(422, "value-set-too-costly", "too-costly", url=value_set.get("url", "?"),
                     total=len(rows), max=MAX_CODES)  # fmt: skip
    return page


def _entry(row: Row, wishes: _Wishes) -> Resource:
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
        designations = row.designations()
        if designations:
            entry["designation"] = designations
    return entry


def _without_definition(value_set: Resource) -> Resource:
    return {key: value for key, value in value_set.items() if key not in {"compose", "text"}}


def _said(
    listing: Listing, page: list[Row], wishes: _Wishes, fragments: list[str]
) -> Iterator[Resource]:
    """What the expansion was made with: the parameters of the call and the versions of the systems."""
    for name, kind, value in (
        ("filter", "String", wishes.filter),
        ("count", "Integer", wishes.count),
        ("displayLanguage", "Code", wishes.language),
        ("includeDesignations", "Boolean", wishes.with_designations or None),
        ("activeOnly", "Boolean", wishes.active_only or None),
        ("excludeNotForUI", "Boolean", wishes.selectable_only or None),
        ("excludeNested", "Boolean", wishes.flat or None),
    ):
        if value is not None:
            yield {"name": name, f"value{kind}": value}
    for system in dict.fromkeys(row.system for row in page):
        index = listing.index(system)
        if index is not None and index.version:
            yield {"name": "version", "valueUri": f"{system}|{index.version}"}
    for system in fragments:
        yield {"name": "fragment", "valueUri": system}


def _stated(
    total: int, contains: list[Resource], said: Iterator[Resource], wishes: _Wishes
) -> Resource:
    expansion: Resource = {
        "identifier": uuid.uuid4().urn,
        "timestamp": datetime.now(UTC).isoformat(timespec="seconds"),
        "total": total,
    }
    if wishes.is_paged:
        expansion["offset"] = wishes.offset
    made_with = list(said)
    if made_with:
        expansion["parameter"] = made_with
    if contains:
        expansion["contains"] = contains
    return expansion
