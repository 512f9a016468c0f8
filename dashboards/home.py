"""The dashboard of a building and one of its homes: temperatures, data gaps, flags and tickets."""

from typing import Any

from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards import links
from dashboards.frame import ANY_SUBSTATION, BUILDING, HOME, Section, choice, fill, frame, note, out_of_table
from dashboards.grid import Size
from dashboards.look import BLUE, ORANGE, Look
from dashboards.panels import Ask, band, figures, lines, named_by_label, over, stacked_bars, timeline
from dashboards.series import holds, limit, with_gaps
from dashboards.tables import rows
from dashboards.words import titles
from dashboards.words.columns import STATES, TICKET_CLASSES, said

IN_BUILDING = "building = ${building:sqlstring}"
OF_HOME = "home = ${home:sqlstring}"
TOUCHES = """
cold_since <= $__timeTo()::timestamptz AND (cleared_at IS NULL OR cleared_at >= $__timeFrom()::timestamptz)
"""
BUILDING_NOW = """
SELECT coldest, mean, homes, compliant, cold, severe, unknown, not_judged
FROM building_now WHERE code = ${building:sqlstring}
"""
HOMES = f"""
SELECT code AS home, unit, state, temperature, measured_at, state_since, building, substation
FROM home_now WHERE {IN_BUILDING} ORDER BY temperature NULLS LAST, code
"""
FLAG_STEPS = """
SELECT x.time, {by}x.flag
FROM flag_all AS f, LATERAL (
  VALUES
    (
      greatest(f.cold_since, $__timeFrom()::timestamptz),
      CASE WHEN f.severe_at <= greatest(f.cold_since, $__timeFrom()::timestamptz) THEN 'severe' ELSE 'cold' END
    ),
    (CASE WHEN f.severe_at > greatest(f.cold_since, $__timeFrom()::timestamptz) THEN f.severe_at END, 'severe'),
    (f.cleared_at, NULL)
) AS x (time, flag)
WHERE f.{chosen} AND {touches} AND x.time IS NOT NULL
ORDER BY x.time
"""
HOME_NOW = """
SELECT state, temperature, measured_at, state_since, class AS home_class
FROM home_now WHERE code = ${home:sqlstring}
"""
# With more readings than points, a panel shows the lowest of each step, which decides compliance.
ROOMS = """
SELECT
  date_bin($__interval_ms * interval '1 ms', measured_at, timestamptz 'epoch') AS time,
  room || ' ' || sensor AS room,
  greatest(max(interval_s) * {holds:g} * interval '1 s', 2 * $__interval_ms * interval '1 ms') AS hold,
  min(temperature) AS temperature
FROM home_reading
WHERE home = ${{home:sqlstring}} AND $__timeFilter(measured_at) AND quality = 0
GROUP BY 1, 2
"""
SIGNAL = """
WITH heard AS (
  SELECT
    measured_at AS time, room || ' ' || sensor AS room, interval_s * {holds:g} * interval '1 s' AS hold,
    lag(measured_at) OVER w AS before, lead(measured_at) OVER w AS next
  FROM home_reading WHERE home = ${{home:sqlstring}} AND $__timeFilter(measured_at) AND quality = 0
  WINDOW w AS (PARTITION BY sensor, room ORDER BY measured_at)
)
SELECT time, room, 'known' AS signal FROM heard WHERE before IS NULL OR time > before + hold
UNION ALL
SELECT time + hold, room, 'silent' FROM heard
WHERE coalesce(next > time + hold, time + hold < now())
  AND time + hold >= coalesce((SELECT since FROM readings_in_table), '-infinity')
UNION ALL
SELECT e.time, {archive}, e.signal
FROM readings_in_table AS k
CROSS JOIN LATERAL (
  VALUES ($__timeFrom()::timestamptz, CASE WHEN k.archived THEN 'archived' ELSE 'deleted' END), (k.since, NULL)
) AS e (time, signal)
WHERE k.since > $__timeFrom()::timestamptz AND e.time <= $__timeTo()::timestamptz
ORDER BY time
"""
LEDGER = """
SELECT
  day::timestamp AT TIME ZONE '{zone}' AS time, compliant_s / 3600 AS compliant_h, cold_s / 3600 AS cold_h,
  severe_s / 3600 AS severe_h, unknown_s / 3600 AS unknown_h, not_judged_s / 3600 AS not_judged_h
FROM ledger_day
WHERE home = ${{home:sqlstring}}
  AND day BETWEEN ($__timeFrom()::timestamptz AT TIME ZONE '{zone}')::date
    AND ($__timeTo()::timestamptz AT TIME ZONE '{zone}')::date
ORDER BY day
"""
FLAGS = f"""
SELECT severity, lowest, "limit", cold_since, cleared_at, clear_reason, ticket
FROM flag_all WHERE {OF_HOME} AND {TOUCHES} ORDER BY cold_since DESC LIMIT 200
"""
TICKETS = f"""
SELECT number AS ticket, class, coalesce(ending, state) AS ticket_state, opened_at, closed_at
FROM ticket_all WHERE {OF_HOME} ORDER BY ticket_id DESC LIMIT 100
"""
FLAG_MARKS = """
SELECT
  cold_since AS time, coalesce(cleared_at, least(now(), $__timeTo()::timestamptz)) AS timeend,
  {severity} || ' ' || round(lowest::numeric, 1) || ' °C' AS text, {severity} AS tags
FROM flag_all WHERE {of_home} AND {touches}
"""
TICKET_MARKS = """
SELECT opened_at AS time, number || ' (' || {class_name} || ')' AS text, {class_name} AS tags
FROM ticket_all WHERE {of_home} AND $__timeFilter(opened_at)
"""


