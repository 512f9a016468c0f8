"""Plans of questions about tickets: one is not looked for among all, and nothing is gathered again for each of many."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from store.figures import late_rows
from store.tickets import ending_rows, ticket_pages
from tests import registry_rows as town
from tests.architecture.statements import numbered
from tests.conftest import Database

pytestmark = pytest.mark.plain_only

OF_ONE = {
    "with its history": ticket_pages.SELECT_TICKET,
    "of one home": ticket_pages.SELECT_OF_HOME,
    "with those of its place": ending_rows.SELECT_WITH_BESIDE,
}


@pytest.mark.parametrize("name", OF_ONE)
def test_a_ticket_is_found_by_an_index(plain_database: Database, name: str) -> None:
    with plain_database.connect() as conn:
        conn.execute("SET enable_seqscan = off")
        asked = f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) {numbered(OF_ONE[name])}"
        ((plan,),) = conn.execute(asked.encode()).fetchall()
    scans = [node for node in nodes(plan[0]["Plan"]) if node.get("Relation Name") == "ticket"]
    assert scans
    assert [scan for scan in scans if not is_by_key(scan)] == []


MANY = 400
LATE_TICKETS = """
INSERT INTO ticket (class, source, state, priority, home_id, station, opened_at, description, responsible)
SELECT 'repair', 'phone', 'open', 3, %(home)s, 'East', now() - interval '2 days', '', 'Person ' || n %% 7
FROM generate_series(1, %(many)s) AS n;
INSERT INTO clock (ticket_id, name, started_at, due_at, breached_at)
SELECT t.ticket_id, 'done', t.opened_at, t.opened_at + interval '1 day', t.opened_at + interval '1 day'
FROM ticket AS t;
ANALYZE
"""
ASKED_BY_SUPERVISORS = {
    "late": late_rows.SELECT_LATE,
    "late tickets": late_rows.SELECT_LATE_TICKETS,
    "load": late_rows.SELECT_LOAD,
}


@pytest.mark.parametrize("name", ASKED_BY_SUPERVISORS)
def test_clocks_are_gathered_once_and_not_for_each_ticket(plain_database: Database, name: str) -> None:
    """A station that is chosen does not make the planner gather the clocks of the month once per ticket."""
    with plain_database.connect() as conn, psycopg.ClientCursor(conn) as cur:
        cur.execute(LATE_TICKETS.encode(), {"home": town.home(conn, "H1"), "many": MANY})
        (now,) = cur.execute("SELECT now()").fetchall()[0]
        cur.execute("SET ROLE hearth_api; SET hearth.everywhere = 'on'")
        month = {"start": now - timedelta(days=20), "stop": now + timedelta(days=20), "soon": now}
        chosen = {"station": "East", "person": "Person 3", "after": None, "after_ticket": None, "limit": 50}
        asked = f"EXPLAIN (ANALYZE, FORMAT JSON) {ASKED_BY_SUPERVISORS[name]}"
        ((plan,),) = cur.execute(asked.encode(), {"now": now, **month, **chosen}).fetchall()
    clocks = [node for node in nodes(plan[0]["Plan"]) if node.get("Relation Name") == "clock"]
    assert sum(node["Actual Rows"] * node["Actual Loops"] for node in clocks) == MANY
    gathered = [node for node in nodes(plan[0]["Plan"]) if node["Node Type"] in ("Aggregate", "CTE Scan")]
    assert all(node["Actual Rows"] * node["Actual Loops"] <= MANY for node in gathered)


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a node of a plan and all under it."""
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


def is_by_key(scan: dict[str, Any]) -> bool:
    """Return whether an index is asked for keys, and not read as a whole."""
    indexes = [node for node in nodes(scan) if "Index Name" in node]
    return bool(indexes) and all("Index Cond" in node for node in indexes)
