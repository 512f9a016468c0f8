"""Calls of people to the company of a demo: leaks, complaints, outages, in the past and in the first minutes."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from psycopg import Connection

from alerts.desk.cases import open_case
from alerts.desk.moves import ReportTarget, take_in
from alerts.network import outages
from alerts.tickets.docket import Opening
from domain.cases import CaseChannel, NewCase, Subject
from domain.outages import OutageKind
from domain.policy import Policy
from domain.priority import Cold, priority
from domain.tickets import TicketClass, TicketSource
from hearth.words.demo import COMPLAINT, FAULT, LEAK, PLANNED
from sim.story import Story
from sim.town import Town
from store.judging import ledger_rows
from store.network.outage_rows import PlaceCodes

ACTOR = "dispatch"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
Make = Callable[[Connection, Policy, datetime], object]


class Call(NamedTuple):
    """Something that is told at an instant."""

    at: datetime
    make: Make


def of_story(story: Story, begin: datetime) -> list[Call]:
    """Return the calls of the first minutes, in order of time."""
    tomorrow = (begin + DAY).replace(minute=0, second=0, microsecond=0)
    return [
        Call(begin + 0.75 * MINUTE, _leak(story.leaking_home)),
        Call(begin + 1.5 * MINUTE, _outage(story.outage_substation, OutageKind.PLANNED, tomorrow, 9 * HOUR)),
        Call(begin + 2.25 * MINUTE, _complaint(story.complaining_home)),
    ]


def of_past(town: Town, begin: datetime, until: datetime) -> list[Call]:
    """Return the calls of a past, in order of time."""
    plan = town.layout
    homes = [home.code for home in plan.homes if home.home_class == "multistorey" and not home.stopped]
    days = range((until - begin).days)
    calls = [Call(begin + day * DAY + 9.3 * HOUR, _leak(homes[day * 7 % len(homes)])) for day in days if day % 6 == 2]
    calls += [
        Call(begin + day * DAY + 5.1 * HOUR, _complaint(homes[day * 11 % len(homes)])) for day in days if day % 9 == 4
    ]
    for day in (day for day in days if day % 11 == 6):
        begins, place = begin + day * DAY + 4 * HOUR, plan.substations[day % len(plan.substations)].code
        calls += _whole_outage(place, OutageKind.FAULT if day % 2 else OutageKind.PLANNED, begins)
    return sorted(calls, key=lambda call: call.at)


def _leak(home: str) -> Make:
    def make(conn: Connection, policy: Policy, at: datetime) -> int:
        opening = Opening(
            ticket_class=TicketClass.LEAK,
            source=TicketSource.PHONE,
            priority=priority(TicketClass.LEAK, Cold(), None),
            home_id=_id(conn, home),
            description=LEAK,
        )
        return take_in(conn, policy, opening, at, ACTOR, ReportTarget(new=True))

    return make


def _complaint(home: str) -> Make:
    def make(conn: Connection, policy: Policy, at: datetime) -> int:
        case = NewCase(
            case_class="complaint",
            subject=Subject.TEMPERATURE,
            channel=CaseChannel.PHONE,
            text=COMPLAINT,
            home_id=_id(conn, home),
        )
        return open_case(conn, policy, case, at, ACTOR)

    return make


def _outage(substation: str, kind: OutageKind, begins: datetime, span: timedelta) -> Make:
    def make(conn: Connection, policy: Policy, at: datetime) -> str:
        reason = PLANNED if kind is OutageKind.PLANNED else FAULT
        draft = outages.Draft(kind, True, reason, begins, begins + span, PlaceCodes(substations=[substation]))
        return outages.record(conn, policy, draft, ACTOR, at)

    return make


def _whole_outage(substation: str, kind: OutageKind, begins: datetime) -> Iterator[Call]:
    """Yield an outage that is announced and, some hours later, over."""
    told: list[str] = []

    def announce(conn: Connection, policy: Policy, at: datetime) -> None:
        told.append(str(_outage(substation, kind, begins, 9 * HOUR)(conn, policy, at)))

    def restore(conn: Connection, policy: Policy, at: datetime) -> None:
        outages.restore(conn, policy, told[0], at, ACTOR, at)

    yield Call(begins - (DAY if kind is OutageKind.PLANNED else timedelta()), announce)
    yield Call(begins + 8.4 * HOUR, restore)


def _id(conn: Connection, home: str) -> int:
    (found,) = ledger_rows.homes(conn, [home])
    return found


class Caller:
    """Makes calls when their time has come."""

    def __init__(self, policy: Policy, calls: Sequence[Call]) -> None:
        self._policy = policy
        self._left = list(calls)

    @property
    def left(self) -> int:
        """Number of calls to be made."""
        return len(self._left)

    def call(self, conn: Connection, until: datetime, *, live: bool = False) -> None:
        """Make the calls that are due, each at its time; live: all of them now. `conn` is in autocommit mode."""
        while self._left and self._left[0].at <= until:
            due = self._left.pop(0)
            with conn.transaction():
                due.make(conn, self._policy, until if live else due.at)
