"""A question about one ticket costs the same after years of tickets: it is not looked for among all of them."""

from collections.abc import Iterator
from typing import Any

import pytest

from store.tickets import ending_rows, ticket_pages
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


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a node of a plan and all under it."""
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


def is_by_key(scan: dict[str, Any]) -> bool:
    """Return whether an index is asked for keys, and not read as a whole."""
    indexes = [node for node in nodes(scan) if "Index Name" in node]
    return bool(indexes) and all("Index Cond" in node for node in indexes)
