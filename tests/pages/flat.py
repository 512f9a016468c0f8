"""A home to look at: weeks of ledger, a day of readings with a gap, tickets whose clocks run and ran out."""

from datetime import date, datetime, timedelta

from psycopg import Connection
from psycopg.types.json import Jsonb

from domain.states import HomeState
from tests.api import town
from tests.api.town import NOW

FIRST = date(2025, 11, 15)
MIDNIGHT = datetime.fromisoformat("2026-01-15T00:00:00+08:00")
INSERT_DAY = """
INSERT INTO ledger (
  home_id, day, compliant_us, cold_us, severe_us, unknown_us, not_judged_us, shortfall_us, heat, deficit, lowest,
  policy, closed
)
VALUES (%(home)s, %(day)s, %(warm)s, %(cold)s, %(severe)s, %(unknown)s, 0, 0, %(heat)s, 0, %(lowest)s, 'seed', true)
"""
INSERT_EVENT = """
INSERT INTO ticket_event (ticket_id, seq, at, kind, actor, state, data)
SELECT %(ticket)s, max(e.seq) + 1, %(at)s, %(kind)s, 'token 1', 'open', %(data)s FROM ticket_event AS e
WHERE e.ticket_id = %(ticket)s
"""
BREAK = "UPDATE clock SET breached_at = due_at WHERE ticket_id = %s AND due_at < %s AND met_at IS NULL"
HOUR = timedelta(hours=1)
HOUR_US = 3_600_000_000


def flat(
    conn: Connection,
    code: str = "B1-101",
    *,
    state: HomeState = HomeState.WARM,
    celsius: float = 20.4,
    station: str = "North",
) -> int:
    """Return a home with two rooms that were measured until a quarter of an hour ago, but for a time in the morning."""
    home = town.home(conn, code, building=f"B-{station}", station=station, state=state)
    conn.execute("UPDATE home SET unit = split_part(code, '-', 2) WHERE home_id = %s", (home,))
    for room, colder in (("living", 0.0), ("bedroom", 0.6)):
        sensor = town.sensor(conn, home, f"{code}-{room}", room=room)
        steps = int((NOW - MIDNIGHT) / timedelta(minutes=10))
        told = [
            (MIDNIGHT + timedelta(minutes=10 * step), celsius + colder - 0.4 + 0.8 * abs(step - 36) / 36)
            for step in range(steps)
            if not 42 <= step < 54  # 07:00 to 09:00
        ]
        town.readings(conn, sensor, told)
        town.sensor_now(conn, sensor, home, celsius + colder)
    return home


def days(conn: Connection, home: int, until: date = date(2026, 1, 14)) -> None:
    """Store a season: mostly warm, some cold days, one far too cold, some unknown."""
    rows = []
    for number in range((until - FIRST).days + 1):
        day = FIRST + timedelta(days=number)
        unknown = number in (9, 10)
        cold = 3 * HOUR_US if number % 11 == 5 else 0
        severe = HOUR_US if number == 27 else 0
        known = 0 if unknown else 24 * HOUR_US
        mean = 19.5 + (number % 5) * 0.3 - (2.2 if cold or severe else 0)
        lowest = 15.2 if severe else mean - 0.9
        rows.append(
            {
                "home": home,
                "day": day,
                "warm": max(0, known - cold - severe),
                "cold": cold if known else 0,
                "severe": severe if known else 0,
                "unknown": 24 * HOUR_US - known,
                "heat": int(mean * 1e3 * known),
                "lowest": None if unknown else lowest,
            }
        )
    with conn.cursor() as cursor:
        cursor.executemany(INSERT_DAY, rows)


def happened(conn: Connection, ticket: int, kind: str, at: datetime = NOW, **data: object) -> None:
    """Store something that happened to a ticket."""
    conn.execute(INSERT_EVENT, {"ticket": ticket, "at": at, "kind": kind, "data": Jsonb(data)})


def cold_ticket(conn: Connection, home: int) -> str:
    """Return the ticket of a cold home: one clock kept, one broken, two that run."""
    ticket, number = town.ticket(conn, home)
    opened = NOW - 2 * HOUR
    town.clock(conn, ticket, "contact", opened + HOUR / 2, opened + HOUR / 4)
    town.clock(conn, ticket, "station_reply", opened + HOUR)
    town.clock(conn, ticket, "on_site", opened + 1.5 * HOUR)
    town.clock(conn, ticket, "done", opened + 24 * HOUR)
    conn.execute(BREAK, (ticket, NOW))
    conn.execute("UPDATE clock SET met_at = %s WHERE ticket_id = %s AND name = 'station_reply'", (NOW, ticket))
    happened(conn, ticket, "contacted", opened + HOUR / 4)
    town.flag(conn, home, ticket)
    return number


def past_ticket(conn: Connection, home: int) -> str:
    """Return a ticket that was worked to its end."""
    ticket, number = town.ticket(conn, home, kind="leak", state="closed")
    conn.execute("UPDATE ticket SET description = %s WHERE ticket_id = %s", ("厨房暖气片阀门漏水", ticket))
    town.clock(conn, ticket, "on_site", NOW - HOUR, NOW - 1.5 * HOUR)
    happened(conn, ticket, "arrived", NOW - 1.5 * HOUR)
    happened(conn, ticket, "done", NOW - HOUR, result="已更换阀门密封圈,试压正常。")
    happened(
        conn, ticket, "replied", NOW - HOUR, text="已更换阀门密封圈,请留意两天;如再漏水请随时联系。", channel="phone"
    )
    return number
