"""The content of the queue: the views with their numbers, the filters, and a page of tickets by time left."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlencode

from fastapi import Query
from markupsafe import Markup

from api.desk_pages.queue_board import Part, QueueMoment
from api.desk_pages.time_left import TimeLeft, time_left
from api.http.language import Language, said
from api.http.paging import Paging
from api.http.session import Session
from api.live.presence import PresentPerson, people_at
from api.pages.render import Times, fragment, say
from domain.tickets import TicketClass, TicketState
from domain.words.desk import CLASS_TEXTS, CLOCK_TEXTS
from store.base.access import Person
from store.base.rows import Row
from store.tickets import queue_rows
from store.tickets.queue_rows import NO_TICKETS, QueueCounts, QueueFilter, QueuePage, QueueView

QUEUE = "/desk"
PAGE_TICKETS = 50
FEW = 10  # a part of the tickets so small is found before it is put in order
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

    person: Person
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


def queue_content(asking: Session, moment: QueueMoment, query: QueueQuery, reader: QueueReader) -> dict[str, Any]:
    """Gather the queue for the template of the part that changes."""
    look = _Look(asking, moment, query, query.filter(reader.person.name), reader.language)
    people = people_at(moment.people_at(look.rows().tickets), asking.scope, reader.person.staff_id)
    return {
        "query": query,
        "wanted": look.wanted,
        "is_filtered": look.is_filtered,
        "views": look.views(),
        "tickets": look.tickets(people),
        "at_feed": moment.at,
    }


@dataclass(frozen=True, kw_only=True)
class QueueRows:
    """A page of the queue in a language; `texts`: each ticket rendered with nobody at it."""

    read_at: Markup
    tickets: Sequence[int]
    lines: Sequence[QueueLine]
    texts: Sequence[Markup]
    cursor: str | None


class _Look(NamedTuple):
    """A look at the queue; what it reads and renders is kept for all who look so at the same moment."""

    asking: Session
    moment: QueueMoment
    query: QueueQuery
    wanted: QueueFilter
    language: Language

    @property
    def is_filtered(self) -> bool:
        """Some tickets of the view are left out."""
        return self.wanted.station is not None or not self.wanted.is_whole_view

    def views(self) -> Markup:
        """Render the links to the views with their numbers."""
        counts = self._counts()
        return self._kept(
            *("views", self.query.view, self.wanted.station, self.language, counts.of(QueueView.MINE, self.wanted.me)),
            read=lambda: fragment("desk/queue_views.html", self.language, views=self._links(counts)),
        )

    def tickets(self, people: Mapping[int, Sequence[PresentPerson]]) -> Markup:
        """Render a page of tickets, with those who are at them."""
        if people:
            return self._page(people)
        return self._kept("page", self.query, self._shared(), self.language, read=lambda: self._page({}))

    def rows(self) -> QueueRows:
        """Return a page of tickets."""
        return self._kept("rows", self._shared(), self.query.cursor, self.language, read=self._lines)

    def _kept(self, *key: Hashable, read: Callable[[], Part]) -> Part:
        scope = self.asking.scope
        return self.moment.kept.get((scope.everywhere, scope.own_station, *key), read)

    def _shared(self) -> QueueFilter:
        return self.wanted if self.wanted.view is QueueView.MINE else replace(self.wanted, me=None)

    def _counts(self) -> QueueCounts:
        conn, scope, now = self.asking.conn, self.asking.scope, self.asking.now
        found = self._kept("counts", read=lambda: queue_rows.counts(conn, scope, now))
        return found.get(self.wanted.station, NO_TICKETS)

    def _chosen(self) -> int:
        conn, scope, wanted = self.asking.conn, self.asking.scope, self._shared()
        if wanted.is_whole_view:
            return self._counts().of(wanted.view, wanted.me)
        return self._kept("chosen", wanted, read=lambda: queue_rows.count(conn, scope, wanted, self.asking.now))

    def _links(self, counts: QueueCounts) -> list[ViewLink]:
        return [
            ViewLink(
                view=view,
                key=str(key),
                name=say(self.language, f"desk_view_{view}"),
                address=QueueQuery(view=view, station=self.query.station).address(),
                count=counts.of(view, self.wanted.me),
                is_open=view is self.query.view,
            )
            for key, view in enumerate(QueueView, 1)
        ]

    def _page(self, people: Mapping[int, Sequence[PresentPerson]]) -> Markup:
        rows = self.rows()
        shown = zip(rows.tickets, rows.lines, rows.texts, strict=True)
        texts = (
            _row(line, self.language, people[ticket]) if ticket in people else text for ticket, line, text in shown
        )
        return fragment(
            "desk/queue_page.html",
            self.language,
            query=self.query,
            wanted=self.wanted,
            is_filtered=self.is_filtered,
            rows=Markup("").join(texts),
            total=self._chosen(),
            following=self.query.address(cursor=rows.cursor) if rows.cursor else None,
            at=rows.read_at,
        )

    def _read(self) -> tuple[list[Row], str | None]:
        conn, asking, paged = self.asking.conn, self.asking, Paging(self.query.cursor or None, PAGE_TICKETS)
        few = self._chosen() * FEW < self._counts().of(QueueView.ALL, None)
        page = QueuePage(paged.position(), paged.fetched, few)
        found = queue_rows.queue(conn, asking.scope, self._shared(), asking.now, page)
        rows, cursor = paged.cut(found, "place_at", "ticket_id")
        spoke = queue_rows.unanswered(conn, [row["ticket_id"] for row in rows])
        return [{**row, "unanswered_since": spoke.get(row["ticket_id"])} for row in rows], cursor

    def _lines(self) -> QueueRows:
        rows, cursor = self._kept("read", self._shared(), self.query.cursor, read=self._read)
        times = Times(self.language, self.asking.policy.zone, self.asking.now)
        lines = [_line(row, self.asking, self.language, times) for row in rows]
        return QueueRows(
            read_at=times.at(self.asking.now),
            tickets=[row["ticket_id"] for row in rows],
            lines=lines,
            texts=[_row(line, self.language) for line in lines],
            cursor=cursor,
        )


def _row(line: QueueLine, language: Language, people: Sequence[PresentPerson] = ()) -> Markup:
    return fragment("desk/queue_row.html", language, one=line, people=people)


def choices(asking: Session, moment: QueueMoment, language: Language) -> Mapping[str, Sequence[tuple[str, str]]]:
    """Return what can be chosen in the filters, with words."""
    stations = moment.kept.get("stations", lambda: queue_rows.stations(asking.conn))
    return {
        "station": [(station, station) for station in stations],
        "class": [(name.value, said(CLASS_TEXTS[name], language)) for name in TicketClass],
        "state": [(state.value, say(language, f"desk_state_{state}")) for state in OPEN_STATES],
        "priority": [(str(number), say(language, f"desk_priority_{number}")) for number in PRIORITIES],
    }


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
