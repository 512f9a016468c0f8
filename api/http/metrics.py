"""Request counts, latencies and outcomes for Prometheus."""

from functools import cache
from time import perf_counter

from fastapi import Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Metrics:
    """The metrics of one app."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.seconds = Histogram(
            "hearth_api_request_seconds",
            "Time to answer a request, by route and status",
            ["route", "status"],
            registry=self.registry,
        )
        self.seconds_of = cache(self.seconds.labels)  # each pair is looked up once
        self.listeners = Gauge("hearth_api_listeners", "Open event streams", registry=self.registry)
        self.streams = Counter(
            "hearth_api_streams_ended",
            "Ended event streams, by reason",
            ["reason"],
            registry=self.registry,
        )

    async def page(self) -> Response:
        """Render the metrics in the Prometheus text format."""
        return Response(generate_latest(self.registry), media_type=CONTENT_TYPE_LATEST)


class Measured:
    """Middleware that times each request."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = perf_counter()

        def count(status: int) -> None:
            # The route's pattern, not the path: home codes in paths would make the label's cardinality unbounded.
            route = getattr(scope.get("route"), "path", "none")
            self.metrics.seconds_of(route, str(status)).observe(perf_counter() - begun)

        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start":
                count(message["status"])
            await send(message)

        try:
            await self.app(scope, receive, counting)
        except Exception:
            count(500)  # what the framework answers to an unhandled exception
            raise
