"""Settings of validation, terminology and packages."""

from typing import ClassVar, Literal

from pydantic import Field

from fhir_server.settings.kinds import Seconds, SettingGroup, WebAddress


class ValidationSettings(SettingGroup):
    """The settings under “Validation, terminology and packages”."""

    heading: ClassVar[str] = "Validation, terminology and packages"

    terminology_server: WebAddress | None = Field(
        default=None,
        description="The FHIR base of a terminology server that is asked for codes of systems which are not "
        "available here. Only codes are sent. Without it, such codes are reported as not checked.",
    )
    terminology_timeout_s: Seconds = Field(
        default=5.0,
        description="Seconds that the terminology server may take; one that gives no answer is left alone "
        "for a minute.",
    )
    wrong_displays: Literal["error", "warning"] = Field(
        default="error",
        description="What validation makes of a display that the code system does not have. It is a warning "
        "in any case where only a fragment of the code system is at hand, or the resource is in a language "
        "that the code system does not speak.",
    )
    wrong_units: Literal["error", "warning"] = Field(
        default="error",
        description="What validation makes of a unit code that its system, UCUM for example, does not have. "
        "For what HL7 v2 messages send it is always a warning.",
    )
    unknown_profiles: Literal["error", "warning"] = Field(
        default="warning",
        description="What validation makes of a profile that a resource claims and that is not loaded. One "
        "that is asked for is an error in any case.",
    )
    package_registry: WebAddress | None = Field(
        default=None,
        description="The base URL of the FHIR package registry that `osteon package install NAME@VERSION` "
        "and the dependencies of packages are fetched from. Without it, packages come from files only.",
    )
    package_timeout_s: Seconds = Field(
        default=30.0,
        description="Seconds that the package registry may take for an answer, and between parts of it.",
    )
