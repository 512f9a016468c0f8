"""A move is offered exactly when it is taken: asked of every ticket that a random course of work leads to."""

from collections.abc import Mapping
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from psycopg import Connection

from alerts.desk.offers import offers
from api.desk.desk_routes import find, make_move
from api.desk_pages.move_forms import MOVE
from api.http.problem import Problem
from api.http.session import Session
from domain.tickets import DISPATCH_MOVES, EventKind
from store.base.access import EVERYWHERE, Asker, Role
from tests.api import town
from tests.api.conftest import POLICY, Api
from tests.api.desk import Desk
from tests.api.town import NOW

pytestmark = pytest.mark.plain_only

# To the end, back, and to the end again; what a ticket does not take is a random move instead.
COURSE = (
    EventKind.REOPENED, EventKind.ACCEPTED, EventKind.ARRIVED, EventKind.DONE, EventKind.REWORK, EventKind.DONE,
    EventKind.CONFIRMED, EventKind.REPLIED, EventKind.CALLED_BACK, EventKind.CLOSED, EventKind.REOPENED, EventKind.VOID,
    EventKind.REMARK,
)  # fmt: skip
FINAL = frozenset({EventKind.VOID, EventKind.MERGED, EventKind.DONE, EventKind.CLOSED, EventKind.RESPONSIBILITY})
CLASSES = {"cold": "cold", "device": "device"}
SOURCES = {"device": "device", "incident": "incident"}
INSERT = """
INSERT INTO ticket (class, state, priority, home_id, source, station, opened_at, closed_at, retrospective)
VALUES (
  %(class)s, CASE WHEN %(over)s::timestamptz IS NULL THEN 'open' ELSE 'closed' END, 2, %(home)s, %(source)s, 'North',
  %(at)s, %(over)s, %(over)s::timestamptz IS NOT NULL
)
RETURNING ticket_id, number
"""
BODIES: Mapping[EventKind, dict[str, Any]] = {
    EventKind.ASSIGNED: {"responsible": "Wang"},
    EventKind.APPOINTMENT: {"appointment_at": "2026-01-16T10:00:00Z"},
    EventKind.DELAYED: {"reason": "parts", "explanation": "a pump"},
    EventKind.CAUSE_FOUND: {"cause": "leak"},
    EventKind.PART_USED: {"part": "O-ring"},
    EventKind.RESPONSIBILITY: {"responsibility": "user", "paid": True},
    EventKind.CONFIRMED: {"confirmation": "paper 1"},
    EventKind.REWORK: {"reason": "it drips again"},
    EventKind.REPLIED: {"text": "done", "channel": "phone"},
    EventKind.CALLED_BACK: {"satisfied": True},
    EventKind.REMARK: {"remark": "seen"},
    EventKind.USER_SAID: {"text": "still cold"},
    EventKind.MERGED: {"into": "T00000001", "reason": "the same"},
    EventKind.VOID: {"reason": "by mistake"},
    EventKind.REOPENED: {"reason": "again"},
    EventKind.PLAN_ANSWERED: {"plan": "a branch"},
    EventKind.PLAN_REFUSED: {"reason": "too far"},
    EventKind.INSPECTED: {"stage": "completion", "passed": True, "findings": "tight", "persons": "Wang"},
    EventKind.FEES_SETTLED: {"reference": "paper 2"},
    EventKind.CONTRACT_OFFERED: {"contract": "C1", "terms": "as printed"},
    EventKind.CONTRACT_SIGNED: {"confirmation": "paper 3"},
    EventKind.AREA_NOTICE: {"area_m2": "80"},
    EventKind.HEAT_ON: {"filled": True, "no_leaks": True, "confirmation": "paper 4"},
    EventKind.HEAT_OFF: {
        "own_branches": False, "pipe_removed": False, "ends_insulated": True, "drained": True, "no_leaks": True,
        "confirmation": "paper 5",
    },
}  # fmt: skip


class Undone(Exception):
    """A move was taken, and is taken back."""


def session(conn: Connection, hours: float) -> Session:
    asker = Asker("staff 1", "staff 1 (Li Na)", Role.SUPERVISOR, EVERYWHERE)  # who may make every move
    return Session(conn, asker, NOW + timedelta(hours=hours), POLICY)


def is_taken(asking: Session, number: str, kind: EventKind, into: str) -> bool:
    """Make a move and take it back; return whether the desk and the database took it."""
    body = {"kind": kind.value, **BODIES.get(kind, {})}
    if kind is EventKind.MERGED:
        body["into"] = into
    try:
        with asking.conn.transaction():
            make_move(asking, number, MOVE.validate_python(body))
            asking.conn.execute("SET CONSTRAINTS ALL IMMEDIATE")
            raise Undone
    except Undone:
        return True
    except Problem as problem:
        if problem.status != 409:
            raise
        return False


def walk(desk: Desk, number: str, other: str, seed: int) -> set[str]:
    """Work on a ticket to its end and again, with random moves between; before each step every move is asked for."""
    rng, conn, hours, states = Random(seed), desk.api.conn, 0.0, set()
    course = list(COURSE)
    while course:
        asking = session(conn, hours)
        ticket = find(asking, number)
        states.add(ticket["state"])
        offered = offers(conn, POLICY, ticket, asking.now)
        into = offered.into[0] if offered.into else other
        taken = {kind for kind in DISPATCH_MOVES if is_taken(asking, number, kind, into)}
        assert set(offered.open) == taken, (ticket["state"], hours)
        assert set(offered.open) <= set(offered.bars)
        following = course.pop(0)
        kind = following if following in taken else rng.choice(sorted(taken - FINAL))
        make_move(asking, number, MOVE.validate_python({"kind": kind.value, **BODIES.get(kind, {})}))
        conn.commit()  # each is a transaction of its own
        hours += rng.choice([0.1, 1, 30]) + (60 if kind is EventKind.DONE else 0)
    return states


@pytest.mark.parametrize("ticket_class", ["cold", "leak", "repair", "device", "complaint", "incident", "retrospective"])
def test_a_move_is_offered_exactly_when_it_is_taken(plain_api: Api, ticket_class: str) -> None:
    desk, conn = Desk(plain_api), plain_api.conn
    other = desk.opened("leak")["number"]
    if ticket_class == "complaint":
        number = plain_api.post(
            "/v1/cases", desk.dispatcher, **{"class": "complaint"}, subject="conduct", channel="phone", text="Late."
        ).json()["number"]
    elif ticket_class in ("leak", "repair"):
        number = desk.opened(ticket_class, new=True)["number"]
    else:
        over = NOW if ticket_class == "retrospective" else None
        row = {"class": CLASSES.get(ticket_class, "repair"), "source": SOURCES.get(ticket_class, "flag")}
        ticket, number = conn.execute(INSERT, {**row, "home": desk.home, "over": over, "at": NOW}).fetchone() or (0, "")
        if ticket_class == "cold":
            town.flag(conn, desk.home, ticket)
    conn.commit()
    states = walk(desk, number, other, len(ticket_class))
    assert {"open", "accepted", "working"} <= states
    assert ("verifying" in states) == (ticket_class == "cold")
    assert ("closed" in states) == (ticket_class not in ("cold", "device"))
