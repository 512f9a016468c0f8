"""The people of a demo: dispatchers and crews who work every ticket, most of them in time."""

import heapq
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
from psycopg import Connection

from alerts.desk.moves import act
from domain.policy import Policy
from domain.tickets import UNDOING, EventKind, MoveRefused, NewEvent, TicketSource, TicketState
from hearth.words.demo import REPLY, RESULTS
from store.base import access
from store.base.rows import Row
from store.tickets import ticket_pages

PAGE = 200
LATE_CHANCE = 0.1  # of each step of a ticket
TRIES, TRY_AGAIN = 8, timedelta(hours=6)
CASES = ("complaint", "report")
ANSWER = {"text": REPLY, "channel": "phone"}


class WorkStep(NamedTuple):
    """A step of a ticket in minutes after its opening: from, to, and how late it may come."""

    kind: EventKind
    minutes: tuple[float, float]
    late: tuple[float, float]
    actor: str
    data: Mapping[str, Any] = {}


DAY = 24 * 60
REPAIR = (
    WorkStep(EventKind.ACCEPTED, (4, 45), (61, 90), "station"),
    WorkStep(EventKind.CONTACTED, (6, 28), (31, 70), "station"),
    WorkStep(EventKind.ARRIVED, (40, 115), (125, 300), "crew"),
    WorkStep(EventKind.DONE, (150, 1200), (1500, 2400), "crew"),
    WorkStep(EventKind.REPLIED, (1210, 1400), (2410, 2600), "dispatch", ANSWER),
    WorkStep(EventKind.CALLED_BACK, (2.9 * DAY, 3.4 * DAY), (4.8 * DAY, 5.5 * DAY), "dispatch"),
    WorkStep(EventKind.CLOSED, (3.5 * DAY, 3.6 * DAY), (5.6 * DAY, 6 * DAY), "dispatch"),
)
LEAK = tuple(
    step._replace(minutes=(12, 27), late=(33, 60)) if step.kind is EventKind.ARRIVED else step for step in REPAIR
)
CASE = (
    WorkStep(EventKind.ACCEPTED, (30, 600), (900, 1500), "dispatch"),
    WorkStep(EventKind.REPLIED, (1 * DAY, 4 * DAY), (9 * DAY, 12 * DAY), "dispatch", ANSWER),
    WorkStep(EventKind.DONE, (4.1 * DAY, 4.5 * DAY), (12.1 * DAY, 13 * DAY), "dispatch"),
    WorkStep(EventKind.CLOSED, (4.6 * DAY, 5 * DAY), (13.1 * DAY, 14 * DAY), "dispatch"),
)
JOB = (
    WorkStep(EventKind.ACCEPTED, (10, 600), (700, 1500), "station"),
    WorkStep(EventKind.ARRIVED, (700, 2000), (3000, 6000), "crew"),
)


class _Due(NamedTuple):
    at: datetime
    ticket_id: int
    kind: EventKind
    actor: str
    data: Mapping[str, Any]
    tries: int = 0


class Staff:
    """Works tickets by plans that depend on the ticket's number alone, so that a second start goes on with them."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._due: list[_Due] = []
        self._known = 0  # the last ticket that was looked at
        self._since: dict[int, datetime] = {}  # by ticket: where its last plan begins

    def work(self, conn: Connection, until: datetime) -> None:
        """Make the moves that are due, each at its time."""
        self._plan_new(conn, until)
        while self._due and self._due[0].at <= until:
            move = heapq.heappop(self._due)
            self._move(conn, move, move.at)

    def work_live(self, conn: Connection, now: datetime, most: int) -> None:
        """Make some of the moves that are due, now."""
        self._plan_new(conn, now)
        while self._due and self._due[0].at <= now and most > 0:
            most -= 1
            self._move(conn, heapq.heappop(self._due), now)

    def _plan_new(self, conn: Connection, until: datetime) -> None:
        wanted = ticket_pages.TicketFilter(now=until)
        while found := ticket_pages.tickets(
            conn, access.EVERYWHERE, wanted, oldest=True, after=self._known, limit=PAGE
        ):
            self._known = found[-1]["ticket_id"]
            for ticket in found:
                self._plan(ticket)
        # What is open again needs another plan.
        again = ticket_pages.TicketFilter(now=until, state=TicketState.OPEN.value)
        for ticket in ticket_pages.tickets(conn, access.EVERYWHERE, again, limit=PAGE):
            self._plan(ticket)

    def _plan(self, ticket: Row) -> None:
        since = _begins(ticket)
        if ticket["state"] != TicketState.CLOSED and self._since.get(ticket["ticket_id"]) != since:
            self._since[ticket["ticket_id"]] = since
            for move in _plan(ticket, since):
                heapq.heappush(self._due, move)

    def _move(self, conn: Connection, move: _Due, at: datetime) -> None:
        try:
            with conn.transaction():
                act(conn, self._policy, NewEvent(move.ticket_id, move.kind, move.data), at, move.actor)
        except MoveRefused:
            # Too early, not proven warm, or worked with an incident: people try again later, and give up one day.
            if move.tries < TRIES:
                heapq.heappush(self._due, move._replace(at=at + TRY_AGAIN, tries=move.tries + 1))


def _begins(ticket: Row) -> datetime:
    """Return when the present work on a ticket began: at its opening, or when it was open again."""
    undone = (event["at"] for event in ticket["events"] if EventKind(event["kind"]) in UNDOING)
    begins: datetime = max(undone, default=ticket["opened_at"])
    return begins


def _plan(ticket: Row, since: datetime) -> Iterator[_Due]:
    """Yield the steps of a ticket that nobody has taken since an instant."""
    rng = np.random.default_rng([ticket["ticket_id"], int(since.timestamp())])
    taken = {event["kind"] for event in ticket["events"] if event["at"] > since}
    for step in _steps(ticket):
        first, last = step.late if rng.random() < LATE_CHANCE else step.minutes
        after = timedelta(minutes=float(rng.uniform(first, last)))
        data = dict(step.data)
        if step.kind is EventKind.DONE:
            data["result"] = RESULTS[int(rng.integers(len(RESULTS)))]
        if step.kind is EventKind.CALLED_BACK:
            data["satisfied"] = bool(rng.random() > LATE_CHANCE)
        if step.kind.value not in taken:
            yield _Due(since + after, ticket["ticket_id"], step.kind, step.actor, data)


def _steps(ticket: Row) -> tuple[WorkStep, ...]:
    if ticket["class"] in CASES:
        return CASE
    if ticket["source"] in (TicketSource.DEVICE.value, TicketSource.INCIDENT.value):
        return JOB
    return LEAK if ticket["class"] == "leak" else REPAIR
