"""The content of the pages of measurements: the plan of the day, the records, and those of one home."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Query
from markupsafe import Markup

from api.desk.measurements import Filed, MeasurementRequest
from api.desk_pages.forms import FormState, FormWords, ShownField, fields_of, shown_fields
from api.desk_pages.queue import QUEUE
from api.desk_pages.time_left import TimeLeft, time_left
from api.homes import home_routes
from api.http.language import Language, said
from api.http.paging import Paging
from api.http.session import Session
from api.http.values import rounded
from api.pages.render import Times, say
from api.words.measurements import DUE_TEXTS, WORTH_TEXTS
from domain.measurement import DueReason, RecordWorth
from store.base.rows import Row
from store.registry import home_rows, search_rows
from store.sensors import measurement_rows
from store.sensors.measurement_rows import RecordFilter
from store.tickets import queue_rows

MEASUREMENTS = f"{QUEUE}/measurements"
PLAN = f"{MEASUREMENTS}/plan"
PAGE_LINES = 50
DAY = timedelta(days=1)
ROOM_KINDS = ("living", "bedroom", "other")
HINTS = ("celsius", "signature")


class MeasuringView(StrEnum):
    """Views of the measurements."""

    DAY = "day"  # to be taken until the end of today, the overdue ones first
    LATE = "late"
    WEEK = "week"
    RECORDS = "records"


@dataclass(frozen=True)
class MeasuringQuery:
    """The query keys of the list; a form sends empty ones for what is not chosen."""

    view: MeasuringView = MeasuringView.DAY
    station: Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")] = None
    cursor: Annotated[str | None, Query(max_length=200)] = None

    def address(self, **changes: str | None) -> str:
        """Return the address of the list with these keys, some of them changed; None: without."""
        told = {**asdict(self), **changes}
        kept = {key: value for key, value in told.items() if value and (key, value) != ("view", MeasuringView.DAY)}
        return f"{MEASUREMENTS}?{urlencode(kept)}" if kept else MEASUREMENTS


@dataclass(frozen=True, kw_only=True)
class MeasuringViewLink:
    """A view with the number of its lines, and the key that opens it; of records there is no number."""

    view: MeasuringView
    key: str
    name: Markup
    address: str
    count: int | str
    is_open: bool


@dataclass(frozen=True, kw_only=True)
class TaskLine:
    """A measurement that is due."""

    id: int
    left: TimeLeft
    due: str  # RFC 3339, for the script that counts on
    due_at: Markup
    place: str
    address: str | None
    home: str
    room: str | None
    station: str
    why: str
    last: Markup | None
    enter: str


@dataclass(frozen=True, kw_only=True)
class RecordLine:
    """A record of a measurement. `verdict` and `state` by the rules of its time; `notes` what else is to be known."""

    number: str
    place: str
    home: str
    room: str
    at: Markup
    celsius: float
    verdict: Markup
    state: str
    worth: str
    counts: bool
    who: str
    signature: str | None
    notes: Sequence[Markup]
    reason: str | None
    corrects: str | None
    corrected_by: str | None
    home_address: str
    correct_address: str


def until(asking: Session) -> Mapping[MeasuringView, datetime]:
    """Return the instants before which the tasks of each view are due."""
    midnight = datetime.combine(home_routes.today(asking) + DAY, time(0), asking.policy.zone)
    return {
        MeasuringView.DAY: midnight,
        MeasuringView.LATE: asking.now,
        MeasuringView.WEEK: datetime.combine(home_routes.today(asking) + 7 * DAY, time(0), asking.policy.zone),
    }


def measuring_list(asking: Session, query: MeasuringQuery, language: Language) -> dict[str, Any]:
    """Gather the list for the template."""
    ends, station = until(asking), query.station or None
    counted = measurement_rows.task_counts(asking.conn, asking.scope, list(ends.values()), station=station)
    counts = dict(zip(ends, counted, strict=True))
    times, paged = Times(language, asking.policy.zone, asking.now), Paging(query.cursor or None, PAGE_LINES)
    tasks, records, following = _page(asking, query, ends, paged)
    return {
        "query": query,
        "station": station,
        "stations": queue_rows.stations(asking.conn),
        "views": [
            _link(query, view, str(key), counts.get(view, ""), language) for key, view in enumerate(MeasuringView, 1)
        ],
        "tasks": [_task(row, asking, language, times) for row in tasks],
        "records": [record_line(row, language, times) for row in records],
        "total": counts.get(query.view),
        "late": counts[MeasuringView.LATE],
        "following": query.address(cursor=following) if following else None,
    }


def _page(
    asking: Session, query: MeasuringQuery, ends: Mapping[MeasuringView, datetime], paged: Paging
) -> tuple[list[Row], list[Row], str | None]:
    """Read a page of tasks, or of records, and the cursor of the next one."""
    station = query.station or None
    if query.view is MeasuringView.RECORDS:
        rows = measurement_rows.shown(
            asking.conn, asking.scope, RecordFilter(station=station), before=paged.id(), limit=paged.fetched
        )
        records, following = paged.cut(rows, "measurement_id")
        return [], records, following
    rows = measurement_rows.tasks(
        asking.conn, asking.scope, ends[query.view], station=station, after=paged.position(), limit=paged.fetched
    )
    tasks, following = paged.cut(rows, "due_at", "task")
    return tasks, [], following


def _link(
    query: MeasuringQuery, view: MeasuringView, key: str, count: int | str, language: Language
) -> MeasuringViewLink:
    return MeasuringViewLink(
        view=view,
        key=key,
        name=say(language, f"measure_view_{view}"),
        address=query.address(view=view, cursor=None),
        count=count,
        is_open=view is query.view,
    )


def _task(row: Row, asking: Session, language: Language, times: Times) -> TaskLine:
    kept = {"room": row["room"]} if row["room"] else {}
    return TaskLine(
        id=row["task"],
        left=time_left(language, row["due_at"], asking.now),
        due=row["due_at"].isoformat(),
        due_at=times.at(row["due_at"]),
        place=place_of(row),
        address=row["address"] or None,
        home=row["home"],
        room=row["room"],
        station=row["station"],
        why=said(DUE_TEXTS[DueReason(row["reason"])], language),
        last=times.at(row["last_measured_at"]) if row["last_measured_at"] else None,
        enter=home_address(row["home"], **kept) + "#record",
    )


def place_of(row: Row) -> str:
    """Return where a home is, by the names that people use."""
    return f"{row['building_name']} {row['unit']}"


def home_address(code: str, **keys: str) -> str:
    """Return the address of the page of a home's measurements; a code may hold any letters."""
    return f"{MEASUREMENTS}/home?{urlencode({'home': code, **keys})}"


