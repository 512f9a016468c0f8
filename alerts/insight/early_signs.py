"""Look at each substation a few times a day: whether its last hours are what it usually has in such weather.

A look is one transaction, of one substation. It raises no alarm: the list asks somebody to look (decision 0064).
"""

from datetime import UTC, datetime, timedelta

import numpy as np
import structlog
from psycopg import Connection

from domain.policy import Policy
from insight.substation import QUANTITIES, EarlySign, signs
from store.insight import sign_rows

LOOK_AFTER = timedelta(hours=6)
LEARNED = timedelta(days=28)
LATE_H = 12  # hours that are looked at; a departure has to last over most of them
HOUR = timedelta(hours=1)
log = structlog.get_logger()


def look(conn: Connection, policy: Policy, now: datetime) -> bool:
    """Look at the substation that waits longest; True if another may wait. The connection is in autocommit mode."""
    if not policy.in_season(now):
        return False
    substation = sign_rows.next_substation(conn, now - LOOK_AFTER)
    if substation is None:
        return False
    with conn.transaction():
        until = now - (now - datetime.min.replace(tzinfo=UTC)) % HOUR
        past = sign_rows.hours(conn, substation, until - LEARNED, until)
        local = [(until - LEARNED + nth * HOUR).astimezone(policy.zone).hour for nth in range(len(past.outdoor))]
        channels = {
            "supply": past.supply, "return": past.back, "spread": past.supply - past.back, "flow": past.flow
        }  # fmt: skip
        late = np.arange(len(past.outdoor)) >= len(past.outdoor) - LATE_H
        columns = {name: values[:, None] for name, values in channels.items()}
        found = {one.quantity: one for one in signs(columns, past.outdoor[:, None], np.array(local, float), late)}
        known = {name: int(np.sum(~np.isnan(values + past.outdoor)[~late])) for name, values in channels.items()}
        sign_rows.keep(conn, substation, now, [_row(name, known[name], found.get(name)) for name in QUANTITIES])
    if found:
        log.info("early signs", substation=substation, quantities=sorted(found))
    return True


def _row(quantity: str, hours: int, sign: EarlySign | None) -> dict[str, object]:
    if sign is None:
        return {"quantity": quantity, "hours": hours, "usual": None, "value": None, "deviations": None}
    return {
        "quantity": quantity, "hours": hours, "usual": sign.usual, "value": sign.now, "deviations": sign.deviations
    }  # fmt: skip
