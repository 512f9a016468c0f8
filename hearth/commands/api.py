"""`hearth api`: serve HTTP."""

import structlog
import uvicorn
from psycopg_pool import ConnectionPool, PoolTimeout

from api.app import create_app
from hearth.settings import Settings, load
from hearth.wiring import chosen_policy, now, set_up_logging

POOL_SIZE = 10
CONNECT_SECONDS = 5
FIRST_SECONDS = 1.0  # for the first connection, before the start is announced without the database
# How long the pool tries by itself, ever more slowly, before it says so and leaves it to the next request.
RECONNECT_SECONDS = 10.0


def api() -> None:
    """Serve the HTTP API at HEARTH_API_HOST, HEARTH_API_PORT. It need not find the database there."""
    settings = load()
    set_up_logging(settings.log_level)
    zone = chosen_policy(settings).zone.key
    with open_pool(settings) as pool:
        uvicorn.run(
            create_app(pool, now, zone),
            host=settings.api_host,
            port=settings.api_port,
            log_level=settings.log_level,
            access_log=False,  # paths tell who reads which home
            server_header=False,
            ws="none",
        )


def open_pool(settings: Settings) -> ConnectionPool:
    """Connections to the database, made in the background, checked before use, replaced when broken."""
    pool = ConnectionPool(
        settings.database_url.get_secret_value(),
        kwargs={"application_name": "hearth api", "connect_timeout": CONNECT_SECONDS},
        min_size=1,
        max_size=POOL_SIZE,
        timeout=CONNECT_SECONDS,
        check=ConnectionPool.check_connection,
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


def _say_away(pool: ConnectionPool) -> None:
    structlog.get_logger().warning("database_away", answer="requests get 503 until it is back")
