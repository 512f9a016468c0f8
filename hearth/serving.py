"""Serving the HTTP API: pool, limits, provider, server."""

import resource
import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from weakref import WeakKeyDictionary

import structlog
import uvicorn
from fastapi import FastAPI
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import ConnectionPool, PoolTimeout

from api.app import create_app
from api.http.basemap import Basemap, basemap_of
from api.http.code_flow import CodeFlow
from api.http.company import Company
from api.http.guard import Guard
from api.http.limits import Limiter
from api.http.oidc import Oidc, provider
from api.http.session import AppContext, Attachments, SessionSpans
from api.live.listener import HubLimits
from api.server import StreamServer
from api.uplinks.uplink_routes import Doors
from domain.errors import UsageError
from hearth.ingesting import chosen_pushes, push_address
from hearth.logs import set_up_logging
from hearth.on_record import chosen_history
from hearth.settings import Settings
from hearth.wiring import (
    CUT,
    chosen_files,
    chosen_peers,
    chosen_policy,
    chosen_refunds,
    chosen_seal_key,
    chosen_wechat,
    connector,
    keep_for_good,
    now,
)
from ingest.publisher import PushPublisher
from store.staff.session_rows import SessionSpan

POOL_SIZE = 10
OTHER_SOCKETS = 1_000
NOT_STARTED = 3  # uvicorn's own
CONNECT_SECONDS = 5
FIRST_SECONDS = 1.0  # for the first connection, before the start is announced without the database
# How long the pool tries by itself, ever more slowly, before it says so and leaves it to the next request.
RECONNECT_SECONDS = 10.0
RESTED_SECONDS = 1.0
_ALIVE_AT: WeakKeyDictionary[Connection, float] = WeakKeyDictionary()


def serve(settings: Settings, furnish: Callable[[FastAPI], None] = lambda app: None) -> None:
    """Serve the app until stopped; `furnish` adds to it before it starts."""
    set_up_logging(settings.log_level)
    policy = chosen_policy(settings)
    guard = guard_of(settings)
    pace = HubLimits(settings.api_listeners, settings.api_token_listeners, longest_s=settings.api_stream_s)
    allow_sockets(pace.listeners)
    with open_pool(settings) as pool, open_doors(settings) as doors:
        boards = settings.grafana_url.rstrip("/") if settings.grafana_url else None
        company = Company(settings.status_least_homes, settings.hotline, chosen_seal_key(settings), boards)
        context = AppContext(
            pool,
            now,
            policy,
            guard,
            company,
            spans=spans_of(settings),
            provider=provider_of(settings),
            attachments=attachments_of(settings),
            basemap=chosen_basemap(settings),
            history=chosen_history(settings),
            refunds=chosen_refunds(settings),
            wechat=chosen_wechat(settings),
        )
        app = create_app(context, listening=listening(settings), pace=pace, doors=doors, peers=chosen_peers(settings))
        furnish(app)
        config = uvicorn.Config(
            app,
            host=settings.api_host,
            port=settings.api_port,
            log_config=None,  # its loggers are those of any library
            log_level=settings.log_level,
            access_log=False,  # paths tell who reads which home
            server_header=False,
            proxy_headers=settings.api_proxies is not None,
            forwarded_allow_ips=settings.api_proxies or "",
            ws="none",
        )
        server = StreamServer(config, app.state.hub)
        keep_for_good()
        with suppress(KeyboardInterrupt):  # which it raises again when it is done
            server.run()
        app.state.hub.join_thread()
        if not server.started:
            raise SystemExit(NOT_STARTED)


@contextmanager
def open_doors(settings: Settings) -> Iterator[Doors]:
    """Connect to the broker for the platforms that push by HTTP, if there are any; it need not be there yet."""
    entries = chosen_pushes(settings)
    if not entries:
        yield Doors()
        return
    publisher = PushPublisher(push_address(settings))
    try:
        yield Doors.of(entries, publisher.publish)
    finally:
        publisher.close()


def listening(settings: Settings) -> Callable[[], Connection]:
    """Return a factory of the connection for notifications: to the server itself, past any pooler."""
    direct = settings.api_listen_url
    return connector(settings.model_copy(update={"database_url": direct}) if direct else settings, "api live")


