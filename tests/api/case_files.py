"""Complaints and reports that wait for an answer, or have one."""

from datetime import timedelta

from tests.api import town
from tests.api.conftest import Api
from tests.api.operations import INSERT_CASE
from tests.api.town import NOW

DAY = timedelta(days=1)
SET = "UPDATE ticket SET state = %s, replied_at = %s, closed_at = %s, done_at = %s WHERE number = %s"
ANSWERED = """
UPDATE clock SET met_at = %s, breached_at = CASE WHEN due_at < %s THEN due_at END WHERE ticket_id = %s
"""


def case(api: Api, due: timedelta, state: str = "open", station: str = "North", *, answered: bool = False) -> str:
    """Store a case that is to be answered in some time; returns its number."""
    row = api.conn.execute(INSERT_CASE, {"station": station, "at": NOW - 2 * DAY}).fetchone()
    assert row is not None
    closed = NOW if state == "closed" else None
    api.conn.execute(SET, (state, NOW if answered or closed else None, closed, closed, row[0]))
    ticket = api.conn.execute("SELECT ticket_id FROM ticket WHERE number = %s", row).fetchone()
    assert ticket is not None
    town.clock(api.conn, ticket[0], "answer", NOW + due)
    if answered:
        api.conn.execute(ANSWERED, (NOW, NOW, ticket[0]))
    return str(row[0])
