"""The rows of a dashboard's panels, asked of a database as Grafana would."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row

from bench.panels import expand, length
from dashboards.collection import panels

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Frame:
    """The answer to one query."""

    columns: tuple[str, ...]
    rows: Rows


@dataclass(frozen=True)
class Asked:
    """A panel with the answers to its queries, and the time they are about."""

    panel: Mapping[str, Any]
    frames: Mapping[str, Frame]
    since: datetime
    until: datetime


def choices(conn: Connection, board: Mapping[str, Any], now: datetime) -> dict[str, str | list[str]]:
    """Choose what a board opens with: all of a variable of many, and the first of the others."""
    chosen: dict[str, str | list[str]] = {}
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            rows = conn.execute(expand(variable["query"], chosen, now, now).encode()).fetchall()
            values = [str(row[0]) for row in rows]
            chosen[variable["name"]] = values if variable["multi"] else (values or [""])[0]
    return chosen


def ask(
    conn: Connection, board: Mapping[str, Any], chosen: Mapping[str, str | Sequence[str]], now: datetime
) -> list[Asked]:
    """Ask all that a board's panels ask."""
    of_board = board["time"]["from"].removeprefix("now-")
    found = []
    for panel in panels(board):
        since = now - length(panel.get("timeFrom", of_board))
        frames = {t["refId"]: _frame(conn, expand(t["rawSql"], chosen, since, now)) for t in panel.get("targets", [])}
        found.append(Asked(panel, frames, since, now))
    return found


def _frame(conn: Connection, sql: str) -> Frame:
    with conn.cursor(row_factory=dict_row) as cur:
        rows = cur.execute(sql.encode()).fetchall()
        return Frame(tuple(column.name for column in cur.description or ()), rows)
