"""`GET /metrics`: figures for Prometheus. Labels are names of interactions, states and centres only.

Packages add figures of their own by the entry point group `osteon.metrics`: a function that takes a
database connection and gives `Figure`s, called at each scrape.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from importlib.metadata import entry_points

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import REGISTRY, Collector, CollectorRegistry
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fhir_server.http.parts import ServerParts
from fhir_server.model.figures import Figure
from fhir_server.store.database import Connection, Database

ENTRY_POINT_GROUP = "osteon.metrics"
_DURATION_BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

_requests = Counter(
    "osteon_http_requests", "HTTP requests by interaction and status.", ["interaction", "status"]
)
_durations = Histogram(
    "osteon_http_request_seconds",
    "Seconds from a request's arrival to the end of its answer.",
    ["interaction"],
    buckets=_DURATION_BOUNDS_S,
)
_log = structlog.stdlib.get_logger("osteon.metrics")


FigureSource = Callable[[Connection], Iterable[Figure]]


def observe_interaction(interaction: str, status: int, seconds: float) -> None:
    """Count a request that was answered. Shape: `interaction` is a name of the route table."""
    requests, durations = _counted(interaction, status)
    requests.inc()
    durations.observe(seconds)


@cache
def _counted(interaction: str, status: int) -> tuple[Counter, Histogram]:
    return _requests.labels(interaction, status), _durations.labels(interaction)


def routes(parts: ServerParts) -> list[Route]:
    """The route of the figures."""

    def metrics(_request: Request) -> Response:
        registry = CollectorRegistry()
        if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library has no types here
        else:
            registry = REGISTRY
        page = generate_latest(registry) + generate_latest(_figures_registry(parts.database))
        return Response(page, headers={"Content-Type": CONTENT_TYPE_LATEST})

    return [Route("/metrics", metrics, methods=["GET"], name="metrics")]


class _Figures(Collector):
    def __init__(self, figures: Sequence[Figure]) -> None:
        self._figures = figures

    def collect(self) -> Iterable[GaugeMetricFamily]:
        families: dict[str, GaugeMetricFamily] = {}
        for figure in self._figures:
            family = families.get(figure.name)
            if family is None:
                family = GaugeMetricFamily(
                    figure.name, figure.documentation, labels=sorted(figure.labels)
                )
                families[figure.name] = family
            family.add_metric([figure.labels[key] for key in sorted(figure.labels)], figure.value)
        return families.values()


def _figures_registry(database: Database) -> CollectorRegistry:
    figures = [*_pool_figures(database), *_figures_of_packages(database)]
    registry = CollectorRegistry()
    registry.register(_Figures(figures))
    return registry


def _pool_figures(database: Database) -> Iterable[Figure]:
    found = database.pool.get_stats()
    yield Figure(
        "osteon_pool_connections", "Database connections of this process.", found["pool_size"]
    )
    yield Figure("osteon_pool_idle", "Those of them nobody uses.", found["pool_available"])
    yield Figure(
        "osteon_pool_waiting", "Requests that wait for a connection.", found["requests_waiting"]
    )


def _figures_of_packages(database: Database) -> Iterable[Figure]:
    for name, source in _sources().items():
        try:
            with database.transaction() as connection:
                yield from list(source(connection))
        except Exception:
            # The other figures matter most when a part is broken.
            _log.warning("figures missing", source=name, exc_info=True)


@cache
def _sources() -> dict[str, FigureSource]:
    return {entry.name: entry.load() for entry in entry_points(group=ENTRY_POINT_GROUP)}
