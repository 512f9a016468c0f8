"""The content of a home's page, gathered through the same functions as the API's responses."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np

from alerts.engine.schedule import Schedules
from alerts.judging.terms import read_terms, schedules_of
from api.answers.seen import seen
from api.homes import home_routes
from api.homes.buckets import Every
from api.http.language import Language, said
from api.http.session import Session
from api.http.values import rounded
from api.pages.render import Times
from api.pages.statement import is_reachable, times_offered
from api.pages.tickets import ShownTicket, about_ticket, shown
from domain.applications import ApplicationKind
from domain.instants import to_us
from domain.milli import LEAST_MILLI, NONE_MILLI, celsius
from domain.states import NotJudged
from domain.tickets import TicketClass, TicketState
from domain.words.applications import DOCUMENT_TEXTS, KIND_TEXTS
from papers.chart import Chart, DayBar, Frame, Run, Step, Tick, day_by_day, runs, through_time, unknown
from store.base import form_sent
from store.base.rows import Row
from store.judging import ledger_days
from store.network import outage_rows
from store.readings.reading_history import HistoryPage
from store.registry import home_rows
from store.tickets import case_rows, file_rows, ticket_pages

MOST_HOMES = 100
MOST_TICKETS = 20  # newest first
MOST_OUTAGES = 5
MOST_BUCKETS = 5_000
LONGEST_SEASON = timedelta(days=399)  # with today, the longest span of a dossier
DAY = timedelta(days=1)
HALF_US = 300_000_000  # half a ten-minute bucket
NO_GAP_US = 3 * HALF_US
WEEKS_TO = 40  # days; longer seasons have monthly ticks
LABEL = 0.15  # share of the width that a label needs


@dataclass(frozen=True, kw_only=True)
class Hour:
    """A row of the day's table: the mean of each room; None: no readings."""

    label: str
    means: Sequence[float | None]


class RoomLine(NamedTuple):
    """The line of a room over the day; times, and `holds` (how long a reading is held), in µs."""

    room: str
    runs: Sequence[Run]
    holds: int

    def spans(self) -> list[tuple[float, float]]:
        """Return when the room was known; the last reading of the previous day may reach up to the first one."""
        known = [(run[0][0] - HALF_US, run[-1][0]) for run in self.runs]
        return [(known[0][0] - self.holds, known[0][1]), *known[1:]]


@dataclass(frozen=True, kw_only=True)
class SeasonSoFar:
    """The season so far."""

    first: date
    chart: Chart | None
    days: Sequence[dict[str, Any]]  # newest first
    cold_days: int
    known_days: int
    cold_hours: float
    unknown_days: int


def places(asking: Session) -> list[Row]:
    """List the homes of the caller."""
    return home_rows.reached(asking.conn, asking.scope, MOST_HOMES)


def home_content(asking: Session, place: Row, language: Language, times: Times) -> dict[str, Any]:
    """Gather the content of a home's page for the template."""
    code, home_id = place["code"], place["home_id"]
    home = home_routes.home(code, asking)
    schedule = _rules(asking, home_id)
    rooms = home_rows.rooms(asking.conn, home_id, asking.now)
    rows = _tickets(asking, home_id)
    files = file_rows.files(asking.conn, [row["ticket_id"] for row in rows], for_user=True)
    mine = [_shown(row, asking, language, times) for row in rows]
    addable = [ticket for ticket in mine if ticket.addable and ticket.kind != TicketClass.APPLICATION]
    return {
        "home": home,
        "place": place,
        "times": times,
        "rooms": [{**room, "celsius": rounded(room["celsius"])} for room in rooms],
        "limits": limits_now(schedule, asking.now),
        "not_judged": NotJudged(int(_piece(schedule, to_us(asking.now))["reason"])).code,
        "outages": _outages(asking, code),
        "open": [ticket for ticket in mine if not ticket.closed],
        "past": [ticket for ticket in mine if ticket.closed],
        "addable": addable,
        "files": {row["number"]: [file for file in files if file.ticket_id == row["ticket_id"]] for row in rows},
        "reachable": is_reachable(asking, home_id, _contacts(rows)),
        "application_kinds": [
            (kind.value, said(text, language))
            for kind, text in KIND_TEXTS.items()
            if kind is not ApplicationKind.NEW_LOAD
        ],
        "application_documents": [(one.value, said(text, language)) for one, text in DOCUMENT_TEXTS.items()],
        "times_offered": times_offered(asking, language, times),
        "cold_ticket": next((t.number for t in mine if not t.closed and t.kind == TicketClass.COLD), None),
        "today": today(asking, home_id, schedule),
        "hours": hours(asking, home_id),
        "season": season(asking, home_id, schedule, times),
    }


def day_content(asking: Session, home_id: int) -> dict[str, Any]:
    """Gather the day so far of a home: its chart and the limits in force."""
    schedule = _rules(asking, home_id)
    return {"today": today(asking, home_id, schedule), "limits": limits_now(schedule, asking.now)}


