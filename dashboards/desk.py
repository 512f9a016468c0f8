"""The dashboard of the repair desk: next deadlines, load by station, and repaired homes that are still cold."""

from typing import Any

from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards.frame import STATION, choice, fill, frame
from dashboards.links import DESK
from dashboards.look import Look
from dashboards.panels import Ask, Size, figures, named_by_label, rows, stacked_bars
from domain.reasons import Text

# Tickets without a station are shown to all stations.
HERE = "(station IN (${station:sqlstring}) OR station IS NULL)"
CLOCKS = f"""
ticket_clock WHERE met_at IS NULL AND void_at IS NULL AND due_at IS NOT NULL AND state <> 'closed' AND {HERE}
"""
COUNTS = """
  count(*) FILTER (WHERE due_at <= now()) AS breached,
  count(*) FILTER (WHERE due_at > now() AND due_at <= now() + interval '30 minutes') AS due_soon,
  count(*) FILTER (WHERE due_at > now()) AS running,
  count(*) FILTER (WHERE name = 'station_reply') AS unanswered
"""
IN_ALL = f"""
SELECT
  (SELECT count(*) FROM ticket_all WHERE state <> 'closed' AND {HERE}) AS tickets, x.*
FROM (SELECT {COUNTS} FROM {CLOCKS}) AS x
"""
CLOCK = """
  number AS ticket, class, priority, state AS ticket_state, name AS clock, due_at,
  extract(epoch FROM due_at - now()) AS left_s, home, building, substation, station
"""
NEXT_DUE = f"SELECT {CLOCK} FROM {CLOCKS} AND due_at > now() ORDER BY due_at LIMIT 200"
BREACHED = f"SELECT {CLOCK} FROM {CLOCKS} AND due_at <= now() ORDER BY due_at DESC LIMIT 200"
STATIONS = f"""
SELECT coalesce(station, '–') AS station, t.tickets, c.breached, c.due_soon, c.running, c.unanswered
FROM (SELECT station, count(*) AS tickets FROM ticket_all WHERE state <> 'closed' AND {HERE} GROUP BY station) AS t
LEFT JOIN (SELECT station AS of, {COUNTS} FROM {CLOCKS} GROUP BY station) AS c ON c.of IS NOT DISTINCT FROM t.station
ORDER BY c.breached DESC NULLS LAST, t.tickets DESC
"""
# Marked done, recovery not proven yet.
VERIFYING = f"""
SELECT
  number AS ticket, priority, home, building, substation, station, done_at, temperature, home_state AS state,
  measured_at
FROM ticket_verifying WHERE {HERE} ORDER BY done_at LIMIT 200
"""
OPENED = f"""
SELECT
  date_bin(greatest($__interval_ms, 600000) * interval '1 ms', opened_at, timestamptz 'epoch') AS time,
  coalesce(station, '–') AS station, count(*) AS tickets
FROM ticket_all WHERE $__timeFilter(opened_at) AND NOT retrospective AND ending IS NULL AND {HERE}
GROUP BY 1, 2 ORDER BY 1
"""
INCIDENTS = f"""
SELECT
  number AS incident, kind AS incident_kind, name, substation, station, opened_at, children, still_cold, ticket
FROM incident_open WHERE {HERE} ORDER BY opened_at
"""

OUTAGES = """
SELECT
  number AS outage, kind AS outage_kind, state AS outage_state, begins_at, expected_end, announced_at,
  array_to_string(stations, ', ') AS station, buildings AS in_buildings, homes
FROM outage_open WHERE stations && ARRAY[${station:sqlstring}]::text[] ORDER BY begins_at
"""


def dashboard(look: Look) -> Dashboard:
    """Build the dashboard."""
    text = Text("各工单的时限：快到期与已超时。", "Clocks of all tickets: next due and breached.")
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
    done = (
        "ticket", "priority", "home", "building", "substation", "station", "done_at", "temperature", "state",
        "measured_at",
    )  # fmt: skip
    outage = (
        "outage", "outage_kind", "outage_state", "begins_at", "expected_end", "announced_at", "station", "in_buildings",
        "homes",
    )  # fmt: skip
    opened = Ask(OPENED, ("time", "station", "tickets"))
    load = stacked_bars(
        look, Text("值班负荷：新开工单", "On-call load: tickets opened"), [opened], Size(12, 9), "station"
    )
    return [
        rows(look, Text("各供热站", "By station"), Ask(STATIONS, station), Size(12, 9)),
        load.override_by_name(*named_by_label("tickets", "station")),
        rows(look, Text("已报完工但仍低温", "Marked done, still cold"), Ask(VERIFYING, done), Size(12, 9)),
        rows(look, Text("事件", "Incidents"), Ask(INCIDENTS, incident), Size(12, 9)),
        rows(look, Text("停热", "Outages"), Ask(OUTAGES, outage), Size(24, 7)),
    ]
