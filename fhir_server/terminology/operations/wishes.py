"""How an expansion is asked for: which codes, in what order, with which names.

Source: https://hl7.org/fhir/R4/valueset-operation-expand.html
"""

from collections.abc import Iterator
from dataclasses import dataclass

from fhir_server.terminology.display import searchable
from fhir_server.terminology.listing import Row
from fhir_server.terminology.operations.dates import present_date
from fhir_server.terminology.operations.parameters import OperationParameters, Resource

LANGUAGES = "urn:ietf:bcp:47"


@dataclass(frozen=True, slots=True)
class Wishes:
    """The parameters of a call that choose among the codes of a value set, and how these are shown."""

    filter: str | None
    offset: int
    count: int | None
    date: str | None
    language: str | None
    designations: tuple[str, ...]
    with_designations: bool
    active_only: bool
    flat: bool
    selectable_only: bool
    excluded: tuple[str, ...]
    without_post_coordinated: bool

    @property
    def is_paged(self) -> bool:
        """Whether a part of the codes is asked for by its place."""
        return self.count is not None or self.offset > 0

    def keep(self, rows: Iterator[Row]) -> Iterator[Row]:
        """The rows that are asked for."""
        words = searchable(self.filter or "").split()
        for row in rows:
            if self.active_only and row.is_inactive:
                continue
            if self.selectable_only and row.is_abstract:
                continue
            if self.excluded and self._is_excluded(row):
                continue
            if not words or row.matches(words):
                yield row

    def _is_excluded(self, row: Row) -> bool:
        version = row.known.version if row.known is not None else None
        for canonical in self.excluded:
            system, _, excluded = canonical.partition("|")
            if system == row.system and excluded in {"", version}:
                return True
        return False

    def named(self, designations: list[Resource]) -> list[Resource]:
        """The designations that are asked for, by language or use; all where none is chosen."""
        if not self.designations:
            return designations
        return [each for each in designations if any(_is_meant(t, each) for t in self.designations)]

    def said(self) -> Iterator[Resource]:
        """The parameters of the call, as the expansion repeats them."""
        for name, kind, value in (
            ("filter", "String", self.filter),
            ("count", "Integer", self.count),
            ("date", "DateTime", self.date),
            ("displayLanguage", "Code", self.language),
            ("includeDesignations", "Boolean", self.with_designations or None),
            *(("designation", "String", token) for token in self.designations),
            ("activeOnly", "Boolean", self.active_only or None),
            ("excludeNotForUI", "Boolean", self.selectable_only or None),
            ("excludeNested", "Boolean", self.flat or None),
            ("excludePostCoordinated", "Boolean", self.without_post_coordinated or None),
            *(("exclude-system", "Uri", canonical) for canonical in self.excluded),
        ):
            if value is not None:
                yield {"name": name, f"value{kind}": value}


def _is_meant(token: str, designation: Resource) -> bool:
    """Whether a token, `system|code` or a code alone, means the language or the use of a designation."""
    system, bar, code = token.rpartition("|")
    language = str(designation.get("language", "")).lower()
    if (system == LANGUAGES or not bar) and language:
        return code.lower() in {language, language.partition("-")[0]}
    use = designation.get("use") or {}
    return use.get("code") == code and (not bar or use.get("system") == system)


def read_wishes(asked: OperationParameters) -> Wishes:
    """The wishes of a call. Errors: Refused 400 for a value, 422 for a day that has passed."""
    text, offset, count = asked.text("filter"), asked.count("offset") or 0, asked.count("count")
    is_part = bool(text) or offset > 0 or count is not None
    designations = tuple(asked.texts("designation"))
    with_designations = asked.flag("includeDesignations")
    return Wishes(
        filter=text,
        offset=offset,
        count=count,
        date=present_date(asked),
        language=asked.text("displayLanguage"),
        designations=designations,
        with_designations=bool(designations) if with_designations is None else with_designations,
        active_only=asked.flag("activeOnly") or False,
        flat=is_part or asked.flag("excludeNested") or False,
        selectable_only=asked.flag("excludeNotForUI") or False,
        excluded=tuple(asked.texts("exclude-system")),
        # What is listed are the codes of loaded systems, never expressions made of several.
        without_post_coordinated=asked.flag("excludePostCoordinated") or False,
    )
