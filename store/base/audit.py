"""The API's audit log: every change, and every access to personal data. Append-only."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb

INSERT_ENTRY = """
INSERT INTO audit (at, actor, role, address, action, target, detail)
VALUES (%(at)s, %(actor)s, %(role)s, %(address)s, %(action)s, %(target)s, %(detail)s)
"""


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
    """One entry: `action` is method and route, `target` the parameters; `detail` holds no personal data."""

    at: datetime
    actor: str
    role: str
    address: str | None
    action: str
    target: Mapping[str, Any]
    detail: Mapping[str, Any] = field(default_factory=dict)


def record(conn: Connection, entry: AuditEntry) -> None:
    """Append an entry, in the transaction of the action it records."""
    values = {**asdict(entry), "target": Jsonb(dict(entry.target)), "detail": Jsonb(dict(entry.detail))}
    conn.execute(INSERT_ENTRY, values)
