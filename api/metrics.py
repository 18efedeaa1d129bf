"""What Prometheus may ask: how the house fares, from this process's own counters and from one look at the database."""

from __future__ import annotations

import time
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.queries import Vitals

OTHER = "other"  # What no route answered: a path of a stranger's choice must not become a label.
_own = CollectorRegistry(auto_describe=True)
_SECONDS = Histogram(
    "faonam_http_request_seconds", "Time until the last byte of an answer", ["method", "route", "status"],
    buckets=(0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0), registry=_own,
)
ProcessCollector(registry=_own)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Timed:
    """Every answer over HTTP is counted and timed by its route; live streams are left out, for they never end."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The request goes on to the application; its answer's status and seconds are kept."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began_s, status = time.perf_counter(), 500
        is_stream = False

        async def noted(message: Message) -> None:
            nonlocal status, is_stream
            if message["type"] == "http.response.start":
                status = message["status"]
                kinds = [value for name, value in message["headers"] if name == b"content-type"]
                is_stream = any(kind.startswith(b"text/event-stream") for kind in kinds)
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            if not is_stream:
                method = scope["method"] if scope["method"] in _METHODS else OTHER
                _SECONDS.labels(method, _route(scope), str(status)).observe(time.perf_counter() - began_s)


def _route(scope: Scope) -> str:
    """The template of the route that answered, never the path itself: it may hold an id of a person."""
    return getattr(scope.get("route"), "path", None) or OTHER


def exposition(vitals: Vitals) -> bytes:
    """The page in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_FromDatabase(vitals))
    return generate_latest(_own) + generate_latest(registry)


class _FromDatabase(Collector):
    """The figures of one look, as gauges."""

    def __init__(self, vitals: Vitals) -> None:
        self._vitals = vitals

    def collect(self) -> Iterator[Metric]:
        """One family for each kind of figure."""
        seen = self._vitals
        yield GaugeMetricFamily("faonam_datastreams", "Datastreams that are known", value=seen.datastreams)
        yield GaugeMetricFamily(
            "faonam_readings_hour", "Readings observed in the last hour", value=seen.readings_hour
        )
        yield GaugeMetricFamily("faonam_readings_refused", "Rows in quarantine", value=seen.refused)
        yield GaugeMetricFamily(
            "faonam_mqtt_astray_not_kept_hour",
            "Messages by MQTT on topics that nothing is taken from, over the bound and not kept, told in the last hour",
            value=seen.astray_not_kept_hour,
        )
        yield _family("faonam_jobs", "Jobs of the workers", "state", seen.jobs)
        yield _family("faonam_line_chunks", "Chunks of LINE messages", "state", seen.chunks)
        yield _family(
            "faonam_gauge_age_seconds", "Since a gauge's newest good level was observed", "gauge", seen.gauge_age_s
        )
        yield _family("faonam_gauge_state", "0 normal, 1 watch, 2 warning, 3 danger", "gauge", seen.gauge_state)


def _family(name: str, help_text: str, label: str, values: dict[str, float]) -> Metric:
    family = GaugeMetricFamily(name, help_text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family
