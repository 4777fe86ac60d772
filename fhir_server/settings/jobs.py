"""Settings of requests that are carried out later."""

from typing import Annotated, ClassVar

from pydantic import Field

from fhir_server.settings.kinds import SettingGroup


class JobSettings(SettingGroup):
    """The settings under “Asynchronous requests”."""

    heading: ClassVar[str] = "Asynchronous requests"

    job_workers: Annotated[int, Field(ge=0, le=16)] = Field(
        default=1,
        description="How many processes carry out requests with `Prefer: respond-async`; 0: none here, "
        "`python -m fhir_server.jobs` runs one elsewhere.",
    )
    job_queue: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=100,
        description="How many such requests may wait or run at the same time; further ones are answered 429.",
    )
    job_timeout_s: Annotated[float, Field(gt=0, le=604_800)] = Field(
        default=3600.0, description="Seconds that such a request may take; then it is given up."
    )
    job_kept_s: Annotated[float, Field(gt=0, le=31_536_000)] = Field(
        default=86_400.0,
        description="Seconds for which the answer to such a request stays to be fetched.",
    )