def taken(asking: Session, key: str | None) -> str | None:
    """Return the number of the ticket that a form just sent has led to."""
    return form_sent.number(asking.conn, key) if key else None


def known(asking: Session, number: str | None) -> str | None:
    """Return the number of a ticket within reach."""
    return number if number and ticket_pages.ticket_id(asking.conn, asking.scope, number) is not None else None


def _tickets(asking: Session, home_id: int) -> list[Row]:
    """Read the tickets of the home and the complaints of its customer, newest first."""
    wanted = ticket_pages.TicketFilter(now=asking.now, home_id=home_id)
    rows = ticket_pages.tickets(asking.conn, asking.scope, wanted, limit=MOST_TICKETS)
    for case in case_rows.cases(asking.conn, asking.scope, case_rows.CaseFilter(), limit=MOST_TICKETS):
        ticket = ticket_pages.ticket(asking.conn, asking.scope, case["number"])
        if ticket is not None:
            rows.append({**ticket, "description": case["text"]})
    return sorted(rows, key=lambda row: row["ticket_id"], reverse=True)


def _shown(row: Row, asking: Session, language: Language, times: Times) -> ShownTicket:
    return shown(seen(row, asking), about_ticket(row, language), language, times, asking.now)


def _contacts(rows: Sequence[Row]) -> list[str | None]:
    """Return what was left on the open tickets of a home to reach its user."""
    return [row["contact"] for row in rows if row["state"] != TicketState.CLOSED]


def _outages(asking: Session, code: str) -> list[Row]:
    wanted = outage_rows.OutageFilter(now=asking.now, states=("planned", "running", "late"), home=code)
    return outage_rows.outages(asking.conn, asking.scope, wanted, limit=MOST_OUTAGES)


def _rules(asking: Session, home_id: int) -> Schedules:
    """Build the schedule of the home's limits by the policy in force, around today."""
    now = to_us(asking.now)
    terms = read_terms(asking.conn, [home_id])
    found, _ = schedules_of(asking.policy, [terms[home_id]], now, now)
    return found


def _piece(schedule: Schedules, at_us: int) -> np.void:
    number = max(int(np.searchsorted(schedule.pieces["start"], at_us, "right")) - 1, 0)
    piece: np.void = schedule.pieces[number]
    return piece


def limits_now(schedule: Schedules, now: datetime) -> dict[str, float | None]:
    """Return the limits in force now, and the daytime limit as `target`; None: no limit."""
    piece = _piece(schedule, to_us(now))
    return {name: _degrees(int(piece[name])) for name in ("cold", "severe", "target")}


def _degrees(limit: int) -> float | None:
    return None if limit in (LEAST_MILLI, NONE_MILLI) else celsius(limit)


def _limits_between(schedule: Schedules, start_us: int, end_us: int, start: float, end: float) -> list[Step]:
    """Return the limits over a span in µs, with times scaled to run from `start` to `end`."""
    marks = [start_us, *(int(s) for s in schedule.pieces["start"] if start_us < s < end_us), end_us]
    scale = (end - start) / (end_us - start_us)
    return [
        Step(kind, start + (low - start_us) * scale, start + (high - start_us) * scale, celsius(int(piece[kind])))
        for low, high in pairwise(marks)
        for piece in [_piece(schedule, low)]
        for kind in ("cold", "severe")
        if piece[kind] != LEAST_MILLI and piece["reason"] == NotJudged.JUDGED
    ]


def today(asking: Session, home_id: int, schedule: Schedules) -> dict[str, Any]:
    """Gather the local day so far: chart, lowest and highest."""
    zone, day, stretch = asking.policy.zone, home_routes.today(asking), _day_so_far(asking, home_id)
    start, end = stretch.start, datetime.combine(day + DAY, time(0), zone)
    fine = home_routes.bucketed(asking, stretch, Every.TEN_MINUTES, zone)
    lines = _lines(asking, fine)
    limits = _limits_between(schedule, to_us(start), to_us(end), to_us(start), to_us(end))
    spans = [span for line in lines for span in line.spans()]
    gaps = [(a, b) for a, b in unknown(spans, to_us(start), to_us(asking.now)) if b - a > NO_GAP_US]
    values = [row["mean"] for row in fine] + [limit.celsius for limit in limits]
    frame = Frame.around(to_us(start), to_us(end), values)
    hours = [Tick(to_us(datetime.combine(day, time(h), zone)), f"{h:02}:00") for h in (0, 6, 12, 18)]
    return {
        "chart": through_time(frame, [line.runs for line in lines], limits, gaps, hours) if fine else None,
        "rooms": [line.room for line in lines],
        "lowest": rounded(min((row["min"] for row in fine), default=None)),
        "highest": rounded(max((row["max"] for row in fine), default=None)),
        "gaps": bool(gaps),
    }


def _day_so_far(asking: Session, home_id: int) -> HistoryPage:
    start = datetime.combine(home_routes.today(asking), time(0), asking.policy.zone)
    return HistoryPage(home_id=home_id, start=start, end=asking.now, after=None, limit=MOST_BUCKETS)


