"""Monthly figures kept up to date, so that a query never has to count a winter of a city."""

from datetime import datetime
from zoneinfo import ZoneInfo

from psycopg import Connection

from alerts.figures import proofs
from domain.kpi import Month
from domain.policy import Policy
from store.figures import kpi_rows

SHARDS_AT_ONCE = 1  # of homes and a month, in one transaction: deadlines wait meanwhile
EVERY_SHARD = 1_000_000
MONTHS_KEPT = 3  # the present one and those before it: complaints of last month are answered in this one


def sum_some(conn: Connection) -> bool:
    """Sum up the heat of some months that changed; True if there are more. The connection is in autocommit mode."""
    found = kpi_rows.stale(conn, SHARDS_AT_ONCE)
    with conn.transaction():
        for shard, month in found:
            kpi_rows.sum_heat(conn, shard, month, Month(month).end)
    return len(found) == SHARDS_AT_ONCE


def count_recent(conn: Connection, policy: Policy, now: datetime) -> None:
    """Count the desk's figures of this month and those before that may still change. In autocommit mode, too."""
    zone = policy.zone
    month = Month.of(now, zone)
    for _ in range(MONTHS_KEPT):
        with conn.transaction():
            _count_desk(conn, month, zone, now)
        with conn.transaction():
            proofs.make(conn, month, policy)
        month = month.before()


def count(conn: Connection, month: Month, policy: Policy, now: datetime) -> None:
    """Bring all figures of a month up to now, in the caller's transaction."""
    for shard, first in kpi_rows.stale(conn, EVERY_SHARD, month.first):
        kpi_rows.sum_heat(conn, shard, first, month.end)
    _count_desk(conn, month, policy.zone, now)
    proofs.make(conn, month, policy)


def _count_desk(conn: Connection, month: Month, zone: ZoneInfo, now: datetime) -> None:
    kpi_rows.count_desk(conn, month.first, *month.span(zone), now)
