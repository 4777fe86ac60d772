"""The server's parts, opened once and shared by every interaction."""

from dataclasses import dataclass

from fhir_server.definitions import Definitions
from fhir_server.definitions.packages import network_definitions
from fhir_server.fhirpath import FHIRPath
from fhir_server.search.indexer import SearchIndexer
from fhir_server.search.parameters import SearchParameters
from fhir_server.search.registry import SearchRegistry
from fhir_server.settings import Settings
from fhir_server.store.database import Database
from fhir_server.terminology import FHIRPathTerminology, Terminology, remote_terminology
from fhir_server.validation import Validator
from fhir_server.validation.strictness import Strictness


@dataclass(frozen=True, slots=True, eq=False)
class FhirServer:
    """What interactions need: immutable, safe to share between threads."""

    settings: Settings
    database: Database
    definitions: Definitions
    terminology: Terminology
    validator: Validator
    search: SearchRegistry
    fhirpath: FHIRPath

    @property
    def parameters(self) -> SearchParameters:
        """The search parameters in force."""
        return self.search.current.parameters

    @property
    def base_url(self) -> str:
        """The FHIR base, without a slash at the end."""
        return self.settings.fhir_base

    def close(self) -> None:
        """Give the connections back."""
        self.database.close()


def open_server(settings: Settings, database: Database) -> FhirServer:
    """Open the parts: definitions with the network's profiles, validator, search."""
    definitions = network_definitions(settings.data_dir)
    terminology = Terminology(
        definitions,
        remote=remote_terminology(settings.terminology_server, settings.terminology_timeout_s),
    )
    parameters = SearchParameters(definitions, terminology, full_text=settings.full_text)
    # 69 search parameters of R4 use `as` on several items, which strict mode refuses.
    fhirpath = FHIRPath(
        definitions.type_model, lenient=True, terminology=FHIRPathTerminology(terminology)
    )
    indexer = SearchIndexer(
        definitions, fhirpath, bases=[settings.fhir_base], full_text=settings.full_text
    )
    return FhirServer(
        settings=settings,
        database=database,
        definitions=definitions,
        terminology=terminology,
        validator=validator_of(settings, definitions, terminology),
        search=SearchRegistry(parameters, indexer, fhirpath),
        fhirpath=fhirpath,
    )


def validator_of(
    settings: Settings, definitions: Definitions, terminology: Terminology
) -> Validator:
    """A validator as strict as the settings say."""
    strictness = Strictness(
        settings.wrong_displays, settings.unknown_profiles, settings.wrong_units
    )
    return Validator(definitions, terminology, strictness=strictness)
