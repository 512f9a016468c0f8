"""`hearth api`: serve HTTP."""

import logging
from datetime import UTC, datetime

import uvicorn
from psycopg_pool import ConnectionPool, PoolTimeout

from api.app import create_app
from domain import policy
from domain.errors import UsageError
from hearth.settings import Settings, load

POOL_SIZE = 10
CONNECT_SECONDS = 5
FIRST_SECONDS = 1.0  # for the first connection, before the start is announced without the database
# How long the pool tries by itself, ever more slowly, before it says so and leaves it to the next request.
RECONNECT_SECONDS = 10.0

log = logging.getLogger("hearth.api")


def api() -> None:
    """Serve the HTTP API at HEARTH_API_HOST, HEARTH_API_PORT. It need not find the database there."""
    settings = load()
    with open_pool(settings) as pool:
        app = create_app(pool, lambda: datetime.now(UTC), zone_name(settings))
        uvicorn.run(
            app,
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


def zone_name(settings: Settings) -> str:
    """The utility's time zone: HEARTH_TIMEZONE, else the policy's.

    Raises:
        UsageError: the policy cannot be read.
    """
    if settings.policy is None:
        return policy.builtin("seed", settings.timezone).zone.key
    try:
        text = settings.policy.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"HEARTH_POLICY: cannot read {settings.policy}: {error.strerror}") from None
    return policy.load(text, str(settings.policy), settings.timezone).zone.key


def _say_away(pool: ConnectionPool) -> None:
    log.warning("the database does not answer; requests get 503 until it does")
