"""The dashboard of the repair desk: what runs out next, what ran out, and what was repaired and is still cold."""

from typing import Any

from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards.frame import STATION, Section, choice, fill, frame
from dashboards.grid import Size
from dashboards.links import DESK
from dashboards.look import Look
from dashboards.panels import Ask, figures, named_by_label, stacked_bars, trend
from dashboards.tables import rows
from dashboards.words import titles

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
  x.due_soon, x.breached, x.running, x.unanswered,
  (SELECT count(*) FROM ticket_all WHERE state <> 'closed' AND {HERE}) AS tickets
FROM (SELECT {COUNTS} FROM {CLOCKS}) AS x
"""
# The address of a building is looked up for the rows that are shown, not for all.
CLOCK = """
SELECT
  c.{seconds}, c.name AS clock, c.home, b.address, c.station, c.class, c.state AS ticket_state, c.due_at,
  c.number AS ticket, c.building, c.substation
FROM (
  SELECT extract(epoch FROM {span}) AS {seconds}, * FROM {clocks} AND {due} ORDER BY {order} LIMIT 200
) AS c
LEFT JOIN LATERAL (SELECT address FROM building_now WHERE code = c.building) AS b ON true
ORDER BY {order}
"""
NEXT_DUE = CLOCK.format(
    seconds="left_s", span="due_at - now()", clocks=CLOCKS, due="due_at > now()", order="due_at"
)  # fmt: skip
BREACHED = CLOCK.format(
    seconds="over_s", span="now() - due_at", clocks=CLOCKS, due="due_at <= now()", order="due_at DESC"
)  # fmt: skip
STATIONS = f"""
SELECT
  coalesce(station, '–') AS station, coalesce(c.due_soon, 0) AS due_soon, coalesce(c.breached, 0) AS breached,
  coalesce(c.running, 0) AS running, coalesce(c.unanswered, 0) AS unanswered, t.tickets
FROM (SELECT station, count(*) AS tickets FROM ticket_all WHERE state <> 'closed' AND {HERE} GROUP BY station) AS t
LEFT JOIN (SELECT station AS of, {COUNTS} FROM {CLOCKS} GROUP BY station) AS c ON c.of IS NOT DISTINCT FROM t.station
ORDER BY c.breached DESC NULLS LAST, t.tickets DESC
"""
# Marked done, recovery not proven yet.
VERIFYING = f"""
SELECT
  n.temperature, n.state, v.home, b.address, v.station, v.done_at, n.measured_at, v.number AS ticket, v.building,
  v.substation
FROM (SELECT * FROM ticket_open WHERE state = 'verifying' AND {HERE} ORDER BY done_at LIMIT 200) AS v
LEFT JOIN LATERAL (SELECT temperature, state, measured_at FROM home_now WHERE code = v.home) AS n ON true
LEFT JOIN LATERAL (SELECT address FROM building_now WHERE code = v.building) AS b ON true
ORDER BY v.done_at
"""
OPENED = f"""
SELECT
  date_bin(greatest($__interval_ms, 600000) * interval '1 ms', opened_at, timestamptz 'epoch') AS time,
  coalesce(station, '–') AS station, count(*) AS tickets
FROM ticket_all WHERE $__timeFilter(opened_at) AND NOT retrospective AND ending IS NULL AND {HERE}
GROUP BY 1, 2 ORDER BY 1
"""
# Of whole hours: the one that has just begun would look like a fall.
PER_HOUR = f"""
SELECT h.time, coalesce(t.opened, 0) AS opened_per_hour
FROM generate_series(
  date_bin(interval '1 h', $__timeFrom()::timestamptz, timestamptz 'epoch'),
  $__timeTo()::timestamptz - interval '1 h', interval '1 h'
) AS h (time)
LEFT JOIN (
  SELECT date_bin(interval '1 h', opened_at, timestamptz 'epoch') AS time, count(*) AS opened FROM ticket_all
  WHERE $__timeFilter(opened_at) AND NOT retrospective AND ending IS NULL AND {HERE} GROUP BY 1
) AS t USING (time)
ORDER BY h.time
"""
INCIDENTS = f"""
SELECT number AS incident, kind AS incident_kind, name, station, opened_at, children, still_cold, ticket
FROM incident_open WHERE {HERE} ORDER BY opened_at
"""

OUTAGES = """
SELECT
  number AS outage, kind AS outage_kind, state AS outage_state, array_to_string(stations, ', ') AS station, begins_at,
  expected_end, announced_at, buildings AS in_buildings, homes
FROM outage_open WHERE stations && ARRAY[${station:sqlstring}]::text[] ORDER BY begins_at
"""


def dashboard(look: Look) -> Dashboard:
    """Build the dashboard."""
    board = frame(look, DESK, "15s", "24h", titles.DESK_ABOUT)
    board.with_variable(choice(look, "station", STATION, many=True))
    return fill(
        look,
        board,
        _clocks(look),
        Section(titles.REPAIRED_NOT_PROVEN_WARM, _repaired(look)),
        Section(titles.INCIDENTS_AND_OUTAGES, _wide_areas(look)),
        Section(titles.LOAD_BY_STATION, _load(look)),
    )


def _clocks(look: Look) -> list[Any]:
    counts = ("due_soon", "breached", "running", "unanswered", "tickets")
    clock = (
        "clock", "home", "address", "station", "class", "ticket_state", "due_at", "ticket", "building", "substation",
    )  # fmt: skip
    hidden = ("building", "substation")
    return [
        figures(look, titles.TICKETS_AND_CLOCKS, Ask(IN_ALL, counts), Size(16, 4)),
        trend(look, titles.TICKETS_PER_HOUR, Ask(PER_HOUR, ("time", "opened_per_hour")), Size(8, 4), "24h"),
        rows(look, titles.NEXT_TO_RUN_OUT, Ask(NEXT_DUE, ("left_s", *clock), hidden), Size(24, 11), titles.NO_CLOCK),
        rows(look, titles.RAN_OUT, Ask(BREACHED, ("over_s", *clock), hidden), Size(24, 9), titles.NO_CLOCK),
    ]


def _repaired(look: Look) -> list[Any]:
    done = (
        "temperature", "state", "home", "address", "station", "done_at", "measured_at", "ticket", "building",
        "substation",
    )  # fmt: skip
    ask = Ask(VERIFYING, done, ("building", "substation"))
    return [rows(look, titles.MARKED_DONE_STILL_COLD, ask, Size(24, 8), titles.NONE_DONE)]


def _wide_areas(look: Look) -> list[Any]:
    incident = ("incident", "incident_kind", "name", "station", "opened_at", "children", "still_cold", "ticket")
    outage = (
        "outage", "outage_kind", "outage_state", "station", "begins_at", "expected_end", "announced_at",
        "in_buildings", "homes",
    )  # fmt: skip
    return [
        rows(look, titles.INCIDENTS, Ask(INCIDENTS, incident), Size(24, 6), titles.NO_INCIDENT),
        rows(look, titles.OUTAGES, Ask(OUTAGES, outage), Size(24, 6), titles.NO_OUTAGE),
    ]


def _load(look: Look) -> list[Any]:
    station = ("station", "due_soon", "breached", "running", "unanswered", "tickets")
    opened = Ask(OPENED, ("time", "station", "tickets"))
    load = stacked_bars(look, titles.TICKETS_OPENED, [opened], Size(12, 9), "station")
    return [
        rows(look, titles.BY_STATION, Ask(STATIONS, station), Size(12, 9)),
        load.override_by_name(*named_by_label("tickets", "station")),
    ]
