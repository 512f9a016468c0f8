"""The content of the queue: the views with their numbers, the filters, and a page of tickets by time left."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlencode

from fastapi import Query
from markupsafe import Markup

from api.desk_pages.queue_board import QueueBoard, QueuePart, QueueRow
from api.desk_pages.time_left import TimeLeft, time_left
from api.http.language import Language, said
from api.http.paging import Paging
from api.http.session import Session
from api.pages.render import Times, fragment, say
from domain.tickets import TicketClass, TicketState
from domain.words.desk import CLASS_TEXTS, CLOCK_TEXTS
from store.base.rows import Row
from store.figures.live_feed import Snapshot
from store.tickets import queue_rows
from store.tickets.queue_rows import QueueFilter, QueueView

QUEUE = "/desk"
PAGE_TICKETS = 50
PRIORITIES = (1, 2, 3, 4)
OPEN_STATES = tuple(state for state in TicketState if state is not TicketState.CLOSED)


@dataclass(frozen=True)
class QueueQuery:
    """The query keys of the queue; a form sends empty ones for what is not chosen."""

    view: QueueView = QueueView.ALL
    station: Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")] = None
    ticket_class: Annotated[str | None, Query(alias="class", max_length=20)] = None
    state: Annotated[str | None, Query(max_length=20)] = None
    priority: Annotated[str | None, Query(max_length=1)] = None
    cursor: Annotated[str | None, Query(max_length=200)] = None

    def filter(self, me: str | None) -> QueueFilter:
        """Return the filter of these keys; a value that there is not is none chosen."""
        return QueueFilter(
            view=self.view,
            station=self.station or None,
            ticket_class=self.ticket_class if self.ticket_class in set(TicketClass) else None,
            state=self.state if self.state in set(OPEN_STATES) else None,
            priority=int(self.priority) if self.priority in set(map(str, PRIORITIES)) else None,
            me=me,
        )

    def address(self, **changes: str | None) -> str:
        """Return the address of the queue with these keys, some of them changed; None: without."""
        told = {**asdict(self), **changes}
        told["class"] = told.pop("ticket_class")
        kept = {key: value for key, value in told.items() if value and (key, value) != ("view", QueueView.ALL)}
        return f"{QUEUE}?{urlencode(kept)}" if kept else QUEUE


class QueueReader(NamedTuple):
    """The person who looks at the queue, and the language of its texts."""

    me: str
    language: Language


@dataclass(frozen=True, kw_only=True)
class ViewLink:
    """A view with the number of its tickets, and the key that opens it."""

    view: QueueView
    key: str
    name: Markup
    address: str
    count: int
    is_open: bool


@dataclass(frozen=True, kw_only=True)
class QueueLine:
    """A ticket in the queue."""

    number: str
    left: TimeLeft
    due: str | None  # RFC 3339, for the script that counts on
    clock: str | None
    place: str
    address: str | None
    station: str | None
    about: str
    state: Markup
    state_code: str
    priority: int
    responsible: str | None
    since: Markup
    spoke: Markup | None  # since when words of the user wait for an answer


def queue_content(asking: Session, board: QueueBoard, query: QueueQuery, reader: QueueReader) -> dict[str, Any]:
    """Gather the queue for the template."""
    wanted = query.filter(reader.me)
    shared = wanted if wanted.view is QueueView.MINE else replace(wanted, me=None)
    cursor = query.cursor or None
    asked = (asking.scope.everywhere, asking.scope.own_station, shared, cursor, reader.language)
    part = board.current(
        asking.conn, asked, asking.now, lambda at: read_part(asking, shared, Paging(cursor, PAGE_TICKETS), reader, at)
    )
    mine = queue_rows.count_of(asking.conn, asking.scope, reader.me, wanted.station)
    return {
        "query": query,
        "wanted": wanted,
        "views": _views(query, {**part.counts, QueueView.MINE: mine}, reader.language),
        "rows": part.rows,
        "total": part.counts["chosen"],
        "is_filtered": wanted != QueueFilter(view=wanted.view, me=reader.me),
        "following": query.address(cursor=part.cursor) if part.cursor else None,
        "at": Times(reader.language, asking.policy.zone, asking.now).at(part.read_at),
        "at_feed": part.at,
    }


def read_part(asking: Session, wanted: QueueFilter, paged: Paging, reader: QueueReader, at: Snapshot) -> QueuePart:
    """Read a page of the queue, and the numbers of its views, and render its rows."""
    found = queue_rows.queue(asking.conn, asking.scope, wanted, asking.now, after=paged.position(), limit=paged.fetched)
    rows, cursor = paged.cut(found, "place_at", "ticket_id")
    spoke = queue_rows.unanswered(asking.conn, [row["ticket_id"] for row in rows])
    rows = [{**row, "unanswered_since": spoke.get(row["ticket_id"])} for row in rows]
    times = Times(reader.language, asking.policy.zone, asking.now)
    return QueuePart(
        at=at,
        read_at=asking.now,
        rows=[_row(row, _line(row, asking, reader.language, times), reader.language) for row in rows],
        counts=queue_rows.counts(asking.conn, asking.scope, wanted, asking.now),
        cursor=cursor,
    )


def _row(row: Row, line: QueueLine, language: Language) -> QueueRow:
    left = fragment("desk/queue_left.html", language, one=line)
    cells = fragment("desk/queue_cells.html", language, one=line)
    return QueueRow(number=row["number"], ticket_id=row["ticket_id"], urgency=line.left.urgency, left=left, cells=cells)


def choices(asking: Session, language: Language) -> Mapping[str, Sequence[tuple[str, str]]]:
    """Return what can be chosen in the filters, with words."""
    return {
        "station": [(station, station) for station in queue_rows.stations(asking.conn)],
        "class": [(name.value, said(CLASS_TEXTS[name], language)) for name in TicketClass],
        "state": [(state.value, say(language, f"desk_state_{state}")) for state in OPEN_STATES],
        "priority": [(str(number), say(language, f"desk_priority_{number}")) for number in PRIORITIES],
    }


def _views(query: QueueQuery, counts: Mapping[str, int], language: Language) -> list[ViewLink]:
    return [
        ViewLink(
            view=view,
            key=str(key),
            name=say(language, f"desk_view_{view}"),
            address=QueueQuery(view=view, station=query.station).address(),
            count=counts[view.value],
            is_open=view is query.view,
        )
        for key, view in enumerate(QueueView, 1)
    ]


def _line(row: Row, asking: Session, language: Language, times: Times) -> QueueLine:
    due, spoke = row["due_at"], row["unanswered_since"]
    return QueueLine(
        number=row["number"],
        left=time_left(language, due, asking.now),
        due=due.isoformat() if due else None,
        clock=said(CLOCK_TEXTS[row["clock"]], language) if row["clock"] else None,
        place=place_of_ticket(row),
        address=row["address"] or None,
        station=row["station"],
        about=said(CLASS_TEXTS[row["class"]], language),
        state=say(language, f"desk_state_{row['state']}"),
        state_code=row["state"],
        priority=row["priority"],
        responsible=row["responsible"],
        since=times.at(row["opened_at"]),
        spoke=times.at(spoke) if spoke else None,
    )


def place_of_ticket(row: Row) -> str:
    """Return where a ticket is: home, building or substation, by the names that people use; empty: nowhere."""
    if row["home"]:
        return f"{row['building_name']} {row['unit']}"
    return str(row["building_name"] or row["substation_name"] or "")