def allow_sockets(listeners: int) -> None:
    """Have the system let us hold a socket for each listener; the limit that processes begin with is often 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = listeners + OTHER_SOCKETS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def guard_of(settings: Settings) -> Guard:
    """Build the guard: limits, origins and the identity provider.

    Raises:
        UsageError: a part of the provider is missing.
    """
    return Guard(
        body_bytes=settings.api_body_bytes,
        cors_origins=[origin.strip() for origin in (settings.api_cors_origins or "").split(",") if origin.strip()],
        limiter=Limiter(_limit(settings.api_token_limit), _limit(settings.api_address_limit)),
        oidc=_oidc(settings),
    )


def spans_of(settings: Settings) -> SessionSpans:
    """Return how long people stay signed in."""
    return SessionSpans(
        SessionSpan(timedelta(hours=settings.session_idle_h), timedelta(days=settings.session_days)),
        SessionSpan(timedelta(hours=settings.crew_session_idle_h), timedelta(days=settings.crew_session_days)),
    )


def attachments_of(settings: Settings) -> Attachments:
    """Return where files of tickets are kept, and the command that checks them.

    Raises:
        UsageError: HEARTH_FILES is no folder.
    """
    return Attachments(chosen_files(settings), shlex.split(settings.file_check or ""))


def chosen_basemap(settings: Settings) -> Basemap:
    """Return what the map of the desk stands on.

    Raises:
        UsageError: HEARTH_MAP_STYLE cannot be used.
    """
    try:
        return basemap_of(settings.map_style, settings.map_attribution or "", settings.map_datum, settings.grafana_url)
    except ValueError as error:
        raise UsageError(f"HEARTH_MAP_STYLE: {error}") from None


def _limit(text: str) -> str | None:
    return None if text == "none" else text


def _oidc(settings: Settings) -> Oidc | None:
    named = (settings.oidc_issuer, settings.oidc_audience, settings.oidc_jwks)
    if not any(named):
        return None
    issuer, audience, jwks = named
    if not issuer or not audience or not jwks:
        raise UsageError("HEARTH_OIDC_ISSUER, HEARTH_OIDC_AUDIENCE and HEARTH_OIDC_JWKS go together: set all or none")
    return provider(
        issuer,
        audience,
        jwks,
        skew=timedelta(seconds=settings.oidc_skew_s),
        role_claim=settings.oidc_role_claim,
        homes_claim=settings.oidc_homes_claim,
        station_claim=settings.oidc_station_claim,
    )


def provider_of(settings: Settings) -> CodeFlow | None:
    """Build the provider at which people sign in; None: by password alone.

    Raises:
        UsageError: a part of it is missing.
    """
    if settings.oidc_client_id is None:
        return None
    if (oidc := _oidc(settings)) is None:
        raise UsageError("HEARTH_OIDC_CLIENT_ID needs HEARTH_OIDC_ISSUER, HEARTH_OIDC_AUDIENCE and HEARTH_OIDC_JWKS")
    secret = settings.oidc_client_secret
    return CodeFlow(
        oidc,
        settings.oidc_client_id,
        secret.get_secret_value() if secret else None,
        settings.oidc_scope,
        timedelta(minutes=settings.oidc_check_min),
    )


def open_pool(settings: Settings) -> ConnectionPool:
    """Open a connection pool: connections are made in the background, checked before use, replaced when broken."""
    pool = ConnectionPool(
        kwargs={
            **CUT,
            **conninfo_to_dict(settings.database_url.get_secret_value()),
            "application_name": "hearth api",
            "connect_timeout": CONNECT_SECONDS,
        },
        min_size=1,
        max_size=POOL_SIZE,
        timeout=CONNECT_SECONDS,
        check=check_when_rested,
        reconnect_timeout=RECONNECT_SECONDS,
        reconnect_failed=_say_away,
        open=True,
    )
    try:
        with pool.connection(timeout=FIRST_SECONDS):
            return pool
    except PoolTimeout:
        _say_away(pool)
        return pool


def check_when_rested(conn: Connection) -> None:
    """Ask a connection for a sign of life before it is used, unless it gave one within the last second."""
    at = time.monotonic()
    if at - _ALIVE_AT.get(conn, -RESTED_SECONDS) > RESTED_SECONDS:
        ConnectionPool.check_connection(conn)
    _ALIVE_AT[conn] = at


def _say_away(pool: ConnectionPool) -> None:
    structlog.get_logger().warning("database_away", answer="requests get 503 until it is back")
