"""Data sources of Grafana: the database, as a role that reads views only, and optionally Prometheus."""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Any

from psycopg.conninfo import conninfo_to_dict

from dashboards.look import DATASOURCE, POSTGRES_TYPE, PROMETHEUS
from domain.errors import UsageError

NAME = "Hearth"
PROMETHEUS_NAME = "Hearth Prometheus"
CONNECTIONS = 10
SSL_MODES = ("disable", "require", "verify-ca", "verify-full")


@dataclass(frozen=True)
class Access:
    """The connection of Grafana to the database."""

    address: str
    user: str
    password: str
    database: str
    sslmode: str


def access(url: str) -> Access:
    """Parse postgresql://user:password@host:port/database?sslmode=….

    Raises:
        UsageError: host or account is missing, or there are several hosts.
    """
    found = {key: str(value) for key, value in conninfo_to_dict(url).items() if value is not None}
    host, port = found.get("host", ""), found.get("port", "5432")
    if not host or "," in host or host.startswith("/") or not found.get("user"):
        raise UsageError("HEARTH_GRAFANA_DATABASE_URL: must name one host and an account: postgresql://user:…@host/db")
    if (mode := found.get("sslmode", "require")) not in SSL_MODES:
        raise UsageError(f"HEARTH_GRAFANA_DATABASE_URL: sslmode {mode}: Grafana supports {', '.join(SSL_MODES)}")
    return Access(
        f"{host}:{port}",
        found["user"],
        found.get("password", ""),
        found.get("dbname", found["user"]),
        mode,
    )


def postgres(reached: Access) -> dict[str, Any]:
    """Build the database's data source, without its password."""
    return {
        "uid": DATASOURCE,
        "name": NAME,
        "type": POSTGRES_TYPE,
        "access": "proxy",
        "url": reached.address,
        "user": reached.user,
        "jsonData": {
            "database": reached.database,
            "sslmode": reached.sslmode,
            "maxOpenConns": CONNECTIONS,
            "connMaxLifetime": 14400,
            "postgresVersion": 1500,
            "timescaledb": False,
        },
    }


def prometheus(url: str) -> dict[str, Any]:
    """Build the Prometheus data source."""
    return {
        "uid": PROMETHEUS,
        "name": PROMETHEUS_NAME,
        "type": "prometheus",
        "access": "proxy",
        "url": url,
        "jsonData": {"httpMethod": "POST"},
    }


def fingerprint(password: str, token: str) -> str:
    """Fingerprint a password with the token, to detect a change: Grafana never returns passwords."""
    return hmac.new(token.encode(), password.encode(), hashlib.sha256).hexdigest()[:16]
