"""The topics of this server, from `topics.yaml`.

Source: https://hl7.org/fhir/uv/subscriptions-backport/components.html (topics are not resources of R4;
the CapabilityStatement names their canonical URLs).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

import yaml

from fhir_server.store.subscriptions import Trigger


@dataclass(frozen=True, slots=True)
class Topic:
    """What a client may subscribe to, by its canonical URL."""

    url: str
    title: str
    triggers: tuple[Trigger, ...]


@cache
def topics() -> Mapping[str, Topic]:
    """All topics by URL."""
    source = resources.files(__package__).joinpath("topics.yaml").read_text("utf-8")
    return {
        one["url"]: Topic(
            one["url"],
            one["title"],
            tuple(Trigger(each["query"], tuple(each["methods"])) for each in one["triggers"]),
        )
        for one in yaml.safe_load(source)
    }
