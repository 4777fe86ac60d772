"""Settings of Subscriptions and the delivery of their notifications."""

from typing import Annotated, ClassVar
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from fhir_server.settings.kinds import Seconds, SettingGroup


class SubscriptionSettings(SettingGroup):
    """The settings under “Subscriptions”."""

    heading: ClassVar[str] = "Subscriptions"

    subscription_endpoints: str = Field(
        default="loopback",
        description="Where notifications of Subscriptions may go: URL prefixes, separated by commas; "
        "`loopback` for this machine's own addresses, save the ports of this server; `none`.",
    )
    subscription_workers: Annotated[int, Field(ge=0, le=16)] = Field(
        default=1, description="How many processes deliver notifications; 0: none here."
    )
    subscription_timeout_s: Seconds = Field(
        default=10.0,
        description="Seconds that the receiver of a notification may take to answer; a Subscription may "
        "ask for fewer.",
    )
    subscription_longest_pause_s: Seconds = Field(
        default=300.0,
        description="The longest pause, in seconds, before a notification that was not taken is sent "
        "again; pauses double from one second up to it, and never end.",
    )
    subscription_events_kept_s: Annotated[float, Field(ge=0, le=315_360_000)] = Field(
        default=30 * 86_400,
        description="Seconds for which delivered events stay, for `Subscription/[id]/$events`.",
    )

    @field_validator("subscription_endpoints")
    @classmethod
    def _check_endpoints(cls, value: str) -> str:
        for part in (each.strip() for each in value.split(",")):
            parts = urlsplit(part)
            is_prefix = parts.scheme in {"http", "https"} and parts.hostname and not parts.query
            if part not in {"loopback", "none"} and not is_prefix:
                raise ValueError(
                    "is no list of places; expected `none`, `loopback` or web addresses such as "
                    "https://host.example/hooks, separated by commas"
                )
        return value

    @property
    def subscription_endpoint_list(self) -> list[str]:
        """The places that notifications may go to: `loopback` and URL prefixes."""
        parts = [part.strip() for part in self.subscription_endpoints.split(",")]
        return [part for part in parts if part != "none"]
