"""Assembly of the HTTP API: routes, middleware, error handlers and the hub of event streams."""

from collections.abc import Callable, Mapping
from functools import partial

from fastapi import Depends, FastAPI
from psycopg import Connection

from alerts.exchange.peers_file import Peer
from api.crew import crew_routes, install
from api.desk import (
    applications,
    calendars,
    calls,
    cases,
    causes,
    desk_routes,
    incidents,
    measurements,
    measuring_plan,
    notices,
    outage_previews,
    outages,
    refunds,
    rota,
    statements,
    unknown_sensors,
)
from api.desk_pages import (
    application_pages,
    area_routes,
    call_routes,
    case_routes,
    incident_routes,
    map_routes,
    measurement_routes,
    outage_routes,
    peer_routes,
    place_routes,
    queue_routes,
    rota_routes,
    substation_routes,
    supervision_routes,
    ticket_files,
    ticket_routes,
    unknown_routes,
    warning_routes,
    where_routes,
)
from api.desk_pages.queue_board import QueueBoard
from api.desk_pages.rows_together import RowsTogether
from api.evidence import dossier_routes, seals
from api.exchange import exchange_routes, incoming_routes
from api.exchange.incoming_routes import PeerDoors
from api.figures import (
    application_figures,
    case_export,
    cold_causes,
    estimates,
    insight,
    kpi,
    map_estimates,
    map_layers,
    maps,
    status,
    substation_signs,
    supervision,
)
from api.figures.city_now import MapBoard
from api.files import file_routes
from api.homes import exports, home_routes, wechat_routes
from api.homes.days_together import DaysTogether
from api.homes.homes_together import HomesTogether
from api.http import callers, health, kinds
from api.http.description import Described
from api.http.guard import surround
from api.http.known import known_keys
from api.http.metrics import Measured, Metrics
from api.http.problem import answer_with_problems, openapi_responses
from api.http.session import AppContext
from api.live import live_routes
from api.live.hub import Hub
from api.live.listener import HubLimits
from api.office import contact_book, home_record, rules, tokens, trial_files, trials, uploads
from api.office_pages import (
    find,
    home_page,
    plan_page,
    refund_list,
    refund_pages,
    rules_page,
    token_page,
    trial_page,
    upload_page,
)
from api.pages import front, home, home_applications, home_refund, home_tickets, home_wechat, network
from api.pages.astray import Readable
from api.staff import account, invitation, people, provider, sign_in
from api.uplinks import uplink_routes
from api.uplinks.uplink_routes import Doors
from store.base.access import Asker

# A request tries one after the other, a ticket's page once 215 routes: what desks ask for all the time comes first.
ROUTERS = (
    health.router,
    queue_routes.router,
    ticket_routes.router,
    call_routes.router,
    kinds.router,
    home_routes.router,
    exports.router,
    dossier_routes.router,
    maps.router,
    map_layers.router,
    map_estimates.router,
    desk_routes.router,
    statements.router,
    causes.router,
    calls.router,
    file_routes.router,
    incidents.router,
    application_figures.router,  # before the number of an application
    applications.router,
    cases.router,
    measurements.router,
    measuring_plan.router,
    kpi.router,
    case_export.router,
    cold_causes.router,
    substation_signs.router,
    estimates.router,
    insight.router,
    outage_previews.router,
    supervision.router,
    outages.router,
    notices.router,
    refunds.router,
    rota.router,
    calendars.router,
    calendars.feeds,
    unknown_sensors.router,
    status.router,
    seals.router,
    home_record.router,
    contact_book.router,
    tokens.router,
    uploads.router,
    trials.router,
    trial_files.router,
    rules.router,
    front.router,
    home.router,
    home_refund.router,
    home_applications.router,
    home_wechat.router,
    home_tickets.router,
    home_tickets.files,
    network.router,
    sign_in.router,
    provider.router,
    sign_in.leaving,
    invitation.router,
    account.router,
    people.router,
    place_routes.router,
    case_routes.router,
    measurement_routes.router,
    map_routes.router,
    application_pages.router,
    area_routes.router,
    incident_routes.router,
    outage_routes.router,
    supervision_routes.router,
    ticket_files.router,
    unknown_routes.router,
    substation_routes.router,
    warning_routes.router,
    where_routes.router,
    peer_routes.router,
    rota_routes.router,
    install.router,
    crew_routes.router,
    crew_routes.files,
    find.router,
    home_page.router,
    refund_list.router,
    refund_pages.router,
    token_page.router,
    upload_page.router,
    plan_page.router,
    trial_page.router,
    rules_page.router,
    live_routes.router,
    uplink_routes.router,
    wechat_routes.router,
    exchange_routes.router,
    incoming_routes.router,
)


def create_app(
    context: AppContext,
    *,
    listening: Callable[[], Connection] | None = None,
    pace: HubLimits | None = None,
    doors: Doors | None = None,
    peers: Mapping[str, Peer] | None = None,
) -> FastAPI:
    """Build the app.

    Args:
        context: its dependencies; the caller opens and closes the pool.
        listening: opens a connection in autocommit mode directly to the server, for a pool behind a pooler in
            transaction mode; by default it connects as the pool does.
        pace: limits and intervals of event streams.
        doors: the platforms that push, and what publishes their messages.
        peers: with which tickets are exchanged.
    """
    app = Described(
        title="Hearth",
        version="1",
        openapi_url="/v1/openapi.json",
        docs_url=None,  # its page would load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        responses=openapi_responses(),
        dependencies=[Depends(known_keys)],
        telemetry={"tracing": False, "metrics": False, "logs": False},  # paths tell who reads which home
    )
    metrics = Metrics()
    connect = listening or (lambda: Connection.connect(str(context.pool.conninfo), autocommit=True))
    app.state.surroundings = context
    app.state.doors = doors or Doors()
    app.state.peer_doors = PeerDoors.of(peers or {})
    app.state.board = status.Board()
    app.state.queue_board = QueueBoard()
    app.state.map_board = MapBoard()
    app.state.front_doors = None
    app.state.plain_hosts = frozenset()
    app.state.hub = Hub(connect, partial(_gone, context), metrics, pace)
    answer_with_problems(app)
    app.add_middleware(HomesTogether, context=context)
    app.add_middleware(DaysTogether, context=context)
    app.add_middleware(RowsTogether, context=context, board=app.state.queue_board)
    surround(app, context.guard)
    app.add_middleware(Readable)
    app.add_middleware(Measured, metrics=metrics)
    app.add_api_route("/metrics", metrics.page, include_in_schema=False)
    for router in ROUTERS:
        app.include_router(router)
    return app


def _gone(context: AppContext, held: Mapping[str, Asker]) -> set[str]:
    with context.pool.connection() as conn:
        conn.read_only = True
        return callers.gone(conn, context.guard.oidc, held, context.clock())
