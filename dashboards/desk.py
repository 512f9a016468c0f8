"""The repair desk: which clocks run out next, who has how much to do, and who is still cold."""

from typing import Any

from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards.frame import STATION, choice, fill, frame
from dashboards.links import DESK
from dashboards.look import Look
from dashboards.panels import Ask, Size, figures, named_by_label, rows, stacked_bars
from domain.reasons import Text

# Tickets that belong to no station are everybody's.
HERE = "({0}station IN (${{station:sqlstring}}) OR {0}station IS NULL)"
CLOCKS = f"""
ticket_clock AS c JOIN ticket_open AS t USING (ticket_id)
WHERE c.met_at IS NULL AND c.due_at IS NOT NULL AND {HERE.format("t.")}
"""
COUNTS = """
  count(*) FILTER (WHERE c.due_at <= now()) AS breached,
  count(*) FILTER (WHERE c.due_at > now() AND c.due_at <= now() + interval '30 minutes') AS due_soon,
  count(*) FILTER (WHERE c.due_at > now()) AS running,
  count(*) FILTER (WHERE c.name = 'station_reply') AS unanswered
"""
IN_ALL = f"""
SELECT
  (SELECT count(*) FROM ticket_open WHERE {HERE.format("")}) AS tickets, x.*
FROM (SELECT {COUNTS} FROM {CLOCKS}) AS x
"""
CLOCK = """
  t.number AS ticket, t.class, t.priority, t.state AS ticket_state, c.name AS clock, c.due_at,
  extract(epoch FROM c.due_at - now()) AS left_s, t.home, t.building, t.substation, t.station
"""
NEXT_DUE = f"SELECT {CLOCK} FROM {CLOCKS} AND c.due_at > now() ORDER BY c.due_at LIMIT 200"
BREACHED = f"SELECT {CLOCK} FROM {CLOCKS} AND c.due_at <= now() ORDER BY c.due_at DESC LIMIT 200"
STATIONS = f"""
SELECT coalesce(t.station, '–') AS station, count(DISTINCT ticket_id) AS tickets, {COUNTS}
FROM {CLOCKS} GROUP BY 1 ORDER BY breached DESC, tickets DESC
"""
OPENED = f"""
SELECT
  date_bin(greatest($__interval_ms, 600000) * interval '1 ms', opened_at, timestamptz 'epoch') AS time,
  coalesce(station, '–') AS station, count(*) AS tickets
FROM ticket_all WHERE $__timeFilter(opened_at) AND NOT retrospective AND {HERE.format("")}
GROUP BY 1, 2 ORDER BY 1
"""
INCIDENTS = f"""
SELECT
  number AS incident, kind AS incident_kind, name, substation, station, opened_at, children, still_cold, ticket
FROM incident_open WHERE {HERE.format("")} ORDER BY opened_at
"""


def dashboard(look: Look) -> Dashboard:
    """The whole of it."""
    text = Text("各工单的时限:快到期与已超时。", "The clocks of all tickets: next due and breached.")
    board = frame(look, DESK, "15s", "24h", text)
    board.with_variable(choice(look, "station", STATION, many=True))
    return fill(board, [*_clocks(look), *_load(look)])


def _clocks(look: Look) -> list[Any]:
    counts = ("tickets", "breached", "due_soon", "running", "unanswered")
    clock = (
        "ticket", "class", "priority", "ticket_state", "clock", "due_at", "left_s", "home", "building", "substation",
        "station",
    )  # fmt: skip
    return [
        figures(look, Text("工单与时限", "Tickets and clocks"), Ask(IN_ALL, counts), Size(24, 4)),
        rows(look, Text("即将到期", "Next due"), Ask(NEXT_DUE, clock), Size(12, 12)),
        rows(look, Text("已超时", "Breached"), Ask(BREACHED, clock), Size(12, 12)),
    ]


def _load(look: Look) -> list[Any]:
    station = ("station", "tickets", "breached", "due_soon", "running", "unanswered")
    incident = (
        "incident", "incident_kind", "name", "substation", "station", "opened_at", "children", "still_cold", "ticket",
    )  # fmt: skip
    opened = Ask(OPENED, ("time", "station", "tickets"))
    load = stacked_bars(
        look, Text("值班负荷:新开工单", "On-call load: tickets opened"), [opened], Size(12, 9), "station"
    )
    return [
        rows(look, Text("各供热站", "By station"), Ask(STATIONS, station), Size(12, 9)),
        load.override_by_name(*named_by_label("tickets", "station")),
        rows(look, Text("事件", "Incidents"), Ask(INCIDENTS, incident), Size(24, 8)),
    ]
