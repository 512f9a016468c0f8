"""The queries of dashboards as Grafana would send them: macros and variables expanded."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dashboards.collection import panels

Chosen = Mapping[str, str | Sequence[str]]
_MACRO = re.compile(r"\$__(timeFilter|timeFrom|timeTo)\(([^()]*)\)")
_VARIABLE = re.compile(r"\$\{(\w+):sqlstring\}")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "y": timedelta(days=366)}
MOST_POINTS = 1000  # of a panel as wide as a screen


@dataclass(frozen=True)
class Question:
    """A query somewhere in a dashboard."""

    dashboard: str
    place: str  # title of the panel, or name of the variable or annotation
    kind: str  # type of the panel, "variable" or "annotation"
    ref: str
    sql: str
    span: timedelta | None = None  # the panel's own time range, where it has one

    def __str__(self) -> str:
        return f"{self.dashboard}: {self.place} {self.ref}"


def questions(board: Mapping[str, Any]) -> Iterator[Question]:
    """Yield all queries of a dashboard (JSON)."""
    uid = board["uid"]
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            yield Question(uid, variable["name"], "variable", "", variable["query"])
    for mark in board["annotations"].get("list") or []:
        yield Question(uid, mark["name"], "annotation", "", mark["target"]["rawSql"])
    for panel in panels(board):
        span = length(panel["timeFrom"]) if "timeFrom" in panel else None
        for target in panel.get("targets", []):
            yield Question(uid, panel["title"], panel["type"], target["refId"], target["rawSql"], span)


def length(span: str) -> timedelta:
    """Return how long a time range such as 24h or 30d is; a year is one of the long ones."""
    return int(span[:-1]) * _UNITS[span[-1]]


def expand(sql: str, chosen: Chosen, since: datetime, until: datetime) -> str:
    """Return what reaches the database, as Grafana's documentation of its PostgreSQL data source has it.

    Raises:
        KeyError: a variable that is not chosen.
        ValueError: a macro that is not known here.
    """
    since_text, until_text = (f"'{t.isoformat().replace('+00:00', 'Z')}'" for t in (since, until))

    def macro(match: re.Match[str]) -> str:
        if match[1] == "timeFilter":
            return f"{match[2]} BETWEEN {since_text} AND {until_text}"
        return since_text if match[1] == "timeFrom" else until_text

    step_ms = max(round((until - since).total_seconds() * 1000 / MOST_POINTS), 1000)
    text = _MACRO.sub(macro, sql.replace("$__interval_ms", str(step_ms)))
    text = _VARIABLE.sub(lambda match: quoted(chosen[match[1]]), text)
    if "$" in text:
        raise ValueError(f"not expanded: {text[text.index('$') :][:40]}")
    return text


def quoted(value: str | Sequence[str]) -> str:
    """Return values as literals with commas between, as the format `sqlstring` gives them."""
    values = [value] if isinstance(value, str) else value
    return ",".join("'" + one.replace("'", "''") + "'" for one in values)
