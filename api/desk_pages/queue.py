"""The content of the queue: the views with their numbers, the filters, and a page of tickets by time left."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Query
from markupsafe import Markup

from api.desk_pages.time_left import TimeLeft, time_left
from api.http.language import Language, said
from api.http.paging import Paging
from api.http.session import Session
from api.pages.render import Times, say
from domain.tickets import TicketClass, TicketState
from domain.words.desk import CLASS_TEXTS, CLOCK_TEXTS
from store.base.rows import Row
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


def queue_content(asking: Session, query: QueueQuery, me: str | None, language: Language) -> dict[str, Any]:
    """Gather the queue for the template."""
    paged = Paging(query.cursor or None, PAGE_TICKETS)
    wanted = query.filter(me)
    found = queue_rows.queue(asking.conn, asking.scope, wanted, asking.now, after=paged.position(), limit=paged.fetched)
    rows, following = paged.cut(found.tickets, "place_at", "ticket_id")
    times = Times(language, asking.policy.zone, asking.now)
    return {
        "query": query,
        "wanted": wanted,
        "views": _views(query, found.counts, language),
        "lines": [_line(row, asking, language, times) for row in rows],
        "total": found.counts["chosen"],
        "is_filtered": wanted != QueueFilter(view=wanted.view, me=me),
        "following": query.address(cursor=following) if following else None,
        "at": times.at(asking.now),
    }


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
            count=counts[view],
            is_open=view is query.view,
        )
        for key, view in enumerate(QueueView, 1)
    ]


def _line(row: Row, asking: Session, language: Language, times: Times) -> QueueLine:
    due = row["due_at"]
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
    )


def place_of_ticket(row: Row) -> str:
    """Return where a ticket is: home, building or substation, by the names that people use; empty: nowhere."""
    if row["home"]:
        return f"{row['building_name']} {row['unit']}"
    return str(row["building_name"] or row["substation_name"] or "")
