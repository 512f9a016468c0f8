"""The HTTP API, put together."""

from collections.abc import Callable, Mapping
from datetime import datetime

from fastapi import Depends, FastAPI
from psycopg import Connection
from psycopg_pool import ConnectionPool

from api.desk import cases, desk_routes, incidents, measurements, notices, outages
from api.evidence import dossier_routes, seals
from api.figures import kpi, maps, status
from api.homes import exports, home_routes
from api.http import callers, health, kinds
from api.http.company import Company
from api.http.description import Described
from api.http.guard import Guard, surround
from api.http.known import known_keys
from api.http.metrics import Measured, Metrics
from api.http.problem import answer_with_problems, openapi_responses
from api.http.session import AppContext
from api.live import live_routes
from api.live.hub import Hub, HubLimits
from api.pages import home as home_page
from api.pages import network as network_page
from domain.policy import Policy
from store.base.access import Asker


def create_app(
    pool: ConnectionPool,
    clock: Callable[[], datetime],
    policy: Policy,
    guard: Guard | None = None,
    company: Company | None = None,
    *,
    listening: Callable[[], Connection] | None = None,
    pace: HubLimits | None = None,
) -> FastAPI:
    """Build the app.

    Args:
        pool: of the database; the caller opens and closes it. Requests that change nothing read only.
        clock: the aware present.
        policy: the utility's rules; its zone decides where a day begins.
        guard: limits, origins and the identity provider; by default there are none.
        company: what it tells of itself.
        listening: opens a connection in autocommit mode to the server itself, where those of the pool go through
            another that lends them out by transaction; by default as the pool does.
        pace: how many may listen to streams of events, and for how long.
    """
    guard = guard or Guard()
    metrics = Metrics()

    def gone(held: Mapping[str, Asker]) -> set[str]:
        with pool.connection() as conn:
            conn.read_only = True
            return callers.gone(conn, guard.oidc, held, clock())

    hub = Hub(listening or (lambda: Connection.connect(str(pool.conninfo), autocommit=True)), gone, metrics, pace)
    app = Described(
        title="Hearth",
        version="1",
        openapi_url="/v1/openapi.json",
        docs_url=None,  # its page would load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        responses=openapi_responses(),
        dependencies=[Depends(known_keys)],
    )
    app.state.surroundings = AppContext(pool, clock, policy, guard, company or Company())
    app.state.board = status.Board()
    app.state.hub = hub
    answer_with_problems(app)
    surround(app, guard)
    app.add_middleware(Measured, metrics=metrics)
    app.add_api_route("/metrics", metrics.page, include_in_schema=False)
    app.include_router(health.router)
    app.include_router(kinds.router)
    app.include_router(home_routes.router)
    app.include_router(exports.router)
    app.include_router(dossier_routes.router)
    app.include_router(maps.router)
    app.include_router(desk_routes.router)
    app.include_router(incidents.router)
    app.include_router(cases.router)
    app.include_router(measurements.router)
    app.include_router(kpi.router)
    app.include_router(outages.router)
    app.include_router(notices.router)
    app.include_router(status.router)
    app.include_router(seals.router)
    app.include_router(home_page.router)
    app.include_router(network_page.router)
    app.include_router(live_routes.router)
    return app