def _lines(asking: Session, fine: Sequence[Row]) -> list[RoomLine]:
    """Build the line of each room, in the order of its points, cut where no reading is held."""
    intervals = asking.policy.rules_at(asking.now).hold_intervals
    now, lines = to_us(asking.now), []
    for _, rows in groupby(sorted(fine, key=itemgetter("point_id")), itemgetter("point_id")):
        mine = list(rows)
        # A bucket is drawn at its middle.
        at = [min(to_us(row["start"]) + HALF_US, now) for row in mine]
        holds = max(int(mine[0]["interval_s"] * intervals * 1e6), 2 * HALF_US)
        cut = runs(at, [row["mean"] for row in mine], holds)
        # The last value of a run is held until it expires.
        held = [[*run, (min(run[-1][0] + holds, now), run[-1][1])] for run in cut]
        lines.append(RoomLine(mine[0]["room"], held, holds))
    return lines


def hours(asking: Session, home_id: int) -> list[Hour]:
    """Return the rows of the day's table, with the rooms in the order of the lines."""
    zone = asking.policy.zone
    found: dict[datetime, dict[int, float]] = {}
    for row in home_routes.bucketed(asking, _day_so_far(asking, home_id), Every.HOUR, zone):
        found.setdefault(row["start"], {})[row["point_id"]] = row["mean"]
    order = sorted({point for means in found.values() for point in means})
    return [
        Hour(label=f"{start.astimezone(zone):%H:%M}", means=[rounded(means.get(point)) for point in order])
        for start, means in found.items()
    ]


def season(asking: Session, home_id: int, schedule: Schedules, times: Times) -> SeasonSoFar:
    """Gather the current season, or else the last one."""
    first, end = season_days(asking)
    rows = ledger_days.days(asking.conn, home_id, first, end, after=None, limit=LONGEST_SEASON.days + 1)
    by_day = {row["day"]: row for row in rows}
    first = rows[0]["day"] if rows else first  # the home was not monitored before
    bars = [_bar(by_day.get(first + n * DAY)) for n in range((end - first).days)]
    known = [row for row in rows if row["compliant_s"] + row["cold_s"] + row["severe_s"] > 0]
    cold = [row for row in known if row["cold_s"] + row["severe_s"] > 0]
    return SeasonSoFar(
        first=first,
        chart=_season_chart(bars, first, schedule, asking.now, times) if known else None,
        days=[_day(row) for row in reversed(rows)],
        cold_days=len(cold),
        known_days=len(known),
        cold_hours=round(sum(row["cold_s"] + row["severe_s"] for row in cold) / 3600, 1),
        unknown_days=sum(bar.span is None for bar in bars),
    )


def season_days(asking: Session) -> tuple[date, date]:
    """Return the days of the season so far, half-open; before the first season, today alone."""
    day = home_routes.today(asking)
    begun = [season for season in asking.policy.seasons if season.first <= day]
    if not begun:
        return day, day + DAY
    return max(begun[-1].first, day - LONGEST_SEASON), min(begun[-1].end, day + DAY)


def _bar(row: Row | None) -> DayBar:
    if row is None or row["min"] is None or row["mean"] is None or not np.isfinite(row["min"]):
        return DayBar("unknown", None)
    kind = "severe" if row["severe_s"] > 0 else "cold" if row["cold_s"] > 0 else "fine"
    return DayBar(kind, (float(row["min"]), max(float(row["mean"]), float(row["min"]))))


def _season_chart(bars: Sequence[DayBar], first: date, schedule: Schedules, now: datetime, times: Times) -> Chart:
    piece = _piece(schedule, to_us(now))
    length = max(len(bars), 14)  # keeps bars narrow while the season is young
    severe = [limit for limit in map(_degrees, schedule.pieces["severe"].tolist()) if limit is not None]
    target = _degrees(int(piece["target"]))
    limits = [] if target is None else [Step("cold", 0, length, target)]
    limits += [Step("severe", 0, length, severe[-1])] if severe else []
    values = [value for bar in bars if bar.span for value in bar.span] + [step.celsius for step in limits]
    frame = Frame.around(0, length, values)
    days = [first + n * DAY for n in range(length)]
    marked = [n for n, day in enumerate(days) if (n % 7 == 0 if length <= WEEKS_TO else day.day == 1 or n == 0)]
    ticks = [Tick(n, times.short(days[n])) for n in _apart(marked, length)]
    return day_by_day(frame, bars, limits, ticks)


def _apart(marks: Sequence[int], length: int) -> list[int]:
    """Return the ticks whose labels do not overlap."""
    kept: list[int] = []
    for mark in marks:
        if mark <= length * (1 - LABEL / 2) and (not kept or mark - kept[-1] >= length * LABEL):
            kept.append(mark)
    return kept


def _day(row: Row) -> dict[str, Any]:
    return {
        "day": row["day"],
        "min": rounded(row["min"]),
        "mean": rounded(row["mean"]),
        "cold_hours": round((row["cold_s"] + row["severe_s"]) / 3600, 1),
        "unknown_hours": round(row["unknown_s"] / 3600, 1),
    }
