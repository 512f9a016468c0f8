"""Every query of every dashboard on real servers: it runs, gives what its panel needs, and reads views only."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import psycopg
import pytest
from psycopg import Connection, sql
from psycopg.rows import TupleRow

from bench.dashboards import reads_through
from bench.panels import Question, expand, questions
from dashboards.bundle import bundle
from dashboards.collection import dashboards, panels
from dashboards.links import HOME, SUBSTATION
from dashboards.words import titles
from tests.dashboards.conftest import CHOSEN, look
from tests.store.chunks import opened

BOARDS = dashboards(look())
ASKING = [panel for board in BOARDS.values() for panel in panels(board) if "targets" in panel]
QUESTIONS = [question for board in BOARDS.values() for question in questions(board)]
# Columns that would tell who somebody is.
PERSONAL = re.compile(r"phone|contact|person|customer|recipient|email|description|payload|said|secret|signature|hash")
TIMES, NUMBERS, TEXTS = {1082, 1114, 1184}, {20, 21, 23, 700, 701, 1700}, {25, 1043}


class Answer(NamedTuple):
    types: dict[str, int]  # oid by column
    rows: list[TupleRow]


def ask(conn: Connection, question: Question, days: float = 1) -> Answer:
    now = datetime.now(UTC)
    with conn.cursor() as cur:
        cur.execute(expand(question.sql, CHOSEN, now - (question.span or timedelta(days=days)), now).encode())
        assert cur.description is not None
        return Answer({column.name: column.type_code for column in cur.description}, cur.fetchall())


@pytest.mark.parametrize("question", QUESTIONS, ids=str)
def test_a_query_gives_what_its_panel_needs(town: Connection, question: Question) -> None:
    types, rows = ask(town, question)
    kinds = set(types.values())
    if question.kind == "variable":
        assert set(types) <= {"__value", "__text"} or len(types) == 1
        assert rows
    elif question.kind == "annotation":
        assert {"time", "text"} <= set(types) <= {"time", "timeend", "text", "tags"}
    elif question.kind == "geomap":
        assert types["lat"] == types["lon"] == 701
    elif question.kind in ("timeseries", "state-timeline") or (question.kind == "stat" and "time" in types):
        assert types["time"] in TIMES
        assert kinds & (TEXTS if question.kind == "state-timeline" else NUMBERS)
        assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    elif question.kind == "stat":
        assert len(rows) == 1
    elif question.kind == "bargauge":
        assert [types[name] in found for name, found in zip(types, (TEXTS, NUMBERS), strict=True)] == [True, True]
    else:
        assert question.kind == "table"


@pytest.mark.parametrize("panel", ASKING, ids=lambda panel: panel["title"])
def test_the_columns_of_a_panel_are_those_it_has_looks_for(town: Connection, panel: dict[str, Any]) -> None:
    given = set()
    for target in panel["targets"]:
        given |= set(ask(town, Question("", "", panel["type"], "", target["rawSql"])).types)
    overrides = panel["fieldConfig"]["overrides"]
    looks = {o["matcher"]["options"] for o in overrides}
    split = {f for t in panel.get("transformations") or [] for f in t["options"]["fields"]}
    # Without a filter, this transformation takes the first frame and drops the others.
    assert all(t["filter"] == {"id": "byRefId", "options": "A"} for t in panel.get("transformations") or [])
    assert split <= set(ask(town, Question("", "", "", "A", panel["targets"][0]["rawSql"])).types)
    assert given - {"time"} - split == looks
    for override in overrides:
        for link in next((p["value"] for p in override["properties"] if p["id"] == "links"), []):
            assert set(re.findall(r"__data\.fields\.(\w+)", link["url"])) <= given, link["url"]


def test_panels_have_something_to_show(town: Connection) -> None:
    empty = [str(question) for question in QUESTIONS if not ask(town, question, days=7).rows]
    gone = [f"{board}: {titles.OUT_OF_THE_TABLE.en} " for board in (SUBSTATION, HOME)]  # the table has all
    assert sorted(empty) == sorted(["hearth-desk: Outages A", "hearth-ingest: Notices A", *gone])


def test_a_query_of_a_day_opens_the_chunks_of_a_day(town: Connection) -> None:
    """Some look a little further back, for what was said before the span; none opens the month that there is."""
    for question in QUESTIONS:
        with town.transaction(force_rollback=True):
            ask(town, question)
            assert opened(town) <= 4, question


OVER_READINGS = """
WITH RECURSIVE over (oid) AS (
  SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname IN ('reading', 'substation_reading')
  UNION
  SELECT r.ev_class FROM over AS o
  JOIN pg_depend AS d ON d.refobjid = o.oid AND d.classid = 'pg_rewrite'::regclass
  JOIN pg_rewrite AS r ON r.oid = d.objid
)
SELECT relname FROM over JOIN pg_class USING (oid)
"""


def test_a_statement_over_the_readings_is_bounded_in_time(town: Connection) -> None:
    views = {name for (name,) in town.execute(OVER_READINGS)}
    assert {"home_reading", "substation_history", "reading_hour"} <= views
    assert "substation_now" not in views, "what is now is kept beside the readings"
    asking = [q for q in QUESTIONS if views & set(re.findall(r"\w+", re.sub(r"'[^']*'", "", q.sql)))]
    assert len(asking) > 5
    assert [str(q) for q in asking if "$__timeFilter(measured_at)" not in q.sql] == []


def test_a_statement_without_a_bound_is_noticed(town: Connection) -> None:
    if town.execute("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'").fetchone():
        with town.transaction(force_rollback=True):
            town.execute("SELECT max(temperature) FROM home_reading WHERE home = 'H0'")
            assert opened(town) > 4
        with town.transaction(force_rollback=True):
            town.execute("SELECT * FROM substation_now")
            assert opened(town) == 0


@pytest.fixture
def reader(town: Connection) -> Iterator[Connection]:
    """The same town, as Grafana's role sees it."""
    with town.transaction(force_rollback=True):
        town.execute("SET LOCAL ROLE hearth_grafana")
        yield town


def test_grafana_reads_views_and_nothing_else(reader: Connection) -> None:
    for question in QUESTIONS:
        ask(reader, question)
    for rule in bundle(look(), None, None, ()).rules:
        reader.execute(rule["data"][0]["model"]["rawSql"])
    for (table,) in reader.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall():
        with pytest.raises(psycopg.errors.InsufficientPrivilege), reader.transaction():
            reader.execute(sql.SQL("SELECT FROM {}").format(sql.Identifier(table)))


def test_what_grafana_may_read_tells_of_no_person(town: Connection) -> None:
    columns = town.execute(
        "SELECT c.relname, a.attname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 "
        "WHERE c.relkind = 'v' AND c.relnamespace = 'public'::regnamespace "
        "AND has_table_privilege('hearth_grafana', c.oid, 'SELECT')"
    ).fetchall()
    assert len({view for view, _ in columns}) > 20
    assert [name for name in columns if PERSONAL.search(name[1])] == []


def test_a_plan_that_reads_through_all_readings_is_noticed(town: Connection) -> None:
    for statement in ("SELECT avg(temperature) FROM reading", "SELECT sum(temperature) FROM home_reading"):
        assert reads_through(town, statement), statement
    now = datetime.now(UTC)
    for question in QUESTIONS:
        assert not reads_through(town, expand(question.sql, CHOSEN, now - timedelta(days=7), now)), question