def dashboard(look: Look) -> Dashboard:
    """Build the dashboard."""
    board = frame(look, links.HOME, "1m", "24h", titles.HOME_ABOUT)
    board.with_variable(choice(look, "substation", ANY_SUBSTATION))
    board.with_variable(choice(look, "building", BUILDING)).with_variable(choice(look, "home", HOME))
    flags = FLAG_MARKS.format(severity=said(look, "severity", STATES), of_home=OF_HOME, touches=TOUCHES)
    tickets = TICKET_MARKS.format(class_name=said(look, "class", TICKET_CLASSES), of_home=OF_HOME)
    board.annotation(out_of_table(look, "' --home ' || ${home:sqlstring}"))
    board.annotation(note(look, titles.FLAGS, ORANGE, flags))
    board.annotation(note(look, titles.TICKETS, BLUE, tickets))
    return fill(
        look,
        board,
        [*_building(look), *_home(look)],
        Section(titles.LEDGER_AND_RECORDS, _past(look)),
    )


def _building(look: Look) -> list[Any]:
    counts = ("coldest", "mean", "homes", "compliant", "cold", "severe", "unknown", "not_judged")
    homes = ("home", "unit", "state", "temperature", "measured_at", "state_since", "building", "substation")
    steps = FLAG_STEPS.format(by="f.home, ", chosen=IN_BUILDING, touches=TOUCHES)
    flags = timeline(
        look,
        titles.FLAGS_IN_THE_BUILDING,
        [Ask(steps, ("time", "home", "flag"))],
        Size(10, 11),
        "home",
    )
    flags.override_by_name(*named_by_label("flag", "home"))
    return [
        figures(look, titles.BUILDING, Ask(BUILDING_NOW, counts), Size(24, 4)),
        rows(look, titles.HOMES_INSIDE, Ask(HOMES, homes, ("building", "substation")), Size(14, 11)),
        flags,
    ]


def _home(look: Look) -> list[Any]:
    now = ("state", "temperature", "measured_at", "state_since", "home_class")
    return [
        figures(look, titles.SELECTED_HOME, Ask(HOME_NOW, now), Size(24, 4)),
        _temperature(look),
        *_timelines(look),
    ]


def _temperature(look: Look) -> Any:
    rooms = with_gaps(ROOMS.format(holds=holds(look)), ("temperature",), by="room")
    asks = [
        Ask(rooms, ("time", "room", "temperature")),
        Ask(limit(look, "cold"), ("time", "cold_limit")),
        Ask(limit(look, "severe"), ("time", "severe_limit")),
    ]
    panel = lines(look, titles.TEMPERATURE_AND_LIMITS, asks, Size(24, 11), split="room")
    panel.override_by_name(*named_by_label("temperature", "room"))
    panel.override_by_name(*band("cold_limit")).override_by_name(*band("severe_limit"))
    return panel.unit("celsius").axis_soft_min(12).axis_soft_max(24)


def _timelines(look: Look) -> list[Any]:
    flag = Ask(FLAG_STEPS.format(by="", chosen=OF_HOME, touches=TOUCHES), ("time", "flag"))
    archive = f"'{look.say(titles.OUT_OF_THE_TABLE)}'"
    signal = Ask(SIGNAL.format(holds=holds(look), archive=archive), ("time", "room", "signal"))
    heard = timeline(look, titles.DATA_BY_ROOM, [signal], Size(24, 5), split="room")
    return [
        timeline(look, titles.FLAG, [flag], Size(24, 4)),
        heard.override_by_name(*named_by_label("signal", "room")),
    ]


def _past(look: Look) -> list[Any]:
    hours = ("time", "compliant_h", "cold_h", "severe_h", "unknown_h", "not_judged_h")
    flag = ("severity", "lowest", "limit", "cold_since", "cleared_at", "clear_reason", "ticket")
    ticket = ("ticket", "class", "ticket_state", "opened_at", "closed_at")
    ledger = Ask(LEDGER.format(zone=look.zone), hours)
    return [
        over(stacked_bars(look, titles.LEDGER_BY_DAY_LAST_30_DAYS, [ledger], Size(24, 8)), "30d"),
        over(rows(look, titles.FLAGS_LAST_YEAR, Ask(FLAGS, flag), Size(14, 9)), "1y"),
        rows(look, titles.TICKETS, Ask(TICKETS, ticket), Size(10, 9)),
    ]