def record_line(row: Row, language: Language, times: Times) -> RecordLine:
    """Show a record as a line."""
    worth = RecordWorth(row["worth"])
    return RecordLine(
        number=row["number"],
        place=place_of(row),
        home=row["home"],
        room=row["room"],
        at=times.at(row["measured_at"]),
        celsius=rounded(row["celsius"]) or 0.0,
        verdict=say(language, f"state_{row['state']}"),
        state=row["state"],
        worth=said(WORTH_TEXTS[worth], language),
        counts=worth is RecordWorth.VALID,
        who=row["measurer"],
        signature=row["signature"],
        notes=list(_notes(row, language)),
        reason=row["reason"],
        corrects=row["corrects"],
        corrected_by=row["corrected_by"],
        home_address=home_address(row["home"]),
        correct_address=home_address(row["home"], corrects=row["number"]) + "#record",
    )


def _notes(row: Row, language: Language) -> Sequence[Markup]:
    limit, beside = rounded(row["limit"]), rounded(row["sensor_celsius"])
    notes = {
        "limit": say(language, "measure_limit", limit=f"{limit:.1f}") if limit is not None else None,
        "sensor": say(language, "measure_sensor", celsius=f"{beside:.1f}") if beside is not None else None,
        "disagrees": say(language, "measure_disagrees") if row["disagrees"] else None,
        "late": say(language, "measure_filed_late") if row["filed_late"] else None,
    }
    return [note for note in notes.values() if note]


def home_measurements(asking: Session, code: str, language: Language) -> dict[str, Any]:
    """Gather the records of a home, and how it is now.

    Raises:
        Problem: 404.
    """
    home = home_routes.home(code, asking)
    home_id = home_routes.home_id(asking, code)
    times = Times(language, asking.policy.zone, asking.now)
    rows = measurement_rows.shown(asking.conn, asking.scope, RecordFilter(home=home_id), limit=PAGE_LINES)
    place = search_rows.found(asking.conn, asking.scope, [home_id])[home_id]
    rooms = home_rows.rooms(asking.conn, home_id, asking.now)
    return {
        "home": home,
        "place": place_of(place),
        "address": place["address"],
        "station": place["station"],
        "rooms": [{**room, "celsius": rounded(room["celsius"])} for room in rooms],
        "records": [record_line(row, language, times) for row in rows],
    }


def record_fields(state: FormState, language: Language, *, corrects: bool) -> list[ShownField]:
    """Show the fields of a record; those of a correction only where one is made."""
    without = set() if corrects else {"corrects", "reason"}
    fields = [
        one._replace(required=one.required or (corrects and one.name in ("corrects", "reason")))
        for one in fields_of(Filed)
    ]
    return shown_fields([one for one in fields if one.name not in without], _words(language), state, language)


def request_fields(state: FormState, language: Language) -> list[ShownField]:
    """Show the fields of a request for a measurement."""
    return shown_fields(fields_of(MeasurementRequest), _words(language), state, language)


def _words(language: Language) -> FormWords:
    hints = {name: str(say(language, f"measure_hint_{name}")) for name in HINTS}
    return FormWords(
        label=lambda name: say(language, f"measure_field_{name}"),
        option=lambda _, value: say(language, f"room_{value}"),
        hints=hints,
    )


def begun(asking: Session, code: str, room: str, corrects: str) -> dict[str, str]:
    """Return what the form of a record begins with: that of the record that is corrected, or the room and the time."""
    now = asking.now.astimezone(asking.policy.zone)
    if corrects:
        rows = measurement_rows.shown(asking.conn, asking.scope, RecordFilter(number=corrects), limit=1)
        for row in (one for one in rows if one["home"] == code):
            at = row["measured_at"].astimezone(asking.policy.zone)
            told = {name: str(row[name] or "") for name in ("room", "room_kind", "instrument", "measurer", "signature")}
            return {**told, "celsius": f"{rounded(row['celsius'])}", "measured_at": local(at), "corrects": corrects}
    return {"room": room, "room_kind": room if room in ROOM_KINDS else "", "measured_at": local(now)}


def local(at: datetime) -> str:
    """Write a local time as fields of browsers have it."""
    return f"{at:%Y-%m-%dT%H:%M}"
